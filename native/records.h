#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

/* The packed records that cross the door between C++ and TypeScript, in host byte order.

   This is the one declaration of their layout. TypeScript keeps a copy of the offsets
   (lib/native/layout.ts); layout.cc hands it the real ones, and loading the addon fails when they
   differ. Every size is a multiple of 8, so that 64-bit fields stay aligned in a run of records. */
namespace ipvs {

constexpr size_t kAddressSize = 16;    // IPv4 lies in the first four bytes, the rest is zero
constexpr size_t kSchedulerSize = 16;  // IP_VS_SCHEDNAME_MAXLEN, terminating NUL included
constexpr size_t kEngineSize = 24;     // IP_VS_PENAME_MAXLEN is 16 without the NUL
constexpr size_t kInterfaceSize = 16;  // IP_VS_IFNAME_MAXLEN, terminating NUL included

/* What identifies a service comes first: two are the same when these bytes are. */
struct ServiceRecord {
  uint8_t address[kAddressSize];
  uint32_t fwmark;
  uint16_t family;     // AF_INET or AF_INET6
  uint16_t protocol;   // IPPROTO_*
  uint16_t port;       // host byte order
  uint16_t by_fwmark;  // 1: identified by fwmark, 0: by protocol, address and port
  uint32_t flags;      // IP_VS_SVC_F_*
  uint32_t timeout;    // persistence timeout, seconds
  uint32_t netmask;    // IPv4: the mask in host byte order; IPv6: the prefix length
  char scheduler[kSchedulerSize];
  char engine[kEngineSize];  // persistence engine, empty for none
};

struct DestinationRecord {
  uint8_t address[kAddressSize];
  uint32_t forwarding;  // IP_VS_CONN_F_*
  uint32_t weight;
  uint32_t upper_threshold;
  uint32_t lower_threshold;
  uint16_t family;
  uint16_t port;          // host byte order
  uint16_t tunnel_type;   // IP_VS_CONN_F_TUNNEL_TYPE_*
  uint16_t tunnel_port;   // host byte order
  uint16_t tunnel_flags;  // IP_VS_TUNNEL_ENCAP_FLAG_*
  uint16_t reserved[3];
};

struct StatisticsRecord {
  uint64_t connections;
  uint64_t in_packets;
  uint64_t out_packets;
  uint64_t in_bytes;
  uint64_t out_bytes;
  uint64_t connection_rate;
  uint64_t in_packet_rate;
  uint64_t out_packet_rate;
  uint64_t in_byte_rate;
  uint64_t out_byte_rate;
};

/* A connection synchronisation daemon. Zero in a field that the kernel has a default for means that
   default in a command, and an unknown value in a row (kernels before 4.3 do not tell). */
struct DaemonRecord {
  uint32_t state;  // IP_VS_STATE_MASTER or IP_VS_STATE_BACKUP
  uint32_t sync_id;
  char interface[kInterfaceSize];
  uint8_t group[kAddressSize];
  uint16_t group_family;  // of the multicast group: AF_INET or AF_INET6; 0: no group
  uint16_t max_length;    // bytes of UDP payload
  uint16_t port;          // host byte order
  uint8_t ttl;
  uint8_t reserved;
};

/* Seconds; 0 in a command leaves a timeout as it is. */
struct TimeoutsRecord {
  uint32_t tcp;
  uint32_t tcp_fin;
  uint32_t udp;
  uint32_t reserved;
};

/* One command for the kernel. What a command does not use is zero. */
struct CommandRecord {
  uint32_t command;       // IPVS_CMD_*
  uint32_t verify;        // a dump of destinations: 1 asks afterwards whether the service is there
  ServiceRecord service;  // family 0: none
  union {                 // by command
    DestinationRecord destination;
    DaemonRecord daemon;
    TimeoutsRecord timeouts;
  };
};

/* A reply begins with this. `count` ResultRecords follow, one per command that was executed (the
   first `count` of the batch), and somewhere behind them the rows that they point at. */
struct ReplyHeader {
  int32_t error;   // of the job as a whole: an errno, 0 for none
  uint32_t stage;  // Stage, where error is not 0
  uint32_t count;
  uint32_t reserved;
};

struct ResultRecord {
  int32_t error;
  uint32_t stage;
  uint32_t row;    // where the command's rows begin, in bytes from the start of the reply
  uint32_t count;  // of its rows
};

struct ServiceRow {
  ServiceRecord service;
  StatisticsRecord statistics;
};

struct DestinationRow {
  DestinationRecord destination;
  uint32_t active;
  uint32_t inactive;
  uint32_t persistent;
  uint32_t reserved;
  StatisticsRecord statistics;
};

struct InfoRow {
  uint32_t version;
  uint32_t connection_table_size;
};

using DaemonRow = DaemonRecord;
using TimeoutsRow = TimeoutsRecord;

template <typename... Records>
constexpr bool kPacked = ((std::is_trivially_copyable_v<Records> &&
                           std::is_standard_layout_v<Records> && sizeof(Records) % 8 == 0) &&
                          ...);

static_assert(
    kPacked<ServiceRecord, DestinationRecord, StatisticsRecord, CommandRecord, ReplyHeader,
            ResultRecord, ServiceRow, DestinationRow, InfoRow, DaemonRow, TimeoutsRow>);
static_assert(sizeof(ServiceRecord) == 80 && sizeof(DestinationRecord) == 48);
static_assert(sizeof(DaemonRecord) == 48 && sizeof(TimeoutsRecord) == 16);
static_assert(sizeof(StatisticsRecord) == 80 && sizeof(CommandRecord) == 136);
static_assert(sizeof(ServiceRow) == 160 && sizeof(DestinationRow) == 144);
static_assert(offsetof(ServiceRow, statistics) % 8 == 0);
static_assert(offsetof(DestinationRow, statistics) % 8 == 0);

}  // namespace ipvs
