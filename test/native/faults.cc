/* Loaded before libc by tests: changes what a netlink socket receives, or how system calls end, in
   the way that the environment variable IPVS_FAULT names at that moment. The kernel itself can't be
   made to lose an answer, to send nonsense, to answer as another kernel would, or to interrupt a
   thread of the pool, which blocks all signals.

   lose, overflow, cut, garble, empty   see Spoil
   linux-5.1, linux-4.0, linux-3.17     answers as that kernel gives them: see Drops
   future                               answers with attributes that nobody knows, in another order
   curt                                 answers in which an attribute's value is one byte at most
   memory                               there is none for a thread that entered another namespace
   interrupt                            every other system call on the socket ends with EINTR
   single                               one datagram is received at a time
   slow                                 sending takes 60 ms
   spilt                                the first datagram of the first list finds no room
   tiny, narrow                         the receive buffer, or the send buffer, is as small as the
                                        kernel allows
   boastful                             the send buffer is that small, and said to be large
   unforced                             buffers can't be made larger than everybody's
   busy                                 the socket is at another dump when the first is asked for
   short                                files of /proc are read by a few bytes at a time
   undoubled                            no descriptor can be doubled

   With IPVS_RECORD each datagram is written to a file in the folder that it names. */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

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

constexpr uint16_t kUnknownAttribute = 200;
constexpr size_t kAttributeHeader = sizeof(nlattr);

bool IsOldKernel(std::string_view fault) { return fault.substr(0, 6) == "linux-"; }

/* Whether a kernel as old as `fault` names lacks this attribute of a service or a destination. */
bool Drops(std::string_view fault, uint8_t command, int attribute) {
  if (!IsOldKernel(fault)) return false;
  const bool destination = command == IPVS_CMD_NEW_DEST;
  if (destination && attribute >= IPVS_DEST_ATTR_TUN_TYPE) return true;
  if (fault == "linux-5.1") return false;
  if (attribute == (destination ? +IPVS_DEST_ATTR_STATS64 : +IPVS_SVC_ATTR_STATS64)) return true;
  return fault == "linux-3.17" && destination && attribute == IPVS_DEST_ATTR_ADDR_FAMILY;
}

using Bytes = std::vector<char>;

void Append(Bytes& to, const void* from, size_t size) {
  const auto* bytes = static_cast<const char*>(from);
  to.insert(to.end(), bytes, bytes + size);
  to.resize(NLMSG_ALIGN(to.size()));
}

void AppendUnknown(Bytes& to) {
  const nlattr header{static_cast<uint16_t>(kAttributeHeader + 5), kUnknownAttribute};
  Append(to, &header, sizeof header);
  Append(to, "nobody", 5);
}

/* An attribute as it is, or with a value of one byte at most. */
Bytes RewriteAttribute(std::string_view fault, nlattr attribute, const char* data) {
  if (fault == "curt") {
    attribute.nla_len = std::min<uint16_t>(attribute.nla_len, kAttributeHeader + 1);
  }
  Bytes rewritten;
  Append(rewritten, data, attribute.nla_len);
  std::memcpy(rewritten.data(), &attribute, sizeof attribute);
  return rewritten;
}

/* The attributes of a service or a destination, as another kernel would have sent them. */
Bytes RewriteNest(std::string_view fault, uint8_t command, const char* data, size_t size) {
  std::vector<Bytes> kept;
  for (size_t at = 0; at + kAttributeHeader <= size;) {
    nlattr attribute{};
    std::memcpy(&attribute, data + at, sizeof attribute);
    if (attribute.nla_len < kAttributeHeader || at + attribute.nla_len > size) break;
    if (!Drops(fault, command, attribute.nla_type & NLA_TYPE_MASK)) {
      kept.push_back(RewriteAttribute(fault, attribute, data + at));
    }
    at += NLA_ALIGN(attribute.nla_len);
  }
  Bytes nest;
  if (fault == "future") {
    std::reverse(kept.begin(), kept.end());
    AppendUnknown(nest);
  }
  for (const Bytes& each : kept) nest.insert(nest.end(), each.begin(), each.end());
  return nest;
}

/* A message about a service or a destination, rewritten; any other as it is. */
Bytes RewriteMessage(std::string_view fault, const nlmsghdr* header) {
  const auto* bytes = reinterpret_cast<const char*>(header);
  constexpr size_t kBody = NLMSG_HDRLEN + GENL_HDRLEN;
  genlmsghdr generic{};
  Bytes message;
  if (header->nlmsg_type <= GENL_ID_CTRL || header->nlmsg_len < kBody + kAttributeHeader) {
    Append(message, bytes, header->nlmsg_len);
    return message;
  }
  std::memcpy(&generic, bytes + NLMSG_HDRLEN, sizeof generic);
  if (generic.cmd != IPVS_CMD_NEW_SERVICE && generic.cmd != IPVS_CMD_NEW_DEST) {
    Append(message, bytes, header->nlmsg_len);
    return message;
  }
  nlattr outer{};
  std::memcpy(&outer, bytes + kBody, sizeof outer);
  const Bytes nest = RewriteNest(fault, generic.cmd, bytes + kBody + kAttributeHeader,
                                 static_cast<size_t>(outer.nla_len) - kAttributeHeader);
  outer.nla_len = static_cast<uint16_t>(kAttributeHeader + nest.size());
  if (fault == "future") outer.nla_type |= NLA_F_NESTED;
  Append(message, bytes, kBody);
  if (fault == "future") AppendUnknown(message);
  Append(message, &outer, sizeof outer);
  Append(message, nest.data(), nest.size());
  nlmsghdr changed = *header;
  changed.nlmsg_len = static_cast<uint32_t>(message.size());
  std::memcpy(message.data(), &changed, sizeof changed);
  return message;
}

ssize_t Rewrite(std::string_view fault, const msghdr* message, ssize_t size) {
  Bytes datagram;
  auto* data = static_cast<char*>(message->msg_iov->iov_base);
  // What the kernel sends is whole.
  for (size_t at = 0; at < static_cast<size_t>(size);) {
    const auto* header = reinterpret_cast<const nlmsghdr*>(data + at);
    const Bytes rewritten = RewriteMessage(fault, header);
    datagram.insert(datagram.end(), rewritten.begin(), rewritten.end());
    at += NLMSG_ALIGN(header->nlmsg_len);
  }
  if (datagram.size() > message->msg_iov->iov_len) std::abort();
  std::memcpy(data, datagram.data(), datagram.size());
  return static_cast<ssize_t>(datagram.size());
}

void Record(const char* folder, const msghdr* message, ssize_t size) {
  static std::atomic<int> count{0};
  const std::string path = std::string(folder) + "/" + std::to_string(::getpid()) + "-" +
                           std::to_string(count.fetch_add(1));
  std::ofstream(path, std::ios::binary)
      .write(static_cast<const char*>(message->msg_iov->iov_base), size);
}

// In a thread of the client's that is inside another namespace, and without memory.
thread_local bool without_memory = false;

bool IsFault(std::string_view name) {
  const char* fault = std::getenv("IPVS_FAULT");
  return fault != nullptr && fault == name;
}

/* Whether this call on a netlink socket is to end with EINTR: every other one of a thread. */
bool Interrupts() {
  thread_local bool interrupted = false;
  if (!IsFault("interrupt")) return false;
  interrupted = !interrupted;
  if (interrupted) errno = EINTR;
  return interrupted;
}

/* Whether a call that was not interrupted is to find nothing yet: every other one of a thread. The
   kernel answers before a command is sent, so that nobody would ever wait. */
bool ComesLater() {
  thread_local bool later = false;
  if (!IsFault("interrupt")) return false;
  later = !later;
  if (later) errno = EAGAIN;
  return later;
}

/* The real function of this name. */
template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

/* Whether a message asks for a list of IPVS. */
bool IsDump(const msghdr* message) {
  const auto* header = static_cast<const nlmsghdr*>(message->msg_iov->iov_base);
  return (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP && header->nlmsg_type > GENL_ID_CTRL;
}

/* Sends the same question as if somebody else had asked it on this socket. */
void AskBefore(int fd, const msghdr* message) {
  Bytes copy;
  const auto* header = static_cast<const nlmsghdr*>(message->msg_iov->iov_base);
  Append(copy, header, header->nlmsg_len);
  nlmsghdr changed = *header;
  changed.nlmsg_seq = 0;
  std::memcpy(copy.data(), &changed, sizeof changed);
  iovec vector{copy.data(), copy.size()};
  msghdr asked = *message;
  asked.msg_iov = &vector;
  asked.msg_iovlen = 1;
  Real<ssize_t (*)(int, const msghdr*, int)>("sendmsg")(fd, &asked, 0);
}

// Whether the answer to come is the one that finds no room.
std::atomic<bool> spilling{false};

ssize_t Spoil(std::string_view fault, msghdr* message, ssize_t size) {
  if (fault == "lose") {
    errno = EAGAIN;
    return -1;
  }
  if (fault == "overflow" || (fault == "spilt" && spilling.exchange(false))) {
    errno = ENOBUFS;
    return -1;
  }
  if (fault == "cut") return size / 2;
  if (fault == "garble") Garble(message, size);
  if (fault == "empty") return 0;
  if (fault == "future" || fault == "curt" || IsOldKernel(fault)) {
    return Rewrite(fault, message, size);
  }
  return size;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ssize_t recvmsg(int fd, msghdr* message,
                                                                  int flags) {
  static const auto real =
      reinterpret_cast<ssize_t (*)(int, msghdr*, int)>(::dlsym(RTLD_NEXT, "recvmsg"));
  const ssize_t size = real(fd, message, flags);
  const char* fault = std::getenv("IPVS_FAULT");
  const char* folder = std::getenv("IPVS_RECORD");
  // Who only asks how long the datagram is, is left alone.
  if (size <= 0 || (flags & MSG_PEEK) != 0 || !IsNetlink(fd)) return size;
  if (folder != nullptr) Record(folder, message, size);
  return fault == nullptr ? size : Spoil(fault, message, size);
}

/* Each of its messages as if it had been received alone. */
extern "C" __attribute__((visibility("default"))) int recvmmsg(int fd, mmsghdr* messages,
                                                               unsigned int count, int flags,
                                                               timespec*) {
  if (IsNetlink(fd) && (Interrupts() || ComesLater())) return -1;
  if (IsFault("single")) count = 1;
  for (unsigned int index = 0; index < count; ++index) {
    const ssize_t size = recvmsg(fd, &messages[index].msg_hdr, flags);
    if (size < 0) return index > 0 ? static_cast<int>(index) : -1;
    messages[index].msg_len = static_cast<unsigned int>(size);
  }
  return static_cast<int>(count);
}

extern "C" __attribute__((visibility("default"))) ssize_t sendmsg(int fd, const msghdr* message,
                                                                  int flags) {
  static const auto real = Real<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  static std::atomic<bool> asked{false};
  if (IsNetlink(fd)) {
    if (Interrupts()) return -1;
    if (IsFault("spilt") && IsDump(message) && !asked.exchange(true)) spilling = true;
    if (IsFault("slow")) ::usleep(60'000);
    if (IsFault("busy") && IsDump(message) && !asked.exchange(true)) AskBefore(fd, message);
  }
  return real(fd, message, flags);
}

extern "C" __attribute__((visibility("default"))) int poll(pollfd* watched, nfds_t count,
                                                           int timeout) {
  static const auto real = Real<int (*)(pollfd*, nfds_t, int)>("poll");
  if (count == 1 && IsNetlink(watched->fd) && Interrupts()) return -1;
  return real(watched, count, timeout);
}

extern "C" __attribute__((visibility("default"))) int setsockopt(int fd, int level, int option,
                                                                 const void* value,
                                                                 socklen_t size) noexcept {
  static const auto real = Real<int (*)(int, int, int, const void*, socklen_t)>("setsockopt");
  const bool receiving = option == SO_RCVBUFFORCE;
  const bool sizes = level == SOL_SOCKET && (receiving || option == SO_SNDBUFFORCE);
  const int least = 1;
  if (sizes && (receiving ? IsFault("tiny") : IsFault("narrow") || IsFault("boastful"))) {
    return real(fd, level, option, &least, sizeof least);
  }
  if (sizes && IsFault("unforced")) {
    errno = EPERM;
    return -1;
  }
  return real(fd, level, option, value, size);
}

extern "C" __attribute__((visibility("default"))) int getsockopt(int fd, int level, int option,
                                                                 void* value,
                                                                 socklen_t* size) noexcept {
  static const auto real = Real<int (*)(int, int, int, void*, socklen_t*)>("getsockopt");
  constexpr int kLarge = 1024 * 1024;
  if (level == SOL_SOCKET && option == SO_SNDBUF && IsFault("boastful")) {
    std::memcpy(value, &kLarge, sizeof kLarge);
    return 0;
  }
  return real(fd, level, option, value, size);
}

extern "C" __attribute__((visibility("default"))) int fcntl(int fd, int command, ...) {
  static const auto real = Real<int (*)(int, int, ...)>("fcntl");
  va_list rest;
  va_start(rest, command);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  if (command == F_DUPFD_CLOEXEC && IsFault("undoubled")) {
    errno = EMFILE;
    return -1;
  }
  return real(fd, command, argument);
}

extern "C" __attribute__((visibility("default"))) ssize_t read(int fd, void* buffer, size_t size) {
  static const auto real = Real<ssize_t (*)(int, void*, size_t)>("read");
  constexpr size_t kFew = 7;
  struct statfs file{};
  if (size > kFew && IsFault("short") && ::fstatfs(fd, &file) == 0 &&
      file.f_type == PROC_SUPER_MAGIC) {
    size = kFew;
  }
  return real(fd, buffer, size);
}

/* What the C library itself calls malloc; it has no other name that needs no looking up. */
extern "C" void* __libc_malloc(size_t size);

extern "C" __attribute__((visibility("default"))) void* malloc(size_t size) noexcept {
  return without_memory ? nullptr : __libc_malloc(size);
}

extern "C" __attribute__((visibility("default"))) int setns(int fd, int type) noexcept {
  static const auto real = reinterpret_cast<int (*)(int, int)>(::dlsym(RTLD_NEXT, "setns"));
  const int result = real(fd, type);
  const char* fault = std::getenv("IPVS_FAULT");
  without_memory = fault != nullptr && std::string_view(fault) == "memory";
  return result;
}
