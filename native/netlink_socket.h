#pragma once

#include <netlink/msg.h>
#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "outcome.h"
#include "receive_buffer.h"
#include "unique_fd.h"

namespace ipvs {

struct MessageDeleter {
  void operator()(nl_msg* message) const noexcept { nlmsg_free(message); }
};
using Message = std::unique_ptr<nl_msg, MessageDeleter>;

/* A generic-netlink socket: messages in, datagrams out, never longer than a deadline.

   libnl makes the messages. The rest is done here: its sockets are 1,024 in a process at most, and
   its receive loop knows no deadline and folds errno values into fewer codes of its own (ENOENT
   and ESRCH become one). */
class NetlinkSocket {
 public:
  using Clock = std::chrono::steady_clock;

  /* Opens the socket in the calling thread's network namespace. */
  Outcome Open();
  void Close() noexcept;
  [[nodiscard]] bool IsOpen() const noexcept { return static_cast<bool>(fd_); }

  /* The port id that the kernel's answers must carry. */
  [[nodiscard]] uint32_t Port() const noexcept { return port_; }

  /* As many commands may be sent at once: they fit into the send buffer, and their answers into the
     receive buffer. */
  [[nodiscard]] size_t Room() const noexcept { return room_; }

  /* So many were too many all the same (EMSGSIZE). */
  void Shrink(size_t commands) noexcept;

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

  UniqueFd fd_;
  uint32_t port_ = 0;
  size_t room_ = 1;
  std::vector<iovec> vectors_;
  std::unique_ptr<ReceiveBuffer> received_;  // while the socket is open
};

}  // namespace ipvs
