// wal_fragments.h: reads the physical layer of one RocksDB write-ahead log file.
//
// The file is a row of 32 KiB blocks. A fragment is a 7-byte header (masked CRC-32C, length, type)
// and its bytes, and never crosses a block; fewer than 7 bytes at a block's end are padding. A
// record is one full fragment, or a first, middles and a last. Recycled and compressed logs are not
// written here (engine_options.cc) and count as unreadable.
//
// Unlike RocksDB's reader, this one does not give up a block at its first bad byte: it looks for
// the next readable fragment at every following byte, because what follows the damage tells a torn
// tail (nothing was written after it) from damage in the middle.
//
// Pure: reads bytes the caller keeps alive.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace skerry::store {

struct Fragment {
  enum class Type : std::uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

  Type type = Type::kFull;
  std::string_view bytes;
  std::uint64_t begin = 0;  // offset of the header
  std::uint64_t end = 0;
  bool after_damage = false;  // bytes between the previous fragment and this one were unreadable
};

class FragmentReader {
 public:
  explicit FragmentReader(std::string_view file) : file_(file) {}

  // nullopt at the end of the file.
  std::optional<Fragment> next();
  // At the end: whether unreadable bytes follow the last fragment.
  bool damaged_end() const { return damaged_; }

 private:
  std::optional<Fragment> fragment_at(std::uint64_t offset) const;

  std::string_view file_;
  std::uint64_t offset_ = 0;
  bool damaged_ = false;
};

}  // namespace skerry::store
