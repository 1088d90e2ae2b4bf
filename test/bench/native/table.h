#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdint>

namespace bench {

/* The table that every contender makes and lists: TCP services by round robin, each with as many
   masqueraded destinations, all of different addresses. test/bench/table.ts has the same. */
struct Table {
  uint32_t services;
  uint32_t destinations;  // of each service

  [[nodiscard]] uint32_t Rows() const { return services * (1 + destinations); }
};

constexpr uint16_t kServicePort = 80;
constexpr uint16_t kDestinationPort = 8080;
constexpr const char* kScheduler = "rr";
constexpr uint32_t kAllOnes = 0xffffffff;

/* 10.0.0.1 and those behind it, in network byte order as all addresses and ports here. */
inline uint32_t ServiceAddress(uint32_t service) { return htonl(0x0a000001 + service); }

/* 172.16.0.1 and those behind it. */
inline uint32_t DestinationAddress(const Table& table, uint32_t service, uint32_t destination) {
  return htonl(0xac100001 + service * table.destinations + destination);
}

/* What a reader keeps of each entry: all that the kernel tells. */
struct Statistics {
  uint64_t values[10];
};

struct ServiceEntry {
  uint32_t address;
  uint16_t port;
  uint16_t protocol;
  uint16_t family;
  uint32_t fwmark;
  uint32_t flags;
  uint32_t timeout;
  uint32_t netmask;
  char scheduler[16];
  Statistics statistics;
};

struct DestinationEntry {
  uint32_t address;
  uint16_t port;
  uint16_t family;
  uint32_t forwarding;
  uint32_t weight;
  uint32_t upper_threshold;
  uint32_t lower_threshold;
  uint32_t active;
  uint32_t inactive;
  uint32_t persistent;
  Statistics statistics;
};

}  // namespace bench
