#include "controller/store/stamp.h"

#include "common/bytes.h"
#include "common/check.h"

namespace skerry::store {

std::string encode(const Stamp& stamp) {
  check(stamp.store_id.size() == kStoreIdBytes, "a store id has 16 bytes");
  ByteWriter out;
  out.number(stamp.schema);
  out.raw(stamp.store_id);
  out.number(stamp.first);
  out.number(stamp.last);
  return out.take();
}

std::optional<Stamp> decode_stamp(std::string_view bytes) {
  if (bytes.size() != kStampBytes) {
    return std::nullopt;
  }
  ByteReader in(bytes);
  Stamp stamp;
  stamp.schema = in.number<std::uint32_t>();
  stamp.store_id = in.raw(kStoreIdBytes);
  stamp.first = in.number<Position>();
  stamp.last = in.number<Position>();
  if (stamp.first > stamp.last) {
    return std::nullopt;
  }
  return stamp;
}

}  // namespace skerry::store
