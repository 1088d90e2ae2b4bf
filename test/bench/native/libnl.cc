/* The usual style of a netlink client in C: libnl, one message a send, one ACK for each.

   libnl create SERVICES DESTINATIONS
   libnl list SERVICES DESTINATIONS     the services, then the destinations of each
   libnl alone TIMES                    one command and its answer

   Prints milliseconds; `alone` the median of one in microseconds. */
#include <linux/ip_vs.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "measure.h"
#include "table.h"

namespace bench {

namespace {

struct Free {
  void operator()(nl_sock* socket) const noexcept { nl_socket_free(socket); }
};

struct Socket {
  std::unique_ptr<nl_sock, Free> handle{nl_socket_alloc()};
  int family = 0;
};

/* Everything in here must succeed. */
void Require(int result, const char* what) {
  if (result >= 0) return;
  Die(std::string(what) + ": " + nl_geterror(result));
}

Socket Open() {
  Socket socket;
  Require(genl_connect(socket.handle.get()), "genl_connect");
  socket.family = genl_ctrl_resolve(socket.handle.get(), IPVS_GENL_NAME);
  Require(socket.family, "genl_ctrl_resolve");
  return socket;
}

nl_msg* NewMessage(const Socket& socket, uint8_t command, int flags) {
  nl_msg* message = nlmsg_alloc();
  if (message == nullptr || genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, socket.family, 0, flags,
                                        command, IPVS_GENL_VERSION) == nullptr) {
    Die("genlmsg_put");
  }
  return message;
}

void PutKey(nl_msg* message, uint16_t protocol, uint32_t address, uint16_t port) {
  Require(nla_put_u16(message, IPVS_SVC_ATTR_AF, AF_INET), "nla_put");
  Require(nla_put_u16(message, IPVS_SVC_ATTR_PROTOCOL, protocol), "nla_put");
  Require(nla_put(message, IPVS_SVC_ATTR_ADDR, sizeof address, &address), "nla_put");
  Require(nla_put_u16(message, IPVS_SVC_ATTR_PORT, port), "nla_put");
}

void AddService(const Socket& socket, uint32_t service) {
  nl_msg* message = NewMessage(socket, IPVS_CMD_NEW_SERVICE, 0);
  nlattr* nest = nla_nest_start(message, IPVS_CMD_ATTR_SERVICE);
  PutKey(message, IPPROTO_TCP, ServiceAddress(service), htons(kServicePort));
  const ip_vs_flags flags{0, kAllOnes};
  Require(nla_put_string(message, IPVS_SVC_ATTR_SCHED_NAME, kScheduler), "nla_put");
  Require(nla_put(message, IPVS_SVC_ATTR_FLAGS, sizeof flags, &flags), "nla_put");
  Require(nla_put_u32(message, IPVS_SVC_ATTR_TIMEOUT, 0), "nla_put");
  Require(nla_put_u32(message, IPVS_SVC_ATTR_NETMASK, kAllOnes), "nla_put");
  nla_nest_end(message, nest);
  Require(nl_send_sync(socket.handle.get(), message), "IPVS_CMD_NEW_SERVICE");
}

void AddDestination(const Socket& socket, const Table& table, uint32_t service,
                    uint32_t destination) {
  nl_msg* message = NewMessage(socket, IPVS_CMD_NEW_DEST, 0);
  nlattr* nest = nla_nest_start(message, IPVS_CMD_ATTR_SERVICE);
  PutKey(message, IPPROTO_TCP, ServiceAddress(service), htons(kServicePort));
  nla_nest_end(message, nest);
  nest = nla_nest_start(message, IPVS_CMD_ATTR_DEST);
  const uint32_t address = DestinationAddress(table, service, destination);
  Require(nla_put(message, IPVS_DEST_ATTR_ADDR, sizeof address, &address), "nla_put");
  Require(nla_put_u16(message, IPVS_DEST_ATTR_PORT, htons(kDestinationPort)), "nla_put");
  Require(nla_put_u32(message, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_MASQ), "nla_put");
  Require(nla_put_u32(message, IPVS_DEST_ATTR_WEIGHT, 1), "nla_put");
  Require(nla_put_u32(message, IPVS_DEST_ATTR_U_THRESH, 0), "nla_put");
  Require(nla_put_u32(message, IPVS_DEST_ATTR_L_THRESH, 0), "nla_put");
  nla_nest_end(message, nest);
  Require(nl_send_sync(socket.handle.get(), message), "IPVS_CMD_NEW_DEST");
}

double Create(const Table& table) {
  const Socket socket = Open();
  return Measure([&] {
    for (uint32_t service = 0; service < table.services; ++service) {
      AddService(socket, service);
      for (uint32_t destination = 0; destination < table.destinations; ++destination) {
        AddDestination(socket, table, service, destination);
      }
    }
  });
}

template <typename Value>
void Read(nlattr* attribute, Value& value) {
  if (attribute != nullptr) nla_memcpy(&value, attribute, sizeof value);
}

void ReadStatistics(nlattr* nest, Statistics& statistics) {
  nlattr* found[IPVS_STATS_ATTR_MAX + 1];
  if (nest == nullptr) return;
  Require(nla_parse_nested(found, IPVS_STATS_ATTR_MAX, nest, nullptr), "nla_parse_nested");
  for (int type = IPVS_STATS_ATTR_CONNS; type <= IPVS_STATS_ATTR_OUTBPS; ++type) {
    Read(found[type], statistics.values[type - IPVS_STATS_ATTR_CONNS]);
  }
}

int TakeService(nl_msg* message, void* list) {
  nlattr* outer[IPVS_CMD_ATTR_MAX + 1];
  nlattr* found[IPVS_SVC_ATTR_MAX + 1];
  Require(genlmsg_parse(nlmsg_hdr(message), 0, outer, IPVS_CMD_ATTR_MAX, nullptr), "genlmsg_parse");
  Require(nla_parse_nested(found, IPVS_SVC_ATTR_MAX, outer[IPVS_CMD_ATTR_SERVICE], nullptr),
          "nla_parse_nested");
  ServiceEntry entry{};
  Read(found[IPVS_SVC_ATTR_AF], entry.family);
  Read(found[IPVS_SVC_ATTR_PROTOCOL], entry.protocol);
  Read(found[IPVS_SVC_ATTR_ADDR], entry.address);
  Read(found[IPVS_SVC_ATTR_PORT], entry.port);
  Read(found[IPVS_SVC_ATTR_FWMARK], entry.fwmark);
  Read(found[IPVS_SVC_ATTR_SCHED_NAME], entry.scheduler);
  Read(found[IPVS_SVC_ATTR_FLAGS], entry.flags);
  Read(found[IPVS_SVC_ATTR_TIMEOUT], entry.timeout);
  Read(found[IPVS_SVC_ATTR_NETMASK], entry.netmask);
  ReadStatistics(found[IPVS_SVC_ATTR_STATS64], entry.statistics);
  static_cast<std::vector<ServiceEntry>*>(list)->push_back(entry);
  return NL_OK;
}

int TakeDestination(nl_msg* message, void* list) {
  nlattr* outer[IPVS_CMD_ATTR_MAX + 1];
  nlattr* found[IPVS_DEST_ATTR_MAX + 1];
  Require(genlmsg_parse(nlmsg_hdr(message), 0, outer, IPVS_CMD_ATTR_MAX, nullptr), "genlmsg_parse");
  Require(nla_parse_nested(found, IPVS_DEST_ATTR_MAX, outer[IPVS_CMD_ATTR_DEST], nullptr),
          "nla_parse_nested");
  DestinationEntry entry{};
  Read(found[IPVS_DEST_ATTR_ADDR_FAMILY], entry.family);
  Read(found[IPVS_DEST_ATTR_ADDR], entry.address);
  Read(found[IPVS_DEST_ATTR_PORT], entry.port);
  Read(found[IPVS_DEST_ATTR_FWD_METHOD], entry.forwarding);
  Read(found[IPVS_DEST_ATTR_WEIGHT], entry.weight);
  Read(found[IPVS_DEST_ATTR_U_THRESH], entry.upper_threshold);
  Read(found[IPVS_DEST_ATTR_L_THRESH], entry.lower_threshold);
  Read(found[IPVS_DEST_ATTR_ACTIVE_CONNS], entry.active);
  Read(found[IPVS_DEST_ATTR_INACT_CONNS], entry.inactive);
  Read(found[IPVS_DEST_ATTR_PERSIST_CONNS], entry.persistent);
  ReadStatistics(found[IPVS_DEST_ATTR_STATS64], entry.statistics);
  static_cast<std::vector<DestinationEntry>*>(list)->push_back(entry);
  return NL_OK;
}

void Dump(const Socket& socket, nl_msg* message, nl_recvmsg_msg_cb_t take, void* list) {
  nl_sock* handle = socket.handle.get();
  Require(nl_socket_modify_cb(handle, NL_CB_VALID, NL_CB_CUSTOM, take, list), "modify_cb");
  Require(nl_send_auto(handle, message), "nl_send_auto");
  nlmsg_free(message);
  Require(nl_recvmsgs_default(handle), "nl_recvmsgs");
}

double List(const Table& table) {
  const Socket socket = Open();
  size_t rows = 0;
  const double took = Measure([&] {
    std::vector<ServiceEntry> services;
    std::vector<DestinationEntry> destinations;
    Dump(socket, NewMessage(socket, IPVS_CMD_GET_SERVICE, NLM_F_DUMP), TakeService, &services);
    for (const ServiceEntry& service : services) {
      nl_msg* message = NewMessage(socket, IPVS_CMD_GET_DEST, NLM_F_DUMP);
      nlattr* nest = nla_nest_start(message, IPVS_CMD_ATTR_SERVICE);
      PutKey(message, service.protocol, service.address, service.port);
      nla_nest_end(message, nest);
      Dump(socket, message, TakeDestination, &destinations);
    }
    rows = services.size() + destinations.size();
  });
  if (rows != table.Rows()) Die("listed " + std::to_string(rows) + " rows");
  return took;
}

double Alone(uint32_t times) {
  const Table table{(times + 9) / 10, 10};
  Create({table.services, 0});
  const Socket socket = Open();
  return MeasureEach(times, [&](uint32_t index) {
    AddDestination(socket, table, index / table.destinations, index % table.destinations);
  });
}

double Run(int count, char** words) {
  const std::string command = count > 1 ? words[1] : "";
  if (command == "create" && count == 4) return Create({Number(words[2]), Number(words[3])});
  if (command == "list" && count == 4) return List({Number(words[2]), Number(words[3])});
  if (command == "alone" && count == 3) return Alone(Number(words[2]));
  errno = EINVAL;
  Die("usage: see the head of libnl.cc");
}

}  // namespace

}  // namespace bench

int main(int count, char** words) {
  std::printf("%.3f\n", bench::Run(count, words));
  return 0;
}
