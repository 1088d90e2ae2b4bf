#pragma once

#include <functional>
#include <string>

#include "outcome.h"
#include "unique_fd.h"

namespace ipvs {

/* A network namespace, kept alive by an open descriptor. */
class NetworkNamespace {
 public:
  /* The path of the calling thread's own namespace, by which any other thread can open it. */
  static std::string PathOfThisThread();

  /* Opens `path`; EINVAL when it is something other than a network namespace. */
  Outcome Open(const std::string& path);
  void Close() noexcept { fd_.Reset(); }

  /* Makes `copy` the same one, by another descriptor. */
  Outcome CopyTo(NetworkNamespace& copy) const;

  [[nodiscard]] bool IsOpen() const noexcept { return static_cast<bool>(fd_); }

  /* Runs `work` inside the namespace. Where that is not the calling thread's own, the work runs on
     a thread made for it, which ends with it: no thread that anybody else uses ever changes its
     namespace, and none has to be changed back.
     What the work throws is thrown here. */
  Outcome Run(const std::function<Outcome()>& work) const;

 private:
  [[nodiscard]] bool IsThisThreads() const;

  UniqueFd fd_;
};

}  // namespace ipvs
