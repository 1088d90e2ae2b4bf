#include "decode.h"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <iterator>

#include "attributes.h"

namespace ipvs {

namespace {

template <typename... Types>
constexpr uint32_t TypeBits(Types... types) {
  return (TypeBit(types) | ...);
}

/* The attributes of a message; none where it is shorter than its headers. */
ByteSpan AttributesOf(const nlmsghdr* header) {
  constexpr size_t kHeaders = NLMSG_HDRLEN + GENL_HDRLEN;
  if (header->nlmsg_len < kHeaders) return {};
  return {reinterpret_cast<const uint8_t*>(header) + kHeaders, header->nlmsg_len - kHeaders};
}

/* The one attribute that all others of a message are in. */
ByteSpan NestOf(const nlmsghdr* header, int wanted) {
  ByteSpan nest;
  uint32_t types = 0;
  ReadAttributes(AttributesOf(header), types, [&](int type, ByteSpan payload) {
    if (type == wanted) nest = payload;
    return true;
  });
  return nest;
}

bool ReadPort(ByteSpan from, uint16_t& port) {
  if (!Read(from, port)) return false;
  port = ntohs(port);
  return true;
}

bool ReadAddress(ByteSpan from, uint8_t (&address)[kAddressSize], uint16_t family) {
  const size_t wanted = family == AF_INET6 ? sizeof(in6_addr) : sizeof(in_addr);
  if (from.size < wanted) return false;
  std::memcpy(address, from.data, wanted);
  std::memset(address + wanted, 0, sizeof address - wanted);
  return true;
}

/* Reads text that fits the field together with its NUL. */
template <size_t Size>
bool ReadText(ByteSpan from, char (&text)[Size]) {
  const auto* characters = reinterpret_cast<const char*>(from.data);
  const size_t length = ::strnlen(characters, from.size);
  if (length >= Size) return false;
  std::memcpy(text, characters, length);
  std::memset(text + length, 0, Size - length);
  return true;
}

/* By the numbers of their attributes. */
constexpr uint64_t StatisticsRecord::* kCounters[] = {
    nullptr,  // IPVS_STATS_ATTR_UNSPEC
    &StatisticsRecord::connections,
    &StatisticsRecord::in_packets,
    &StatisticsRecord::out_packets,
    &StatisticsRecord::in_bytes,
    &StatisticsRecord::out_bytes,
    &StatisticsRecord::connection_rate,
    &StatisticsRecord::in_packet_rate,
    &StatisticsRecord::out_packet_rate,
    &StatisticsRecord::in_byte_rate,
    &StatisticsRecord::out_byte_rate,
};
static_assert(std::size(kCounters) == IPVS_STATS_ATTR_OUTBPS + 1);

/* A counter of 64 bits, or of 32 as most are in kernels before 4.1. */
bool ReadCounter(ByteSpan from, uint64_t& counter) {
  if (Read(from, counter)) return true;
  uint32_t narrow = 0;
  if (!Read(from, narrow)) return false;
  counter = narrow;
  return true;
}

bool ReadStatistics(ByteSpan nest, StatisticsRecord& into) {
  uint32_t types = 0;
  return ReadAttributes(nest, types, [&](int type, ByteSpan payload) {
    if (type <= IPVS_STATS_ATTR_UNSPEC || type > IPVS_STATS_ATTR_OUTBPS) return true;
    return ReadCounter(payload, into.*kCounters[type]);
  });
}

/* An entry's statistics come twice, except from kernels before 4.1, which lack the wide ones. */
struct StatisticsNests {
  ByteSpan wide;
  ByteSpan narrow;

  bool ReadInto(StatisticsRecord& record) const {
    return ReadStatistics(wide.data != nullptr ? wide : narrow, record);
  }
};

/* What of an entry can't be read before all of its attributes have been seen: their order means
   nothing. The kernel sends a destination's address before its family. */
struct Postponed {
  ByteSpan address;
  StatisticsNests statistics;
};

bool ReadServiceAttribute(int type, ByteSpan payload, ServiceRecord& into, Postponed& later) {
  ip_vs_flags flags{};
  switch (type) {
    case IPVS_SVC_ATTR_AF:
      return Read(payload, into.family);
    case IPVS_SVC_ATTR_FWMARK:
      into.by_fwmark = 1;
      return Read(payload, into.fwmark);
    case IPVS_SVC_ATTR_PROTOCOL:
      return Read(payload, into.protocol);
    case IPVS_SVC_ATTR_ADDR:
      later.address = payload;
      return true;
    case IPVS_SVC_ATTR_PORT:
      return ReadPort(payload, into.port);
    case IPVS_SVC_ATTR_SCHED_NAME:
      return ReadText(payload, into.scheduler);
    case IPVS_SVC_ATTR_PE_NAME:
      return ReadText(payload, into.engine);
    case IPVS_SVC_ATTR_FLAGS:
      if (!Read(payload, flags)) return false;
      into.flags = flags.flags;
      return true;
    case IPVS_SVC_ATTR_TIMEOUT:
      return Read(payload, into.timeout);
    case IPVS_SVC_ATTR_NETMASK:
      return Read(payload, into.netmask);
    case IPVS_SVC_ATTR_STATS:
      later.statistics.narrow = payload;
      return true;
    case IPVS_SVC_ATTR_STATS64:
      later.statistics.wide = payload;
      return true;
    default:
      return true;
  }
}

/* A service has a firewall mark, or else protocol, address and port. */
bool FinishServiceKey(uint32_t types, ByteSpan address, ServiceRecord& into) {
  if (into.by_fwmark != 0) {
    into.protocol = into.port = 0;
    return true;
  }
  constexpr uint32_t kKey = TypeBits(IPVS_SVC_ATTR_PROTOCOL, IPVS_SVC_ATTR_PORT);
  return (types & kKey) == kKey && ReadAddress(address, into.address, into.family);
}

bool ReadDestinationAttribute(int type, ByteSpan payload, DestinationRow& into, Postponed& later) {
  DestinationRecord& destination = into.destination;
  uint8_t tunnel_type = 0;
  switch (type) {
    case IPVS_DEST_ATTR_ADDR:
      later.address = payload;
      return true;
    case IPVS_DEST_ATTR_PORT:
      return ReadPort(payload, destination.port);
    case IPVS_DEST_ATTR_ADDR_FAMILY:
      return Read(payload, destination.family);
    case IPVS_DEST_ATTR_FWD_METHOD:
      return Read(payload, destination.forwarding);
    case IPVS_DEST_ATTR_WEIGHT:
      return Read(payload, destination.weight);
    case IPVS_DEST_ATTR_U_THRESH:
      return Read(payload, destination.upper_threshold);
    case IPVS_DEST_ATTR_L_THRESH:
      return Read(payload, destination.lower_threshold);
    case IPVS_DEST_ATTR_ACTIVE_CONNS:
      return Read(payload, into.active);
    case IPVS_DEST_ATTR_INACT_CONNS:
      return Read(payload, into.inactive);
    case IPVS_DEST_ATTR_PERSIST_CONNS:
      return Read(payload, into.persistent);
    case IPVS_DEST_ATTR_TUN_TYPE:
      if (!Read(payload, tunnel_type)) return false;
      destination.tunnel_type = tunnel_type;
      return true;
    case IPVS_DEST_ATTR_TUN_PORT:
      return ReadPort(payload, destination.tunnel_port);
    case IPVS_DEST_ATTR_TUN_FLAGS:
      return Read(payload, destination.tunnel_flags);
    case IPVS_DEST_ATTR_STATS:
      later.statistics.narrow = payload;
      return true;
    case IPVS_DEST_ATTR_STATS64:
      later.statistics.wide = payload;
      return true;
    default:
      return true;
  }
}

bool ReadDaemonAttribute(int type, ByteSpan payload, DaemonRecord& into) {
  switch (type) {
    case IPVS_DAEMON_ATTR_STATE:
      return Read(payload, into.state);
    case IPVS_DAEMON_ATTR_SYNC_ID:
      return Read(payload, into.sync_id);
    case IPVS_DAEMON_ATTR_MCAST_IFN:
      return ReadText(payload, into.interface);
    case IPVS_DAEMON_ATTR_SYNC_MAXLEN:
      return Read(payload, into.max_length);
    case IPVS_DAEMON_ATTR_MCAST_PORT:
      return Read(payload, into.port);
    case IPVS_DAEMON_ATTR_MCAST_TTL:
      return Read(payload, into.ttl);
    case IPVS_DAEMON_ATTR_MCAST_GROUP:
      into.group_family = AF_INET;
      return ReadAddress(payload, into.group, AF_INET);
    case IPVS_DAEMON_ATTR_MCAST_GROUP6:
      into.group_family = AF_INET6;
      return ReadAddress(payload, into.group, AF_INET6);
    default:
      return true;
  }
}

}  // namespace

std::optional<ServiceRow> DecodeService(const nlmsghdr* header) {
  constexpr uint32_t kNeeded =
      TypeBits(IPVS_SVC_ATTR_AF, IPVS_SVC_ATTR_SCHED_NAME, IPVS_SVC_ATTR_FLAGS,
               IPVS_SVC_ATTR_TIMEOUT, IPVS_SVC_ATTR_NETMASK);
  ServiceRow row{};
  ServiceRecord& service = row.service;
  Postponed later;
  uint32_t types = 0;
  const bool read =
      ReadAttributes(NestOf(header, IPVS_CMD_ATTR_SERVICE), types, [&](int type, ByteSpan payload) {
        return ReadServiceAttribute(type, payload, service, later);
      });
  if (!read || (types & kNeeded) != kNeeded || !FinishServiceKey(types, later.address, service) ||
      !later.statistics.ReadInto(row.statistics)) {
    return std::nullopt;
  }
  // An IPv4 mask travels in network byte order, an IPv6 prefix length in the host's.
  if (service.family != AF_INET6) service.netmask = ntohl(service.netmask);
  return row;
}

std::optional<DestinationRow> DecodeDestination(const nlmsghdr* header, uint16_t service_family) {
  constexpr uint32_t kNeeded = TypeBits(
      IPVS_DEST_ATTR_ADDR, IPVS_DEST_ATTR_PORT, IPVS_DEST_ATTR_FWD_METHOD, IPVS_DEST_ATTR_WEIGHT,
      IPVS_DEST_ATTR_U_THRESH, IPVS_DEST_ATTR_L_THRESH, IPVS_DEST_ATTR_ACTIVE_CONNS,
      IPVS_DEST_ATTR_INACT_CONNS, IPVS_DEST_ATTR_PERSIST_CONNS);
  DestinationRow row{};
  DestinationRecord& destination = row.destination;
  destination.family = service_family;
  Postponed later;
  const bool read =
      ReadNeeded(NestOf(header, IPVS_CMD_ATTR_DEST), kNeeded, [&](int type, ByteSpan payload) {
        return ReadDestinationAttribute(type, payload, row, later);
      });
  if (!read || !ReadAddress(later.address, destination.address, destination.family) ||
      !later.statistics.ReadInto(row.statistics)) {
    return std::nullopt;
  }
  return row;
}

std::optional<InfoRow> DecodeInfo(const nlmsghdr* header) {
  constexpr uint32_t kNeeded = TypeBits(IPVS_INFO_ATTR_VERSION, IPVS_INFO_ATTR_CONN_TAB_SIZE);
  InfoRow row{};
  const bool read = ReadNeeded(AttributesOf(header), kNeeded, [&](int type, ByteSpan payload) {
    if (type == IPVS_INFO_ATTR_VERSION) return Read(payload, row.version);
    return type != IPVS_INFO_ATTR_CONN_TAB_SIZE || Read(payload, row.connection_table_size);
  });
  return read ? std::optional(row) : std::nullopt;
}

std::optional<DaemonRow> DecodeDaemon(const nlmsghdr* header) {
  constexpr uint32_t kNeeded =
      TypeBits(IPVS_DAEMON_ATTR_STATE, IPVS_DAEMON_ATTR_SYNC_ID, IPVS_DAEMON_ATTR_MCAST_IFN);
  DaemonRow row{};
  const bool read = ReadNeeded(
      NestOf(header, IPVS_CMD_ATTR_DAEMON), kNeeded,
      [&](int type, ByteSpan payload) { return ReadDaemonAttribute(type, payload, row); });
  return read ? std::optional(row) : std::nullopt;
}

std::optional<TimeoutsRow> DecodeTimeouts(const nlmsghdr* header) {
  constexpr uint32_t kNeeded =
      TypeBits(IPVS_CMD_ATTR_TIMEOUT_TCP, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, IPVS_CMD_ATTR_TIMEOUT_UDP);
  TimeoutsRow row{};
  const bool read = ReadNeeded(AttributesOf(header), kNeeded, [&](int type, ByteSpan payload) {
    if (type == IPVS_CMD_ATTR_TIMEOUT_TCP) return Read(payload, row.tcp);
    if (type == IPVS_CMD_ATTR_TIMEOUT_TCP_FIN) return Read(payload, row.tcp_fin);
    return type != IPVS_CMD_ATTR_TIMEOUT_UDP || Read(payload, row.udp);
  });
  return read ? std::optional(row) : std::nullopt;
}

std::optional<uint16_t> DecodeFamily(const nlmsghdr* header) {
  uint16_t family = 0;
  const bool read = ReadNeeded(AttributesOf(header), TypeBit(CTRL_ATTR_FAMILY_ID),
                               [&](int type, ByteSpan payload) {
                                 return type != CTRL_ATTR_FAMILY_ID || Read(payload, family);
                               });
  return read ? std::optional(family) : std::nullopt;
}

}  // namespace ipvs
