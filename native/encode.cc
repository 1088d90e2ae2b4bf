#include "encode.h"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>

#include <cstring>

namespace ipvs {

namespace {

bool PutHeaders(nl_msg* message, const RequestHeader& header, uint8_t command, uint8_t version) {
  return genlmsg_put(message, header.port, header.sequence, header.family, 0,
                     NLM_F_REQUEST | header.flags, command, version) != nullptr;
}

bool PutString(nl_msg* message, int type, const char* text, size_t size) {
  // The record's text may fill its field without a NUL; the kernel wants one in the payload.
  char terminated[kEngineSize + 1] = {};
  std::memcpy(terminated, text, size);
  return nla_put_string(message, type, terminated) == 0;
}

bool PutServiceKey(nl_msg* message, const ServiceRecord& service) {
  if (nla_put_u16(message, IPVS_SVC_ATTR_AF, service.family) != 0) return false;
  if (service.by_fwmark != 0) {
    return nla_put_u32(message, IPVS_SVC_ATTR_FWMARK, service.fwmark) == 0;
  }
  return nla_put_u16(message, IPVS_SVC_ATTR_PROTOCOL, service.protocol) == 0 &&
         nla_put(message, IPVS_SVC_ATTR_ADDR, kAddressSize, service.address) == 0 &&
         nla_put_u16(message, IPVS_SVC_ATTR_PORT, htons(service.port)) == 0;
}

bool PutServiceDefinition(nl_msg* message, const ServiceRecord& service) {
  // All flags are meant: what is not set here is cleared.
  const ip_vs_flags flags{service.flags, ~uint32_t{0}};
  // An IPv4 mask travels in network byte order, an IPv6 prefix length in the host's.
  const uint32_t netmask = service.family == AF_INET6 ? service.netmask : htonl(service.netmask);
  return PutString(message, IPVS_SVC_ATTR_SCHED_NAME, service.scheduler, kSchedulerSize) &&
         (service.engine[0] == '\0' ||
          PutString(message, IPVS_SVC_ATTR_PE_NAME, service.engine, kEngineSize)) &&
         nla_put(message, IPVS_SVC_ATTR_FLAGS, sizeof flags, &flags) == 0 &&
         nla_put_u32(message, IPVS_SVC_ATTR_TIMEOUT, service.timeout) == 0 &&
         nla_put_u32(message, IPVS_SVC_ATTR_NETMASK, netmask) == 0;
}

bool PutService(nl_msg* message, const ServiceRecord& service, bool definition) {
  nlattr* nest = nla_nest_start(message, IPVS_CMD_ATTR_SERVICE);
  return nest != nullptr && PutServiceKey(message, service) &&
         (!definition || PutServiceDefinition(message, service)) &&
         nla_nest_end(message, nest) == 0;
}

bool PutDestinationKey(nl_msg* message, const DestinationRecord& destination) {
  // Without its family the kernel would read the address in the service's family.
  return nla_put_u16(message, IPVS_DEST_ATTR_ADDR_FAMILY, destination.family) == 0 &&
         nla_put(message, IPVS_DEST_ATTR_ADDR, kAddressSize, destination.address) == 0 &&
         nla_put_u16(message, IPVS_DEST_ATTR_PORT, htons(destination.port)) == 0;
}

bool PutTunnel(nl_msg* message, const DestinationRecord& destination) {
  return nla_put_u8(message, IPVS_DEST_ATTR_TUN_TYPE,
                    static_cast<uint8_t>(destination.tunnel_type)) == 0 &&
         nla_put_u16(message, IPVS_DEST_ATTR_TUN_PORT, htons(destination.tunnel_port)) == 0 &&
         nla_put_u16(message, IPVS_DEST_ATTR_TUN_FLAGS, destination.tunnel_flags) == 0;
}

bool PutDestinationDefinition(nl_msg* message, const DestinationRecord& destination) {
  return nla_put_u32(message, IPVS_DEST_ATTR_FWD_METHOD, destination.forwarding) == 0 &&
         nla_put_u32(message, IPVS_DEST_ATTR_WEIGHT, destination.weight) == 0 &&
         nla_put_u32(message, IPVS_DEST_ATTR_U_THRESH, destination.upper_threshold) == 0 &&
         nla_put_u32(message, IPVS_DEST_ATTR_L_THRESH, destination.lower_threshold) == 0 &&
         (destination.forwarding != IP_VS_CONN_F_TUNNEL || PutTunnel(message, destination));
}

bool PutDestination(nl_msg* message, const DestinationRecord& destination, bool definition) {
  nlattr* nest = nla_nest_start(message, IPVS_CMD_ATTR_DEST);
  return nest != nullptr && PutDestinationKey(message, destination) &&
         (!definition || PutDestinationDefinition(message, destination)) &&
         nla_nest_end(message, nest) == 0;
}

/* The multicast port alone among IPVS' ports travels in host byte order. */
bool PutDaemonOptions(nl_msg* message, const DaemonRecord& daemon) {
  return (daemon.max_length == 0 ||
          nla_put_u16(message, IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon.max_length) == 0) &&
         (daemon.group_family != AF_INET ||
          nla_put(message, IPVS_DAEMON_ATTR_MCAST_GROUP, sizeof(in_addr), daemon.group) == 0) &&
         (daemon.group_family != AF_INET6 ||
          nla_put(message, IPVS_DAEMON_ATTR_MCAST_GROUP6, sizeof(in6_addr), daemon.group) == 0) &&
         (daemon.port == 0 ||
          nla_put_u16(message, IPVS_DAEMON_ATTR_MCAST_PORT, daemon.port) == 0) &&
         (daemon.ttl == 0 || nla_put_u8(message, IPVS_DAEMON_ATTR_MCAST_TTL, daemon.ttl) == 0);
}

bool PutDaemon(nl_msg* message, const DaemonRecord& daemon, bool definition) {
  nlattr* nest = nla_nest_start(message, IPVS_CMD_ATTR_DAEMON);
  return nest != nullptr && nla_put_u32(message, IPVS_DAEMON_ATTR_STATE, daemon.state) == 0 &&
         (!definition ||
          (PutString(message, IPVS_DAEMON_ATTR_MCAST_IFN, daemon.interface, kInterfaceSize) &&
           nla_put_u32(message, IPVS_DAEMON_ATTR_SYNC_ID, daemon.sync_id) == 0 &&
           PutDaemonOptions(message, daemon))) &&
         nla_nest_end(message, nest) == 0;
}

bool PutTimeouts(nl_msg* message, const TimeoutsRecord& timeouts) {
  const auto put = [message](int type, uint32_t seconds) {
    return seconds == 0 || nla_put_u32(message, type, seconds) == 0;
  };
  return put(IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcp) &&
         put(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcp_fin) &&
         put(IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udp);
}

bool PutArguments(nl_msg* message, const CommandRecord& command, bool dump) {
  switch (command.command) {
    case IPVS_CMD_NEW_SERVICE:
    case IPVS_CMD_SET_SERVICE:
      return PutService(message, command.service, true);
    case IPVS_CMD_DEL_SERVICE:
    case IPVS_CMD_GET_DEST:
      return PutService(message, command.service, false);
    case IPVS_CMD_GET_SERVICE:
      return dump || PutService(message, command.service, false);
    case IPVS_CMD_NEW_DEST:
    case IPVS_CMD_SET_DEST:
      return PutService(message, command.service, false) &&
             PutDestination(message, command.destination, true);
    case IPVS_CMD_DEL_DEST:
      return PutService(message, command.service, false) &&
             PutDestination(message, command.destination, false);
    case IPVS_CMD_NEW_DAEMON:
    case IPVS_CMD_DEL_DAEMON:
      return PutDaemon(message, command.daemon, command.command == IPVS_CMD_NEW_DAEMON);
    case IPVS_CMD_SET_CONFIG:
      return PutTimeouts(message, command.timeouts);
    case IPVS_CMD_ZERO:
      // Without a service, all of them are meant.
      return command.service.family == 0 || PutService(message, command.service, false);
    default:
      return true;
  }
}

}  // namespace

bool EncodeCommand(const RequestHeader& header, const CommandRecord& command, RequestBuffer& into) {
  const bool dump = (header.flags & NLM_F_DUMP) == NLM_F_DUMP;
  nl_msg* message = into.Begin();
  if (message == nullptr ||
      !PutHeaders(message, header, static_cast<uint8_t>(command.command), IPVS_GENL_VERSION) ||
      !PutArguments(message, command, dump)) {
    return false;
  }
  into.End();
  return true;
}

bool EncodeFamilyRequest(const RequestHeader& header, RequestBuffer& into) {
  nl_msg* message = into.Begin();
  if (message == nullptr || !PutHeaders(message, header, CTRL_CMD_GETFAMILY, 1) ||
      nla_put_string(message, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME) != 0) {
    return false;
  }
  into.End();
  return true;
}

}  // namespace ipvs
