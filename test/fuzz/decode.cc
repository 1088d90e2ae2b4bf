/* Feeds the code that reads the kernel's answers with whatever libFuzzer comes up with: the walk
   over the messages of a datagram, and every decoder on each of them (a new one belongs into
   Decode).

   With IPVS_PLANTED_BUG it reads one byte too far where a service was decoded: a build with that
   must be caught, or a run without a finding proves nothing (scripts/fuzz). */
#include "../../native/decode.h"

#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "../../native/datagram.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

template <size_t Size>
bool IsText(const char (&text)[Size]) {
  return ::strnlen(text, Size) < Size;
}

/* What is decoded twice is the same, byte for byte. */
template <typename Row>
bool Same(const std::optional<Row>& first, const std::optional<Row>& second) {
  return first.has_value() == second.has_value() &&
         (!first || std::memcmp(&*first, &*second, sizeof *first) == 0);
}

void Decode(const nlmsghdr* header, const uint8_t* end) {
  const auto service = ipvs::DecodeService(header);
  Require(Same(service, ipvs::DecodeService(header)));
  if (service) Require(IsText(service->service.scheduler) && IsText(service->service.engine));
#ifdef IPVS_PLANTED_BUG
  if (service) Require(*const_cast<const volatile uint8_t*>(end) != 0xA5);
#else
  static_cast<void>(end);
#endif
  for (const uint16_t family : {uint16_t{AF_INET}, uint16_t{AF_INET6}}) {
    Require(Same(ipvs::DecodeDestination(header, family), ipvs::DecodeDestination(header, family)));
  }
  const auto daemon = ipvs::DecodeDaemon(header);
  Require(Same(daemon, ipvs::DecodeDaemon(header)));
  if (daemon) {
    Require(IsText(daemon->interface));
    Require(daemon->group_family == 0 || daemon->group_family == AF_INET ||
            daemon->group_family == AF_INET6);
  }
  Require(Same(ipvs::DecodeTimeouts(header), ipvs::DecodeTimeouts(header)));
  Require(Same(ipvs::DecodeInfo(header), ipvs::DecodeInfo(header)));
  ipvs::DecodeFamily(header);
  Require(ipvs::ReadError(header).error >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy that is exactly as long: one byte too far is out of bounds.
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[size]);
  std::memcpy(copy.get(), data, size);
  ipvs::Awaited awaited{0, 0, SIZE_MAX};
  nlmsghdr first{};
  if (size >= sizeof first) {
    std::memcpy(&first, copy.get(), sizeof first);
    awaited.port = first.nlmsg_pid;
    awaited.first = first.nlmsg_seq;
  }
  ipvs::Outcome failure;
  ipvs::ReadDatagram(
      copy.get(), static_cast<int>(size), awaited,
      [&](size_t, const nlmsghdr* header, ipvs::Outcome&) {
        Decode(header, copy.get() + size);
        return header->nlmsg_type == NLMSG_DONE;
      },
      failure);
  return 0;
}
