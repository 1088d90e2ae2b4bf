#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>

#include "outcome.h"

namespace ipvs {

/* Whose answers are looked for: those to `count` requests of a port, numbered from `first` on. */
struct Awaited {
  uint32_t port;
  uint32_t first;
  size_t count;
};

/* Sees the answer to request `index`. Returns true when nothing more is to come. */
using Answer = std::function<bool(size_t index, const nlmsghdr* header, Outcome& failure)>;

/* Hands the messages of a datagram to `answer`, passing over those that nobody awaits. Returns true
   when nothing more is to come. `failure` tells of a datagram that was cut short. */
bool ReadDatagram(const void* data, int size, const Awaited& awaited, const Answer& answer,
                  Outcome& failure);

/* The error in an NLMSG_ERROR or NLMSG_DONE message, as a positive errno; 0 is an ACK. */
Outcome ReadError(const nlmsghdr* header);

}  // namespace ipvs
