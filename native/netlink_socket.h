#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "deadline.h"
#include "outcome.h"
#include "receive_buffer.h"
#include "request_buffer.h"
#include "unique_fd.h"

namespace ipvs {

/* A generic-netlink socket: messages in, datagrams out, never longer than a deadline.

   libnl writes the messages. Sending and receiving is done here: libnl's sockets are 1,024 in a
   process at most, and its receive loop knows no deadline and folds errno values into fewer codes
   of its own (ENOENT and ESRCH become one). */
class NetlinkSocket {
 public:
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

  /* Hands all requests to the kernel with one system call. The kernel executes them before it
     returns. */
  [[nodiscard]] Outcome Send(const RequestBuffer& requests) const;

  /* A datagram from the kernel: `data` is valid until the next call. */
  struct Datagram {
    const void* data = nullptr;
    int size = 0;
  };
  /* Waits for the next datagram, so long at most (ETIMEDOUT). */
  Outcome Receive(std::chrono::milliseconds timeout, Datagram& datagram);

 private:
  void EnlargeBuffers();
  void MeasureBuffers();
  Outcome Wait(Deadline& deadline) const;
  Outcome Fill(Deadline& deadline);

  UniqueFd fd_;
  uint32_t port_ = 0;
  size_t room_ = 1;
  std::unique_ptr<ReceiveBuffer> received_;  // while the socket is open
};

}  // namespace ipvs
