#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ipvs {

/* Datagrams that were taken from a socket with one system call, handed out one by one. A dump's end
   comes in a datagram of its own: most lists of destinations take two, and so one call. */
class ReceiveBuffer {
 public:
  struct Slot {
    const void* data;
    int size;
    uint32_t sender;  // port id; 0 is the kernel
    bool truncated;
  };

  ReceiveBuffer() : bytes_(kSlots * kSlotWords) {}

  /* Takes what is there, without waiting: how many datagrams, or -1 with errno set. */
  int Fill(int fd);

  [[nodiscard]] bool IsEmpty() const { return next_ == count_; }

  /* The next datagram, which must be there; its data is valid until the next Fill(). */
  Slot Next();

 private:
  static constexpr size_t kSlots = 4;
  /* The kernel fills the datagrams of a dump up to the largest buffer it has seen on the socket,
     but never beyond 32 KiB (net/netlink/af_netlink.c, netlink_dump and netlink_recvmsg). */
  static constexpr size_t kSlotSize = size_t{32} * 1024;
  static constexpr size_t kSlotWords = kSlotSize / sizeof(uint64_t);

  std::vector<uint64_t> bytes_;  // of words, so that netlink headers in it are aligned
  std::array<sockaddr_nl, kSlots> senders_{};
  std::array<iovec, kSlots> vectors_{};
  std::array<mmsghdr, kSlots> messages_{};
  size_t next_ = 0;
  size_t count_ = 0;
};

}  // namespace ipvs
