/* Loaded before libc under AddressSanitizer: makes the end of each datagram that a netlink socket
   receives an end of memory. The buffer is longer than any datagram, and what lies behind one, the
   rest of an earlier one, could be read unnoticed. */
#include <dlfcn.h>
#include <sanitizer/asan_interface.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace {

bool IsNetlink(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_NETLINK;
}

/* Of the buffer of a message, the first `filled` bytes may be read. */
void SetEdge(const mmsghdr& message, size_t filled) {
  const iovec& buffer = *message.msg_hdr.msg_iov;
  ASAN_UNPOISON_MEMORY_REGION(buffer.iov_base, buffer.iov_len);
  if (filled >= buffer.iov_len) return;
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(buffer.iov_base) + filled, buffer.iov_len - filled);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int recvmmsg(int fd, mmsghdr* messages,
                                                               unsigned int count, int flags,
                                                               timespec* timeout) {
  using Function = int (*)(int, mmsghdr*, unsigned int, int, timespec*);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "recvmmsg"));
  if (!IsNetlink(fd)) return real(fd, messages, count, flags, timeout);
  for (unsigned int index = 0; index < count; ++index) SetEdge(messages[index], SIZE_MAX);
  const int received = real(fd, messages, count, flags, timeout);
  for (unsigned int index = 0; index < count; ++index) {
    const bool filled = static_cast<int>(index) < received;
    SetEdge(messages[index], filled ? messages[index].msg_len : 0);
  }
  return received;
}
