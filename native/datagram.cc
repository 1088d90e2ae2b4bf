#include "datagram.h"

#include <netlink/msg.h>

#include <cerrno>
#include <cstring>

namespace ipvs {

namespace {

constexpr int32_t kMaxErrno = 4095;  // MAX_ERRNO, include/linux/err.h

}  // namespace

bool ReadDatagram(const void* data, int size, const Awaited& awaited, const Answer& answer,
                  Outcome& failure) {
  int left = size;
  bool finished = false;
  auto* header = const_cast<nlmsghdr*>(static_cast<const nlmsghdr*>(data));
  for (; nlmsg_ok(header, left) != 0 && !finished && !failure.Failed();
       header = nlmsg_next(header, &left)) {
    const size_t index = header->nlmsg_seq - awaited.first;
    if (header->nlmsg_pid != awaited.port || index >= awaited.count) continue;
    finished = answer(index, header, failure);
  }
  // What is left over is the beginning of a message that was cut short.
  const bool cut = left > 0 || size == 0;
  if (cut && !finished && !failure.Failed()) failure = {EBADMSG, Stage::kReply};
  return finished;
}

Outcome ReadError(const nlmsghdr* header) {
  int32_t error = 0;
  if (header->nlmsg_len < NLMSG_HDRLEN + sizeof error) return {EBADMSG, Stage::kReply};
  std::memcpy(&error, NLMSG_DATA(header), sizeof error);
  if (error < -kMaxErrno) return {EBADMSG, Stage::kReply};
  return {error < 0 ? -error : 0, Stage::kKernel};
}

}  // namespace ipvs
