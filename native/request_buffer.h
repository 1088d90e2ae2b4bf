#pragma once

#include <netlink/msg.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ipvs {

/* The requests of one send, one behind the other, as netlink reads them.

   libnl writes each into one and the same message, from which it is copied: making a message
   for each takes longer than copying. */
class RequestBuffer {
 public:
  void Clear() noexcept;

  /* An empty message for the next request; null when there is no memory. */
  nl_msg* Begin();
  /* Takes in what was written since. */
  void End();

  [[nodiscard]] size_t Count() const noexcept { return count_; }
  [[nodiscard]] const std::vector<uint8_t>& Bytes() const noexcept { return bytes_; }

 private:
  struct MessageDeleter {
    void operator()(nl_msg* message) const noexcept { nlmsg_free(message); }
  };

  std::unique_ptr<nl_msg, MessageDeleter> message_;
  std::vector<uint8_t> bytes_;
  size_t count_ = 0;
};

}  // namespace ipvs
