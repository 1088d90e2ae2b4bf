#pragma once

#include <netlink/msg.h>
#include <netlink/socket.h>
#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "outcome.h"
#include "receive_buffer.h"

namespace ipvs {

struct SocketDeleter {
  void operator()(nl_sock* socket) const noexcept { nl_socket_free(socket); }
};
struct MessageDeleter {
  void operator()(nl_msg* message) const noexcept { nlmsg_free(message); }
};
using Message = std::unique_ptr<nl_msg, MessageDeleter>;

/* A generic-netlink socket: messages in, datagrams out, never longer than a deadline.

   libnl makes the socket and its messages. Sending and receiving are done here: libnl's own
   receive loop knows no deadline and folds errno values into fewer codes of its own (ENOENT and
   ESRCH become one). */
class NetlinkSocket {
 public:
  using Clock = std::chrono::steady_clock;

  /* Opens the socket in the calling thread's network namespace. */
  Outcome Open();
  void Close() noexcept;
  [[nodiscard]] bool IsOpen() const noexcept { return socket_ != nullptr; }

  /* The port id that the kernel's answers must carry. */
  [[nodiscard]] uint32_t Port() const { return nl_socket_get_local_port(socket_.get()); }

  /* As many commands may be sent at once: they fit into the send buffer, and their answers into the
     receive buffer. */
  [[nodiscard]] size_t Room() const noexcept { return room_; }

  /* Hands all messages to the kernel with one system call. The kernel executes them before it
     returns. */
  Outcome Send(const std::vector<Message>& messages);

  /* A datagram from the kernel: `data` is valid until the next call. */
  struct Datagram {
    const void* data = nullptr;
    int size = 0;
  };
  /* Waits for the next datagram until `deadline` (ETIMEDOUT). */
  Outcome Receive(Clock::time_point deadline, Datagram& datagram);

 private:
  void EnlargeBuffers();
  void MeasureBuffers();
  [[nodiscard]] Outcome Wait(Clock::time_point deadline) const;
  Outcome Fill(Clock::time_point deadline);

  std::unique_ptr<nl_sock, SocketDeleter> socket_;
  size_t room_ = 1;
  std::vector<iovec> vectors_;
  std::unique_ptr<ReceiveBuffer> received_;  // while the socket is open
};

}  // namespace ipvs
