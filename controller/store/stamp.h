// stamp.h: what every commit carries to prove, after a crash, where it belongs.
//
// One commit is one RocksDB WriteBatch and holds one or more appended batches, positions first to
// last. Its first entry writes the stamp under a key of its own, outside every Table, so the stamp
// stands in the tables (newest flushed commit), at a fixed place in each record of the write-ahead
// log (wal_check.h) and in the witness (witness.h). Positions without a gap from the tables through
// the log up to the witness mean that nothing acknowledged is missing.
//
// The layout (36 bytes, little-endian: schema, store id, first, last) never changes; a newer schema
// is told by its first field.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/store/store.h"

namespace skerry::store {

// Version of everything stored. A store with a greater one is refused.
inline constexpr std::uint32_t kSchema = 1;

inline constexpr std::size_t kStoreIdBytes = 16;
inline constexpr std::size_t kStampBytes = 36;
// Byte 0 is no Table, so nobody else can write or scan this key.
inline constexpr std::string_view kStampKey{"\0stamp", 6};

struct Stamp {
  std::uint32_t schema = kSchema;
  std::string store_id;  // kStoreIdBytes random bytes, drawn when the store is created
  Position first = 0;
  Position last = 0;

  bool operator==(const Stamp&) const = default;
};

std::string encode(const Stamp& stamp);
// nullopt if these are not the bytes of a stamp.
std::optional<Stamp> decode_stamp(std::string_view bytes);

}  // namespace skerry::store
