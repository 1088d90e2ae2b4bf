#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <optional>

#include "records.h"

namespace ipvs {

/* The kernel's replies as records; nothing where a reply lacks what every kernel sends, is cut
   short, or holds an attribute with less than its value. Attributes that this code does not know
   are passed over, and so are bytes behind the value of one that it knows. */
std::optional<ServiceRow> DecodeService(const nlmsghdr* header);

/* Kernels before 3.18 do not tell a destination's family: then it is `service_family`. */
std::optional<DestinationRow> DecodeDestination(const nlmsghdr* header, uint16_t service_family);

std::optional<InfoRow> DecodeInfo(const nlmsghdr* header);

std::optional<DaemonRow> DecodeDaemon(const nlmsghdr* header);

std::optional<TimeoutsRow> DecodeTimeouts(const nlmsghdr* header);

/* The id in the controller's answer to EncodeFamilyRequest. */
std::optional<uint16_t> DecodeFamily(const nlmsghdr* header);

}  // namespace ipvs
