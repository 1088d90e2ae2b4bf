#pragma once

#include <cstdint>

#include "records.h"
#include "request_buffer.h"

namespace ipvs {

/* What the netlink header of a request says. */
struct RequestHeader {
  uint16_t family;    // generic-netlink family id
  uint32_t port;      // our port id
  uint32_t sequence;  // comes back in the answer
  int flags;          // NLM_F_*, NLM_F_REQUEST is added
};

/* Adds the message for one IPVS command; false when there is no memory. */
[[nodiscard]] bool EncodeCommand(const RequestHeader& header, const CommandRecord& command,
                                 RequestBuffer& into);

/* Asks the generic-netlink controller for the id of the family "IPVS". The kernel loads the module
   ip_vs for it where it can. False when there is no memory. */
[[nodiscard]] bool EncodeFamilyRequest(const RequestHeader& header, RequestBuffer& into);

}  // namespace ipvs
