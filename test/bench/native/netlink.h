#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace bench {

/* Messages to the IPVS family, one behind the other in one buffer. */
class Requests {
 public:
  void Begin(uint16_t family, uint8_t command, uint8_t version, uint16_t flags, uint32_t sequence);
  void Put(uint16_t type, const void* data, size_t size);
  template <typename Value>
  void Put(uint16_t type, Value value) {
    Put(type, &value, sizeof value);
  }
  size_t BeginNest(uint16_t type);
  void EndNest(size_t nest);
  void End();
  void Clear() { bytes_.clear(); }

  [[nodiscard]] const std::vector<char>& Bytes() const { return bytes_; }
  /* Of the last message. */
  [[nodiscard]] uint32_t Sequence() const { return sequence_; }

 private:
  std::vector<char> bytes_;
  size_t message_ = 0;  // where the last one begins
  uint32_t sequence_ = 0;
};

/* A generic-netlink socket without any library, and the IPVS family's id. */
class Socket {
 public:
  /* Reads up to `datagrams` at once, of up to `size` bytes each; one of them by recvmsg. */
  Socket(size_t size, unsigned datagrams);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket(Socket&&) = delete;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  [[nodiscard]] uint16_t Family() const { return family_; }
  [[nodiscard]] uint32_t NextSequence() { return ++sequence_; }

  void Send(const Requests& requests);

  /* Hands messages to `take` until the one that ends the answer to `sequence`: its ACK, or the end
     of its dump. An error ends the program. */
  template <typename Take>
  void ReadUntilEnd(uint32_t sequence, const Take& take) {
    for (bool ended = false; !ended;) {
      const unsigned received = Receive();
      for (unsigned index = 0; index < received; ++index) {
        ended = Walk(index, sequence, take) || ended;
      }
    }
  }

 private:
  template <typename Take>
  bool Walk(unsigned datagram, uint32_t sequence, const Take& take) {
    const auto* header = static_cast<const nlmsghdr*>(vectors_[datagram].iov_base);
    size_t left = headers_[datagram].msg_len;
    for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      const bool end = header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE;
      if (!end) {
        take(header);
      } else {
        RequireSuccess(header);
        if (header->nlmsg_seq == sequence) return true;
      }
    }
    return false;
  }

  unsigned Receive();
  void ResolveFamily();
  static void RequireSuccess(const nlmsghdr* header);

  int fd_;
  uint16_t family_ = 0;
  uint32_t sequence_ = 0;
  std::vector<std::vector<char>> buffers_;
  std::vector<iovec> vectors_;
  std::vector<mmsghdr> headers_;
};

/* Calls `visit(type, data, size)` for each attribute. */
template <typename Visit>
void ForEachAttribute(const char* data, size_t size, const Visit& visit) {
  nlattr attribute{};
  for (size_t at = 0; at + sizeof attribute <= size; at += NLMSG_ALIGN(attribute.nla_len)) {
    std::memcpy(&attribute, data + at, sizeof attribute);
    if (attribute.nla_len < sizeof attribute || at + attribute.nla_len > size) return;
    visit(attribute.nla_type & NLA_TYPE_MASK, data + at + sizeof attribute,
          attribute.nla_len - sizeof attribute);
  }
}

/* Calls `visit` for each attribute of a message of generic netlink. */
template <typename Visit>
void ForEachAttribute(const nlmsghdr* header, const Visit& visit) {
  constexpr size_t kHeaders = NLMSG_HDRLEN + 4;
  ForEachAttribute(reinterpret_cast<const char*>(header) + kHeaders, header->nlmsg_len - kHeaders,
                   visit);
}

template <typename Value>
void Read(const char* data, size_t size, Value& value) {
  std::memcpy(&value, data, size < sizeof value ? size : sizeof value);
}

}  // namespace bench
