#include "controller/store/wal_fragments.h"

#include <algorithm>
#include <string_view>

#include "common/bytes.h"
#include "common/crc32c.h"
#include "controller/store/stamp.h"

namespace skerry::store {
namespace {

constexpr std::uint64_t kBlockBytes = 32768;
constexpr std::uint64_t kHeaderBytes = 7;

// RocksDB stores checksums rotated and offset, so that a checksum over bytes that hold checksums
// stays a good one.
std::uint32_t masked(std::uint32_t sum) { return ((sum >> 15) | (sum << 17)) + 0xa282ead8U; }

std::uint64_t block_end(std::uint64_t offset) { return (offset / kBlockBytes + 1) * kBlockBytes; }

}  // namespace

std::optional<Fragment> FragmentReader::fragment_at(std::uint64_t offset) const {
  ByteReader in(file_.substr(offset, block_end(offset) - offset));
  const auto stored_sum = in.number<std::uint32_t>();
  const auto length = in.number<std::uint16_t>();
  const auto type = in.number<std::uint8_t>();
  const std::string_view bytes = in.raw(length);
  if (!in.ok() || type < 1 || type > 4) {
    return std::nullopt;
  }
  Fragment fragment{.type = static_cast<Fragment::Type>(type),
                    .bytes = bytes,
                    .begin = offset,
                    .end = offset + kHeaderBytes + length};
  const bool continues =
      fragment.type == Fragment::Type::kFirst || fragment.type == Fragment::Type::kMiddle;
  if (continues && fragment.end != block_end(offset)) {
    return std::nullopt;
  }
  // The sum covers the type, the header's last byte, and the bytes behind it.
  if (masked(crc32c(file_.substr(offset + kHeaderBytes - 1, length + 1U))) != stored_sum) {
    return std::nullopt;
  }
  return fragment;
}

std::optional<Fragment> FragmentReader::next() {
  while (offset_ < file_.size()) {
    if (block_end(offset_) - offset_ < kHeaderBytes) {
      offset_ = block_end(offset_);
      continue;
    }
    if (std::optional<Fragment> fragment = fragment_at(offset_)) {
      fragment->after_damage = damaged_;
      damaged_ = false;
      offset_ = fragment->end;
      return fragment;
    }
    damaged_ = true;
    offset_ += 1;
  }
  return std::nullopt;
}

}  // namespace skerry::store
