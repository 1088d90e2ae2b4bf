/* One real flow, for test/integration/traffic.test.ts: TCP, UDP or SCTP, IPv4 or IPv6.

   flow serve NAME PORT ADDRESS...          answers on each address, by all three protocols, with
   its name; says "ready" and runs until its standard input ends flow ask PROTOCOL FROM TO PORT SIZE
   sends SIZE bytes, prints what is answered; fails after 3 s */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* Get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address Read(const char* text, uint16_t port) {
  Address address;
  auto* four = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    address.size = sizeof *four;
  } else if (::inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    address.size = sizeof *six;
  } else {
    Die(text);
  }
  return address;
}

int Open(const std::string& protocol, const Address& address) {
  const bool datagrams = protocol == "udp";
  const int number = datagrams ? IPPROTO_UDP : protocol == "sctp" ? IPPROTO_SCTP : IPPROTO_TCP;
  const int fd = ::socket(address.storage.ss_family, datagrams ? SOCK_DGRAM : SOCK_STREAM, number);
  if (fd < 0) Die("socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const timeval limit{3, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::bind(fd, address.Get(), address.size) != 0) Die("bind");
  return fd;
}

void Answer(int fd, bool datagrams, const std::string& name) {
  char data[4096];
  if (datagrams) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    if (::recvfrom(fd, data, sizeof data, 0, reinterpret_cast<sockaddr*>(&from), &size) >= 0) {
      ::sendto(fd, name.data(), name.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
    return;
  }
  const int connection = ::accept(fd, nullptr, nullptr);
  if (connection < 0) return;
  if (::recv(connection, data, sizeof data, 0) > 0) {
    static_cast<void>(::send(connection, name.data(), name.size(), MSG_NOSIGNAL));
  }
  ::close(connection);
}

int Serve(const std::string& name, uint16_t first, uint16_t count,
          const std::vector<const char*>& addresses) {
  std::vector<pollfd> watched{{STDIN_FILENO, POLLIN, 0}};
  std::vector<bool> datagrams{false};
  for (const char* text : addresses) {
    for (const char* protocol : {"tcp", "udp", "sctp"}) {
      for (uint16_t index = 0; index < count; ++index) {
        const int fd = Open(protocol, Read(text, static_cast<uint16_t>(first + index)));
        datagrams.push_back(std::strcmp(protocol, "udp") == 0);
        if (!datagrams.back() && ::listen(fd, 16) != 0) Die("listen");
        watched.push_back({fd, POLLIN, 0});
      }
    }
  }
  std::puts("ready");
  std::fflush(stdout);
  while (::poll(watched.data(), watched.size(), -1) > 0 && watched.front().revents == 0) {
    for (size_t index = 1; index < watched.size(); ++index) {
      if (watched[index].revents != 0) Answer(watched[index].fd, datagrams[index], name);
    }
  }
  return 0;
}

int Ask(const char* protocol, const char* from, const char* to, uint16_t port, size_t size,
        int times) {
  const int fd = Open(protocol, Read(from, 0));
  const Address target = Read(to, port);
  if (::connect(fd, target.Get(), target.size) != 0) Die("connect");
  const std::string text(size, 'x');
  for (; times > 0; --times) {
    if (::send(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(size)) Die("send");
    char data[4096];
    const ssize_t received = ::recv(fd, data, sizeof data, 0);
    if (received <= 0) Die("recv");
    std::printf("%.*s\n", static_cast<int>(received), data);
  }
  return 0;
}

uint16_t Port(const char* text) { return static_cast<uint16_t>(std::atoi(text)); }

}  // namespace

int main(int count, char** words) {
  const std::string command = count > 1 ? words[1] : "";
  if (command == "serve" && count > 5) {
    return Serve(words[2], Port(words[3]), Port(words[4]), {words + 5, words + count});
  }
  if (command == "ask" && (count == 7 || count == 8)) {
    return Ask(words[2], words[3], words[4], Port(words[5]), std::strtoul(words[6], nullptr, 10),
               count == 8 ? std::atoi(words[7]) : 1);
  }
  std::fputs("usage: see the head of flow.cc\n", stderr);
  return 2;
}
