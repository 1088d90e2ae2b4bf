#include "netlink_socket.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

namespace ipvs {

namespace {

// Holds the answers to far more commands than are ever under way at once.
constexpr int kBufferSize = 1024 * 1024;

// What a command takes of the send buffer at most, and its answer of the receive buffer: an error
// or an ACK costs 768 bytes, a service 1,280 (the kernel counts the memory, not the message).
constexpr size_t kRequestSize = 256;
constexpr size_t kAnswerSize = 2048;

// The kernel keeps so much of a send buffer for itself (net/netlink/af_netlink.c, netlink_sendmsg).
constexpr size_t kSendReserve = 32;

/* The size of a buffer as the kernel counts it; 0 when it does not tell. */
size_t BufferSize(int fd, int option) {
  int size = 0;
  socklen_t length = sizeof size;
  if (::getsockopt(fd, SOL_SOCKET, option, &size, &length) != 0 || size < 0) return 0;
  return static_cast<size_t>(size);
}

}  // namespace

Outcome NetlinkSocket::Open() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC));
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  socklen_t size = sizeof own;
  // The kernel chooses a free port; with libnl's choice a process has 1,024 of them at most.
  if (!fd || ::bind(fd.Get(), reinterpret_cast<const sockaddr*>(&own), size) != 0 ||
      ::getsockname(fd.Get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) {
    return {errno, Stage::kSocket};
  }
  received_ = std::make_unique<ReceiveBuffer>();
  port_ = own.nl_pid;
  fd_ = std::move(fd);
  EnlargeBuffers();
  MeasureBuffers();
  return {};
}

void NetlinkSocket::Close() noexcept {
  fd_.Reset();
  received_.reset();
}

void NetlinkSocket::EnlargeBuffers() {
  for (const auto& [force, plain] :
       {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}}) {
    // Beyond the system's maximum only a privileged caller may go; the others get the maximum.
    if (::setsockopt(fd_.Get(), SOL_SOCKET, force, &kBufferSize, sizeof kBufferSize) != 0) {
      ::setsockopt(fd_.Get(), SOL_SOCKET, plain, &kBufferSize, sizeof kBufferSize);
    }
  }
  // Errors then come without a copy of the request: smaller, and all alike.
  const int on = 1;
  ::setsockopt(fd_.Get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
}

void NetlinkSocket::MeasureBuffers() {
  const size_t sending = BufferSize(fd_.Get(), SO_SNDBUF);
  const size_t requests = sending > kSendReserve ? (sending - kSendReserve) / kRequestSize : 0;
  const size_t answers = BufferSize(fd_.Get(), SO_RCVBUF) / kAnswerSize;
  // However small the buffer is, the kernel takes one answer.
  room_ = std::max<size_t>(1, std::min(requests, answers));
}

void NetlinkSocket::Shrink(size_t commands) noexcept { room_ = std::max<size_t>(1, commands / 2); }

Outcome NetlinkSocket::Send(const RequestBuffer& requests) const {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const std::vector<uint8_t>& bytes = requests.Bytes();
  iovec vector{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  msghdr envelope{};
  envelope.msg_name = &kernel;
  envelope.msg_namelen = sizeof kernel;
  envelope.msg_iov = &vector;
  envelope.msg_iovlen = 1;
  while (::sendmsg(fd_.Get(), &envelope, 0) < 0) {
    if (errno != EINTR) return {errno, Stage::kSend};
  }
  return {};
}

Outcome NetlinkSocket::Wait(Deadline& deadline) const {
  for (;;) {
    const auto left = deadline.Left().count();
    if (left == 0) return {ETIMEDOUT, Stage::kReceive};
    pollfd watched{fd_.Get(), POLLIN, 0};
    const int ready =
        ::poll(&watched, 1, static_cast<int>(std::min<decltype(left)>(left, INT_MAX)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return {errno, Stage::kReceive};
  }
}

Outcome NetlinkSocket::Fill(Deadline& deadline) {
  while (received_->Fill(fd_.Get()) < 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {errno, Stage::kReceive};
    if (const Outcome waited = Wait(deadline); waited.Failed()) return waited;
  }
  return {};
}

Outcome NetlinkSocket::Receive(std::chrono::milliseconds timeout, Datagram& datagram) {
  Deadline deadline(timeout);
  for (;;) {
    if (received_->IsEmpty()) {
      if (const Outcome filled = Fill(deadline); filled.Failed()) return filled;
    }
    const ReceiveBuffer::Slot slot = received_->Next();
    // Other processes may send to our port; only port 0 is the kernel. Nor may they keep us here.
    if (slot.sender != 0) {
      if (deadline.IsOver()) return {ETIMEDOUT, Stage::kReceive};
      continue;
    }
    if (slot.truncated) return {EMSGSIZE, Stage::kReply};
    datagram = {slot.data, slot.size};
    return {};
  }
}

}  // namespace ipvs
