#include "controller/hub/door/held_updates.h"

#include <optional>
#include <utility>

namespace skerry::door {
namespace {

constexpr std::size_t kFrameBytes = 13;  // 9 of the header, 4 of the increment (RFC 9113 6.9)
constexpr std::string_view kHead("\0\0\4\x08\0", 5);  // its length, kind and flags

// What these frames allow in all; nothing if one of them is another frame, or cut off.
std::optional<std::uint64_t> credit_of(std::string_view frames) {
  std::uint64_t credit = 0;
  for (; !frames.empty(); frames.remove_prefix(kFrameBytes)) {
    if (frames.size() < kFrameBytes || !frames.starts_with(kHead)) {
      return std::nullopt;
    }
    std::uint32_t increment = 0;
    for (const char byte : frames.substr(kFrameBytes - 4, 4)) {
      increment = (increment << 8) | static_cast<unsigned char>(byte);
    }
    credit += increment;
  }
  return credit;
}

}  // namespace

bool HeldUpdates::hold(std::string_view frames) {
  if (held_.size() + frames.size() > kMostBytes) {
    return false;
  }
  const auto credit = credit_of(frames);
  if (!credit || credit_ + *credit > kMostCredit) {
    return false;
  }
  held_ += frames;
  credit_ += *credit;
  return true;
}

void HeldUpdates::drop(std::size_t bytes) {
  held_.erase(0, bytes);
  credit_ = held_.empty() ? 0 : credit_;
}

std::string HeldUpdates::take() {
  credit_ = 0;
  return std::exchange(held_, {});
}

}  // namespace skerry::door
