#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "outcome.h"
#include "records.h"

namespace ipvs {

/* The packed answer to one job, as it goes to JavaScript. */
class Reply {
 public:
  Reply() : bytes_(sizeof(ReplyHeader)) {}
  explicit Reply(Outcome failure) : Reply() { Finish(failure, 0); }

  template <typename Record>
  size_t Append(const Record& record) {
    static_assert(std::is_trivially_copyable_v<Record>);
    const size_t offset = bytes_.size();
    bytes_.resize(offset + sizeof record);
    std::memcpy(bytes_.data() + offset, &record, sizeof record);
    return offset;
  }

  void Append(const std::vector<uint8_t>& rows) {
    bytes_.insert(bytes_.end(), rows.begin(), rows.end());
  }

  void Finish(Outcome outcome, size_t count) {
    const ReplyHeader header{outcome.error, static_cast<uint32_t>(outcome.stage),
                             static_cast<uint32_t>(count), 0};
    std::memcpy(bytes_.data(), &header, sizeof header);
  }

  [[nodiscard]] const std::vector<uint8_t>& Bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace ipvs
