#include "decode.h"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ipvs {

namespace {

/* The attributes of one level, by their number; null where one is missing. libnl skips numbers
   beyond `Max`. */
template <size_t Max>
class Attributes {
 public:
  bool ParseMessage(nlmsghdr* header) {
    return nlmsg_parse(header, GENL_HDRLEN, found_.data(), Max, nullptr) == 0;
  }
  bool ParseNested(nlattr* nest) {
    return nest != nullptr && nla_parse_nested(found_.data(), Max, nest, nullptr) == 0;
  }
  nlattr* operator[](size_t type) const { return found_.at(type); }

 private:
  std::array<nlattr*, Max + 1> found_{};
};

/* Reads a plain value; false where the attribute is missing or shorter than `T`. */
template <typename T>
bool Read(nlattr* attribute, T& value) {
  if (attribute == nullptr || nla_len(attribute) < static_cast<int>(sizeof(T))) return false;
  std::memcpy(&value, nla_data(attribute), sizeof(T));
  return true;
}

bool ReadPort(nlattr* attribute, uint16_t& port) {
  if (!Read(attribute, port)) return false;
  port = ntohs(port);
  return true;
}

bool ReadAddress(nlattr* attribute, uint8_t (&address)[kAddressSize], uint16_t family) {
  const int wanted = family == AF_INET6 ? 16 : 4;
  if (attribute == nullptr || nla_len(attribute) < wanted) return false;
  std::memcpy(address, nla_data(attribute), static_cast<size_t>(wanted));
  return true;
}

/* Reads text that fits the field together with its NUL. */
template <size_t Size>
bool ReadText(nlattr* attribute, char (&text)[Size]) {
  if (attribute == nullptr) return false;
  const auto* data = static_cast<const char*>(nla_data(attribute));
  const size_t length = ::strnlen(data, static_cast<size_t>(nla_len(attribute)));
  if (length >= Size) return false;
  std::memcpy(text, data, length);
  return true;
}

using StatisticsAttributes = Attributes<IPVS_STATS_ATTR_OUTBPS>;

void ReadStatistics64(const StatisticsAttributes& from, StatisticsRecord& into) {
  Read(from[IPVS_STATS_ATTR_CONNS], into.connections);
  Read(from[IPVS_STATS_ATTR_INPKTS], into.in_packets);
  Read(from[IPVS_STATS_ATTR_OUTPKTS], into.out_packets);
  Read(from[IPVS_STATS_ATTR_INBYTES], into.in_bytes);
  Read(from[IPVS_STATS_ATTR_OUTBYTES], into.out_bytes);
  Read(from[IPVS_STATS_ATTR_CPS], into.connection_rate);
  Read(from[IPVS_STATS_ATTR_INPPS], into.in_packet_rate);
  Read(from[IPVS_STATS_ATTR_OUTPPS], into.out_packet_rate);
  Read(from[IPVS_STATS_ATTR_INBPS], into.in_byte_rate);
  Read(from[IPVS_STATS_ATTR_OUTBPS], into.out_byte_rate);
}

/* Before 4.1 all but the bytes are 32 bits wide. */
void ReadStatistics32(const StatisticsAttributes& from, StatisticsRecord& into) {
  const auto read = [](nlattr* attribute, uint64_t& value) {
    uint32_t narrow = 0;
    if (Read(attribute, narrow)) value = narrow;
  };
  read(from[IPVS_STATS_ATTR_CONNS], into.connections);
  read(from[IPVS_STATS_ATTR_INPKTS], into.in_packets);
  read(from[IPVS_STATS_ATTR_OUTPKTS], into.out_packets);
  Read(from[IPVS_STATS_ATTR_INBYTES], into.in_bytes);
  Read(from[IPVS_STATS_ATTR_OUTBYTES], into.out_bytes);
  read(from[IPVS_STATS_ATTR_CPS], into.connection_rate);
  read(from[IPVS_STATS_ATTR_INPPS], into.in_packet_rate);
  read(from[IPVS_STATS_ATTR_OUTPPS], into.out_packet_rate);
  read(from[IPVS_STATS_ATTR_INBPS], into.in_byte_rate);
  read(from[IPVS_STATS_ATTR_OUTBPS], into.out_byte_rate);
}

void ReadStatistics(nlattr* wide, nlattr* narrow, StatisticsRecord& into) {
  StatisticsAttributes attributes;
  if (attributes.ParseNested(wide)) {
    ReadStatistics64(attributes, into);
  } else if (attributes.ParseNested(narrow)) {
    ReadStatistics32(attributes, into);
  }
}

using ServiceAttributes = Attributes<IPVS_SVC_ATTR_STATS64>;

bool ReadServiceKey(const ServiceAttributes& from, ServiceRecord& into) {
  if (!Read(from[IPVS_SVC_ATTR_AF], into.family)) return false;
  if (Read(from[IPVS_SVC_ATTR_FWMARK], into.fwmark)) {
    into.by_fwmark = 1;
    return true;
  }
  return Read(from[IPVS_SVC_ATTR_PROTOCOL], into.protocol) &&
         ReadAddress(from[IPVS_SVC_ATTR_ADDR], into.address, into.family) &&
         ReadPort(from[IPVS_SVC_ATTR_PORT], into.port);
}

bool ReadServiceDefinition(const ServiceAttributes& from, ServiceRecord& into) {
  ip_vs_flags flags{};
  if (!ReadText(from[IPVS_SVC_ATTR_SCHED_NAME], into.scheduler) ||
      !Read(from[IPVS_SVC_ATTR_FLAGS], flags) || !Read(from[IPVS_SVC_ATTR_TIMEOUT], into.timeout) ||
      !Read(from[IPVS_SVC_ATTR_NETMASK], into.netmask)) {
    return false;
  }
  into.flags = flags.flags;
  if (into.family != AF_INET6) into.netmask = ntohl(into.netmask);
  return from[IPVS_SVC_ATTR_PE_NAME] == nullptr ||
         ReadText(from[IPVS_SVC_ATTR_PE_NAME], into.engine);
}

using DestinationAttributes = Attributes<IPVS_DEST_ATTR_TUN_FLAGS>;

bool ReadDestinationDefinition(const DestinationAttributes& from, DestinationRecord& into) {
  uint8_t tunnel_type = 0;
  if (Read(from[IPVS_DEST_ATTR_TUN_TYPE], tunnel_type)) into.tunnel_type = tunnel_type;
  ReadPort(from[IPVS_DEST_ATTR_TUN_PORT], into.tunnel_port);
  Read(from[IPVS_DEST_ATTR_TUN_FLAGS], into.tunnel_flags);
  return Read(from[IPVS_DEST_ATTR_FWD_METHOD], into.forwarding) &&
         Read(from[IPVS_DEST_ATTR_WEIGHT], into.weight) &&
         Read(from[IPVS_DEST_ATTR_U_THRESH], into.upper_threshold) &&
         Read(from[IPVS_DEST_ATTR_L_THRESH], into.lower_threshold);
}

}  // namespace

std::optional<ServiceRow> DecodeService(nlmsghdr* header) {
  Attributes<IPVS_CMD_ATTR_MAX> message;
  ServiceAttributes service;
  ServiceRow row{};
  if (!message.ParseMessage(header) || !service.ParseNested(message[IPVS_CMD_ATTR_SERVICE]) ||
      !ReadServiceKey(service, row.service) || !ReadServiceDefinition(service, row.service)) {
    return std::nullopt;
  }
  ReadStatistics(service[IPVS_SVC_ATTR_STATS64], service[IPVS_SVC_ATTR_STATS], row.statistics);
  return row;
}

std::optional<DestinationRow> DecodeDestination(nlmsghdr* header, uint16_t service_family) {
  Attributes<IPVS_CMD_ATTR_MAX> message;
  DestinationAttributes attributes;
  if (!message.ParseMessage(header) || !attributes.ParseNested(message[IPVS_CMD_ATTR_DEST])) {
    return std::nullopt;
  }
  DestinationRow row{};
  DestinationRecord& destination = row.destination;
  destination.family = service_family;
  // The kernel sends the address before its family: the order of attributes means nothing.
  Read(attributes[IPVS_DEST_ATTR_ADDR_FAMILY], destination.family);
  if (!ReadAddress(attributes[IPVS_DEST_ATTR_ADDR], destination.address, destination.family) ||
      !ReadPort(attributes[IPVS_DEST_ATTR_PORT], destination.port) ||
      !ReadDestinationDefinition(attributes, destination) ||
      !Read(attributes[IPVS_DEST_ATTR_ACTIVE_CONNS], row.active) ||
      !Read(attributes[IPVS_DEST_ATTR_INACT_CONNS], row.inactive) ||
      !Read(attributes[IPVS_DEST_ATTR_PERSIST_CONNS], row.persistent)) {
    return std::nullopt;
  }
  ReadStatistics(attributes[IPVS_DEST_ATTR_STATS64], attributes[IPVS_DEST_ATTR_STATS],
                 row.statistics);
  return row;
}

std::optional<InfoRow> DecodeInfo(nlmsghdr* header) {
  Attributes<IPVS_INFO_ATTR_MAX> message;
  InfoRow row{};
  if (!message.ParseMessage(header) || !Read(message[IPVS_INFO_ATTR_VERSION], row.version) ||
      !Read(message[IPVS_INFO_ATTR_CONN_TAB_SIZE], row.connection_table_size)) {
    return std::nullopt;
  }
  return row;
}

std::optional<DaemonRow> DecodeDaemon(nlmsghdr* header) {
  Attributes<IPVS_CMD_ATTR_MAX> message;
  Attributes<IPVS_DAEMON_ATTR_MAX> daemon;
  DaemonRow row{};
  if (!message.ParseMessage(header) || !daemon.ParseNested(message[IPVS_CMD_ATTR_DAEMON]) ||
      !Read(daemon[IPVS_DAEMON_ATTR_STATE], row.state) ||
      !Read(daemon[IPVS_DAEMON_ATTR_SYNC_ID], row.sync_id) ||
      !ReadText(daemon[IPVS_DAEMON_ATTR_MCAST_IFN], row.interface)) {
    return std::nullopt;
  }
  Read(daemon[IPVS_DAEMON_ATTR_SYNC_MAXLEN], row.max_length);
  Read(daemon[IPVS_DAEMON_ATTR_MCAST_PORT], row.port);
  Read(daemon[IPVS_DAEMON_ATTR_MCAST_TTL], row.ttl);
  if (ReadAddress(daemon[IPVS_DAEMON_ATTR_MCAST_GROUP], row.group, AF_INET)) {
    row.group_family = AF_INET;
  } else if (ReadAddress(daemon[IPVS_DAEMON_ATTR_MCAST_GROUP6], row.group, AF_INET6)) {
    row.group_family = AF_INET6;
  }
  return row;
}

std::optional<TimeoutsRow> DecodeTimeouts(nlmsghdr* header) {
  Attributes<IPVS_CMD_ATTR_MAX> message;
  TimeoutsRow row{};
  if (!message.ParseMessage(header) || !Read(message[IPVS_CMD_ATTR_TIMEOUT_TCP], row.tcp) ||
      !Read(message[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN], row.tcp_fin) ||
      !Read(message[IPVS_CMD_ATTR_TIMEOUT_UDP], row.udp)) {
    return std::nullopt;
  }
  return row;
}

std::optional<uint16_t> DecodeFamily(nlmsghdr* header) {
  Attributes<CTRL_ATTR_FAMILY_ID> message;
  uint16_t family = 0;
  if (!message.ParseMessage(header) || !Read(message[CTRL_ATTR_FAMILY_ID], family)) {
    return std::nullopt;
  }
  return family;
}

}  // namespace ipvs
