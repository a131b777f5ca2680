// rate.h: how often something may happen: so many a second, and so many at once.
//
// Pure; not thread-safe.

#pragma once

#include <algorithm>

#include "common/time.h"

namespace skerry::door {

struct Rate {
  double per_s = 0;
  double burst = 0;
};

// What was used of a rate; none of it at first.
class Allowance {
  static constexpr double kRounding = 1e-9;

 public:
  // False if it would be more than the rate allows; nothing is used then.
  bool take(const Rate& rate, Instant now) {
    const double used = used_by(rate, now);
    if (used + 1 > rate.burst) {
      return false;
    }
    used_ = used + 1;
    at_ = std::max(at_, now);
    return true;
  }
  bool is_unused(const Rate& rate, Instant now) const { return used_by(rate, now) < kRounding; }

 private:
  double used_by(const Rate& rate, Instant now) const {
    return std::max(0.0, used_ - to_seconds(since(at_, now)) * rate.per_s);
  }

  double used_ = 0;
  Instant at_;
};

}  // namespace skerry::door
