/* Loaded before libc by test/integration/lost-answers.test.ts: spoils what a netlink socket
   receives, in the way that the environment variable IPVS_FAULT names at that moment. The kernel
   itself can't be made to lose an answer or to send nonsense. */
#include <dlfcn.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

bool IsNetlink(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_NETLINK;
}

/* The body behind the headers, the same in every message: attributes of no known length. */
void Garble(const msghdr* message, ssize_t size) {
  constexpr ssize_t kHeaders = NLMSG_HDRLEN + 4;
  if (size > kHeaders) {
    std::memset(static_cast<char*>(message->msg_iov->iov_base) + kHeaders, 0x01,
                static_cast<size_t>(size - kHeaders));
  }
}

ssize_t Spoil(std::string_view fault, msghdr* message, ssize_t size) {
  if (fault == "lose") {
    errno = EAGAIN;
    return -1;
  }
  if (fault == "overflow") {
    errno = ENOBUFS;
    return -1;
  }
  if (fault == "cut") return size / 2;
  if (fault == "garble") Garble(message, size);
  if (fault == "empty") return 0;
  return size;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ssize_t recvmsg(int fd, msghdr* message,
                                                                  int flags) {
  static const auto real =
      reinterpret_cast<ssize_t (*)(int, msghdr*, int)>(::dlsym(RTLD_NEXT, "recvmsg"));
  const ssize_t size = real(fd, message, flags);
  const char* fault = std::getenv("IPVS_FAULT");
  if (fault == nullptr || size <= 0 || !IsNetlink(fd)) return size;
  return Spoil(fault, message, size);
}
