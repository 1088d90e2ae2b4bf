#pragma once

#include <algorithm>
#include <chrono>

namespace ipvs {

/* So much time, from its begin or from the first moment that anybody asks. Most answers are there
   before anybody does, and asking the clock can cost as much as a command does: where a process
   can't read it by itself (user-mode Linux, virtual machines that don't trust their time stamp
   counter) it is a system call. */
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds time) : time_(time) {}

  void Begin() { BeginAt(Clock::now()); }

  /* Rounded up: none is left only when it is over. */
  std::chrono::milliseconds Left() {
    const auto now = Clock::now();
    if (!begun_) BeginAt(now);
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(end_ - now),
                    std::chrono::milliseconds::zero());
  }

  bool IsOver() { return Left() == std::chrono::milliseconds::zero(); }

 private:
  using Clock = std::chrono::steady_clock;

  void BeginAt(Clock::time_point now) {
    end_ = now + time_;
    begun_ = true;
  }

  std::chrono::milliseconds time_;
  Clock::time_point end_;
  bool begun_ = false;
};

}  // namespace ipvs
