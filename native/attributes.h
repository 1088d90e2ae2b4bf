#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ipvs {

/* Bytes inside a message, where they lie. */
struct ByteSpan {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

/* Reads a plain value; false where there is less than one. What is behind it is passed over. */
template <typename T>
bool Read(ByteSpan from, T& value) {
  if (from.size < sizeof value) return false;
  std::memcpy(&value, from.data, sizeof value);
  return true;
}

/* The bit of an attribute's type in a set of types, and no bit for those beyond. */
constexpr uint32_t TypeBit(int type) {
  return type >= 0 && type < 32 ? uint32_t{1} << static_cast<unsigned>(type) : 0;
}

constexpr size_t kAttributeHeaderSize = sizeof(nlattr);
static_assert(kAttributeHeaderSize % NLA_ALIGNTO == 0);

/* Hands the attributes of one level to `read(type, payload)`, in one pass and in place: a dump of a
   large table has half a million of them. Ends with false at the first one that `read` cannot make
   sense of. `types` are those that were seen. Like libnl and the kernel, it passes over all that is
   behind a length that can't be one. */
template <typename Reader>
bool ReadAttributes(ByteSpan level, uint32_t& types, const Reader& read) {
  nlattr header{};
  while (Read(level, header)) {
    const size_t size = header.nla_len;
    if (size < kAttributeHeaderSize || size > level.size) break;
    const int type = header.nla_type & NLA_TYPE_MASK;
    types |= TypeBit(type);
    if (!read(type, ByteSpan{level.data + kAttributeHeaderSize, size - kAttributeHeaderSize})) {
      return false;
    }
    const size_t step = std::min((size + NLA_ALIGNTO - 1) & ~size_t{NLA_ALIGNTO - 1}, level.size);
    level = {level.data + step, level.size - step};
  }
  return true;
}

/* The same, and whether all of `needed` are there. */
template <typename Reader>
bool ReadNeeded(ByteSpan level, uint32_t needed, const Reader& read) {
  uint32_t types = 0;
  return ReadAttributes(level, types, read) && (types & needed) == needed;
}

}  // namespace ipvs
