/* The limit that everything else is measured against: bare sockets, no library, nothing checked
   but success.

   raw create SERVICES DESTINATIONS BATCH           BATCH commands a send, one ACK for all of them
   raw list SERVICES DESTINATIONS DATAGRAMS SIZE    the services, then the destinations of each;
                                                    DATAGRAMS of SIZE bytes a receive
   raw alone TIMES                                  one command and its answer

   Prints milliseconds; `alone` the median of one in microseconds. */
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>

#include <cerrno>
#include <string>
#include <vector>

#include "measure.h"
#include "netlink.h"
#include "table.h"

namespace bench {

namespace {

constexpr size_t kReceiveSize = 8192;

void PutKey(Requests& requests, uint32_t service) {
  requests.Put(IPVS_SVC_ATTR_AF, static_cast<uint16_t>(AF_INET));
  requests.Put(IPVS_SVC_ATTR_PROTOCOL, static_cast<uint16_t>(IPPROTO_TCP));
  requests.Put(IPVS_SVC_ATTR_ADDR, ServiceAddress(service));
  requests.Put(IPVS_SVC_ATTR_PORT, htons(kServicePort));
}

void AddService(Requests& requests, Socket& socket, uint32_t service, uint16_t flags) {
  requests.Begin(socket.Family(), IPVS_CMD_NEW_SERVICE, IPVS_GENL_VERSION, flags,
                 socket.NextSequence());
  const size_t nest = requests.BeginNest(IPVS_CMD_ATTR_SERVICE);
  PutKey(requests, service);
  requests.Put(IPVS_SVC_ATTR_SCHED_NAME, kScheduler, std::strlen(kScheduler) + 1);
  requests.Put(IPVS_SVC_ATTR_FLAGS, ip_vs_flags{0, kAllOnes});
  requests.Put(IPVS_SVC_ATTR_TIMEOUT, uint32_t{0});
  requests.Put(IPVS_SVC_ATTR_NETMASK, kAllOnes);
  requests.EndNest(nest);
  requests.End();
}

void AddDestination(Requests& requests, Socket& socket, const Table& table, uint32_t service,
                    uint32_t destination, uint16_t flags) {
  requests.Begin(socket.Family(), IPVS_CMD_NEW_DEST, IPVS_GENL_VERSION, flags,
                 socket.NextSequence());
  size_t nest = requests.BeginNest(IPVS_CMD_ATTR_SERVICE);
  PutKey(requests, service);
  requests.EndNest(nest);
  nest = requests.BeginNest(IPVS_CMD_ATTR_DEST);
  requests.Put(IPVS_DEST_ATTR_ADDR, DestinationAddress(table, service, destination));
  requests.Put(IPVS_DEST_ATTR_PORT, htons(kDestinationPort));
  requests.Put(IPVS_DEST_ATTR_FWD_METHOD, uint32_t{IP_VS_CONN_F_MASQ});
  requests.Put(IPVS_DEST_ATTR_WEIGHT, uint32_t{1});
  requests.Put(IPVS_DEST_ATTR_U_THRESH, uint32_t{0});
  requests.Put(IPVS_DEST_ATTR_L_THRESH, uint32_t{0});
  requests.EndNest(nest);
  requests.End();
}

/* The command at `index`: each service goes before its destinations. */
void AddCommand(Requests& requests, Socket& socket, const Table& table, uint32_t index,
                uint16_t flags) {
  const uint32_t service = index / (1 + table.destinations);
  const uint32_t position = index % (1 + table.destinations);
  if (position == 0) {
    AddService(requests, socket, service, flags);
  } else {
    AddDestination(requests, socket, table, service, position - 1, flags);
  }
}

double Create(const Table& table, uint32_t batch) {
  Socket socket(kReceiveSize, 1);
  return Measure([&] {
    Requests requests;
    for (uint32_t index = 0; index < table.Rows();) {
      const uint32_t end = std::min(index + batch, table.Rows());
      requests.Clear();
      for (; index < end; ++index) {
        AddCommand(requests, socket, table, index, index + 1 == end ? NLM_F_ACK : 0);
      }
      socket.Send(requests);
      socket.ReadUntilEnd(requests.Sequence(), [](const nlmsghdr*) {});
    }
  });
}

Statistics ReadStatistics(const char* data, size_t size) {
  Statistics statistics{};
  ForEachAttribute(data, size, [&](int type, const char* value, size_t length) {
    if (type >= IPVS_STATS_ATTR_CONNS && type <= IPVS_STATS_ATTR_OUTBPS) {
      Read(value, length, statistics.values[type - IPVS_STATS_ATTR_CONNS]);
    }
  });
  return statistics;
}

ServiceEntry ReadService(const char* nest, size_t nest_size) {
  ServiceEntry entry{};
  ForEachAttribute(nest, nest_size, [&](int type, const char* data, size_t size) {
    switch (type) {
      case IPVS_SVC_ATTR_AF:
        return Read(data, size, entry.family);
      case IPVS_SVC_ATTR_PROTOCOL:
        return Read(data, size, entry.protocol);
      case IPVS_SVC_ATTR_ADDR:
        return Read(data, size, entry.address);
      case IPVS_SVC_ATTR_PORT:
        return Read(data, size, entry.port);
      case IPVS_SVC_ATTR_FWMARK:
        return Read(data, size, entry.fwmark);
      case IPVS_SVC_ATTR_SCHED_NAME:
        return Read(data, size, entry.scheduler);
      case IPVS_SVC_ATTR_FLAGS:
        return Read(data, size, entry.flags);
      case IPVS_SVC_ATTR_TIMEOUT:
        return Read(data, size, entry.timeout);
      case IPVS_SVC_ATTR_NETMASK:
        return Read(data, size, entry.netmask);
      case IPVS_SVC_ATTR_STATS64:
        entry.statistics = ReadStatistics(data, size);
        return;
      default:
        return;
    }
  });
  return entry;
}

DestinationEntry ReadDestination(const char* nest, size_t nest_size) {
  DestinationEntry entry{};
  ForEachAttribute(nest, nest_size, [&](int type, const char* data, size_t size) {
    switch (type) {
      case IPVS_DEST_ATTR_ADDR_FAMILY:
        return Read(data, size, entry.family);
      case IPVS_DEST_ATTR_ADDR:
        return Read(data, size, entry.address);
      case IPVS_DEST_ATTR_PORT:
        return Read(data, size, entry.port);
      case IPVS_DEST_ATTR_FWD_METHOD:
        return Read(data, size, entry.forwarding);
      case IPVS_DEST_ATTR_WEIGHT:
        return Read(data, size, entry.weight);
      case IPVS_DEST_ATTR_U_THRESH:
        return Read(data, size, entry.upper_threshold);
      case IPVS_DEST_ATTR_L_THRESH:
        return Read(data, size, entry.lower_threshold);
      case IPVS_DEST_ATTR_ACTIVE_CONNS:
        return Read(data, size, entry.active);
      case IPVS_DEST_ATTR_INACT_CONNS:
        return Read(data, size, entry.inactive);
      case IPVS_DEST_ATTR_PERSIST_CONNS:
        return Read(data, size, entry.persistent);
      case IPVS_DEST_ATTR_STATS64:
        entry.statistics = ReadStatistics(data, size);
        return;
      default:
        return;
    }
  });
  return entry;
}

std::vector<ServiceEntry> ListServices(Socket& socket) {
  std::vector<ServiceEntry> entries;
  Requests requests;
  requests.Begin(socket.Family(), IPVS_CMD_GET_SERVICE, IPVS_GENL_VERSION, NLM_F_DUMP,
                 socket.NextSequence());
  requests.End();
  socket.Send(requests);
  socket.ReadUntilEnd(requests.Sequence(), [&](const nlmsghdr* header) {
    ForEachAttribute(header, [&](int type, const char* data, size_t size) {
      if (type == IPVS_CMD_ATTR_SERVICE) entries.push_back(ReadService(data, size));
    });
  });
  return entries;
}

void ListDestinations(Socket& socket, const ServiceEntry& service, Requests& requests,
                      std::vector<DestinationEntry>& entries) {
  requests.Clear();
  requests.Begin(socket.Family(), IPVS_CMD_GET_DEST, IPVS_GENL_VERSION, NLM_F_DUMP,
                 socket.NextSequence());
  const size_t nest = requests.BeginNest(IPVS_CMD_ATTR_SERVICE);
  requests.Put(IPVS_SVC_ATTR_AF, service.family);
  requests.Put(IPVS_SVC_ATTR_PROTOCOL, service.protocol);
  requests.Put(IPVS_SVC_ATTR_ADDR, service.address);
  requests.Put(IPVS_SVC_ATTR_PORT, service.port);
  requests.EndNest(nest);
  requests.End();
  socket.Send(requests);
  socket.ReadUntilEnd(requests.Sequence(), [&](const nlmsghdr* header) {
    ForEachAttribute(header, [&](int type, const char* data, size_t size) {
      if (type == IPVS_CMD_ATTR_DEST) entries.push_back(ReadDestination(data, size));
    });
  });
}

double List(const Table& table, unsigned datagrams, size_t size) {
  Socket socket(size, datagrams);
  size_t rows = 0;
  const double took = Measure([&] {
    std::vector<DestinationEntry> destinations;
    const std::vector<ServiceEntry> services = ListServices(socket);
    Requests requests;
    for (const ServiceEntry& service : services) {
      ListDestinations(socket, service, requests, destinations);
    }
    rows = services.size() + destinations.size();
  });
  if (rows != table.Rows()) Die("listed " + std::to_string(rows) + " rows");
  return took;
}

double Alone(uint32_t times) {
  const Table table{(times + 9) / 10, 10};
  Create({table.services, 0}, 100);
  Socket socket(kReceiveSize, 1);
  Requests requests;
  return MeasureEach(times, [&](uint32_t index) {
    requests.Clear();
    AddDestination(requests, socket, table, index / 10, index % 10, NLM_F_ACK);
    socket.Send(requests);
    socket.ReadUntilEnd(requests.Sequence(), [](const nlmsghdr*) {});
  });
}

double Run(int count, char** words) {
  const std::string command = count > 1 ? words[1] : "";
  if (command == "create" && count == 5) {
    return Create({Number(words[2]), Number(words[3])}, Number(words[4]));
  }
  if (command == "list" && count == 6) {
    return List({Number(words[2]), Number(words[3])}, Number(words[4]), Number(words[5]));
  }
  if (command == "alone" && count == 3) return Alone(Number(words[2]));
  errno = EINVAL;
  Die("usage: see the head of raw.cc");
}

}  // namespace

}  // namespace bench

int main(int count, char** words) {
  std::printf("%.3f\n", bench::Run(count, words));
  return 0;
}
