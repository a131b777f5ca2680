#include "tests/relay/shaper.h"

#include <algorithm>

namespace skerry::relay {

double Shaper::reserve(double now_s, std::size_t bytes) {
  if (link_.rate_bytes_per_s <= 0) {
    return now_s;
  }
  const double starts_s = std::max(now_s, free_at_s_);
  free_at_s_ = starts_s + static_cast<double>(bytes) / link_.rate_bytes_per_s;
  return free_at_s_;
}

double Shaper::arrival(double left_s) {
  return left_s + link_.delay_s + (link_.jitter_s > 0 ? random_.uniform(0, link_.jitter_s) : 0);
}

std::size_t Shaper::chunk_bytes(std::size_t largest) const {
  constexpr double kTurnS = 1e-3;
  constexpr double kSmallest = 1460;  // a segment
  if (link_.rate_bytes_per_s <= 0) {
    return largest;
  }
  const double wanted = std::max(kSmallest, link_.rate_bytes_per_s * kTurnS);
  return wanted < static_cast<double>(largest) ? static_cast<std::size_t>(wanted) : largest;
}

}  // namespace skerry::relay
