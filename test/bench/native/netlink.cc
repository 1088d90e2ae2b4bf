#include "netlink.h"

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "measure.h"

namespace bench {

void Requests::Begin(uint16_t family, uint8_t command, uint8_t version, uint16_t flags,
                     uint32_t sequence) {
  message_ = bytes_.size();
  sequence_ = sequence;
  bytes_.resize(message_ + NLMSG_HDRLEN + GENL_HDRLEN);
  const nlmsghdr header{0, family, static_cast<uint16_t>(NLM_F_REQUEST | flags), sequence, 0};
  const genlmsghdr generic{command, version, 0};
  std::memcpy(&bytes_[message_], &header, sizeof header);
  std::memcpy(&bytes_[message_ + NLMSG_HDRLEN], &generic, sizeof generic);
}

void Requests::Put(uint16_t type, const void* data, size_t size) {
  const size_t at = bytes_.size();
  const nlattr attribute{static_cast<uint16_t>(sizeof attribute + size), type};
  // What is aligned, is so to the same four bytes everywhere; NLA_ALIGN is a signed number.
  bytes_.resize(at + NLMSG_ALIGN(sizeof attribute + size));
  std::memcpy(&bytes_[at], &attribute, sizeof attribute);
  if (size > 0) std::memcpy(&bytes_[at + sizeof attribute], data, size);
}

size_t Requests::BeginNest(uint16_t type) {
  const size_t nest = bytes_.size();
  Put(type | NLA_F_NESTED, nullptr, 0);
  return nest;
}

void Requests::EndNest(size_t nest) {
  const auto size = static_cast<uint16_t>(bytes_.size() - nest);
  std::memcpy(&bytes_[nest + offsetof(nlattr, nla_len)], &size, sizeof size);
}

void Requests::End() {
  const auto size = static_cast<uint32_t>(bytes_.size() - message_);
  std::memcpy(&bytes_[message_ + offsetof(nlmsghdr, nlmsg_len)], &size, sizeof size);
}

Socket::Socket(size_t size, unsigned datagrams)
    : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)),
      buffers_(datagrams, std::vector<char>(size)),
      headers_(datagrams) {
  if (fd_ < 0) Die("socket");
  const timeval patience{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  for (std::vector<char>& buffer : buffers_) vectors_.push_back({buffer.data(), buffer.size()});
  for (unsigned index = 0; index < datagrams; ++index) {
    headers_[index].msg_hdr.msg_iov = &vectors_[index];
    headers_[index].msg_hdr.msg_iovlen = 1;
  }
  ResolveFamily();
}

Socket::~Socket() { ::close(fd_); }

void Socket::Send(const Requests& requests) {
  const std::vector<char>& bytes = requests.Bytes();
  if (::send(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) Die("send");
}

unsigned Socket::Receive() {
  if (headers_.size() > 1) {
    // Waits for the first datagram alone.
    const int received = ::recvmmsg(fd_, headers_.data(), static_cast<unsigned>(headers_.size()),
                                    MSG_WAITFORONE, nullptr);
    if (received < 1) Die("recvmmsg");
    return static_cast<unsigned>(received);
  }
  const ssize_t size = ::recvmsg(fd_, &headers_.front().msg_hdr, 0);
  if (size < 1) Die("recvmsg");
  headers_.front().msg_len = static_cast<unsigned>(size);
  return 1;
}

void Socket::ResolveFamily() {
  Requests requests;
  requests.Begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK, NextSequence());
  requests.Put(CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof IPVS_GENL_NAME);
  requests.End();
  Send(requests);
  ReadUntilEnd(requests.Sequence(), [&](const nlmsghdr* header) {
    ForEachAttribute(header, [&](int type, const char* data, size_t size) {
      if (type == CTRL_ATTR_FAMILY_ID) Read(data, size, family_);
    });
  });
}

void Socket::RequireSuccess(const nlmsghdr* header) {
  int error = 0;
  std::memcpy(&error, reinterpret_cast<const char*>(header) + NLMSG_HDRLEN, sizeof error);
  errno = -error;
  if (error != 0) Die("the kernel refused");
}

}  // namespace bench
