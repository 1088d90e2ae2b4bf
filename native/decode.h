#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <optional>

#include "records.h"

namespace ipvs {

/* The kernel's replies as records; nothing where a reply lacks what every kernel sends, or is cut
   short. Attributes that this code does not know are passed over. */
std::optional<ServiceRow> DecodeService(nlmsghdr* header);

/* Kernels before 3.18 do not tell a destination's family: then it is `service_family`. */
std::optional<DestinationRow> DecodeDestination(nlmsghdr* header, uint16_t service_family);

std::optional<InfoRow> DecodeInfo(nlmsghdr* header);

std::optional<DaemonRow> DecodeDaemon(nlmsghdr* header);

std::optional<TimeoutsRow> DecodeTimeouts(nlmsghdr* header);

/* The id in the controller's answer to EncodeFamilyRequest. */
std::optional<uint16_t> DecodeFamily(nlmsghdr* header);

}  // namespace ipvs
