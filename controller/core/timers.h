// timers.h: what waits for time, in order.
//
// Entries are never taken out early: a handler looks whether its entry still means something, which
// is cheaper than keeping handles. The number of stale entries is bounded by the number of timers
// ever due in the future.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <tuple>
#include <vector>

#include "common/time.h"

namespace skerry::core {

enum class TimerKind : std::uint8_t {
  kBackoff,
  kDeadline,
  kWait,
  kNode,
  kSequence,
  kRetention,
  kTrip,
  kHeld,
  kHedge,
  kPlace
};

struct Timer {
  Instant at{};
  TimerKind kind = TimerKind::kPlace;
  std::uint64_t id = 0;  // job, ticket, node or sequence number, by kind

  auto operator<=>(const Timer&) const = default;
};

class Timers {
 public:
  void add(Timer timer) { queue_.push(timer); }
  Instant next() const { return queue_.empty() ? kNever : queue_.top().at; }
  // The earliest entry that is due, if any; ties in order of kind, then id.
  std::optional<Timer> pop_due(Instant now) {
    if (queue_.empty() || queue_.top().at > now) {
      return std::nullopt;
    }
    const Timer timer = queue_.top();
    queue_.pop();
    return timer;
  }

 private:
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> queue_;
};

}  // namespace skerry::core
