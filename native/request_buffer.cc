#include "request_buffer.h"

#include <linux/netlink.h>

namespace ipvs {

namespace {

// A new destination in a service with every attribute takes less than 300 bytes.
constexpr size_t kMessageSize = 512;

}  // namespace

void RequestBuffer::Clear() noexcept {
  bytes_.clear();
  count_ = 0;
}

nl_msg* RequestBuffer::Begin() {
  if (!message_) message_.reset(nlmsg_alloc_size(kMessageSize));
  // Its header is all that libnl knows of what is in a message.
  if (message_) nlmsg_hdr(message_.get())->nlmsg_len = NLMSG_HDRLEN;
  return message_.get();
}

void RequestBuffer::End() {
  const nlmsghdr* header = nlmsg_hdr(message_.get());
  const auto* begin = reinterpret_cast<const uint8_t*>(header);
  bytes_.insert(bytes_.end(), begin, begin + header->nlmsg_len);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  ++count_;
}

}  // namespace ipvs
