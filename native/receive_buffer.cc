#include "receive_buffer.h"

namespace ipvs {

int ReceiveBuffer::Fill(int fd) {
  for (size_t slot = 0; slot < kSlots; ++slot) {
    vectors_[slot] = {bytes_.data() + slot * kSlotWords, kSlotSize};
    senders_[slot] = {};
    msghdr& header = messages_[slot].msg_hdr;
    header = {};
    header.msg_name = &senders_[slot];
    header.msg_namelen = sizeof senders_[slot];
    header.msg_iov = &vectors_[slot];
    header.msg_iovlen = 1;
  }
  next_ = count_ = 0;
  const int count = ::recvmmsg(fd, messages_.data(), kSlots, MSG_DONTWAIT, nullptr);
  if (count > 0) count_ = static_cast<size_t>(count);
  return count;
}

ReceiveBuffer::Slot ReceiveBuffer::Next() {
  const size_t slot = next_++;
  const mmsghdr& message = messages_[slot];
  return {vectors_[slot].iov_base, static_cast<int>(message.msg_len), senders_[slot].nl_pid,
          (message.msg_hdr.msg_flags & MSG_TRUNC) != 0};
}

}  // namespace ipvs
