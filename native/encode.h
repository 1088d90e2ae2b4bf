#pragma once

#include <cstdint>

#include "netlink_socket.h"
#include "records.h"

namespace ipvs {

/* What the netlink header of a request says. */
struct RequestHeader {
  uint16_t family;    // generic-netlink family id
  uint32_t port;      // our port id
  uint32_t sequence;  // comes back in the answer
  int flags;          // NLM_F_*, NLM_F_REQUEST is added
};

/* The message for one IPVS command; null when there is no memory. */
Message EncodeCommand(const RequestHeader& header, const CommandRecord& command);

/* Asks the generic-netlink controller for the id of the family "IPVS". The kernel loads the module
   ip_vs for it where it can. */
Message EncodeFamilyRequest(const RequestHeader& header);

}  // namespace ipvs
