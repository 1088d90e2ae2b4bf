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
  /* With so many bytes behind the header that Write() fills. */
  explicit Reply(size_t room = 0) : bytes_(sizeof(ReplyHeader) + room) {}
  explicit Reply(Outcome failure) : Reply() { Finish(failure, 0); }

  /* Adds a record; where it lies. */
  template <typename Record>
  size_t Append(const Record& record) {
    const size_t offset = bytes_.size();
    bytes_.resize(offset + sizeof record);
    Write(offset, record);
    return offset;
  }

  template <typename Record>
  void Write(size_t offset, const Record& record) {
    static_assert(std::is_trivially_copyable_v<Record>);
    std::memcpy(bytes_.data() + offset, &record, sizeof record);
  }

  void Append(const std::vector<uint8_t>& rows) {
    bytes_.insert(bytes_.end(), rows.begin(), rows.end());
  }

  void Finish(Outcome outcome, size_t count) {
    const ReplyHeader header{outcome.error, static_cast<uint32_t>(outcome.stage),
                             static_cast<uint32_t>(count), 0};
    Write(0, header);
  }

  [[nodiscard]] const std::vector<uint8_t>& Bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace ipvs
