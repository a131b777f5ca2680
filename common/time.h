// time.h: instants and durations in microseconds, and the clock interface that only shells hold.
//
// An Instant counts microseconds since the Unix epoch, as told by a clock that is anchored to the wall clock once, when
// the process starts, and then runs on steady time: within a process it never jumps, and instants that were stored by an
// earlier process still mean something. Pure code (scheduler/, controller/core/) is given `now` and never asks.

#pragma once

#include <chrono>
#include <cstdint>

namespace skerry {

using Duration = std::chrono::duration<std::int64_t, std::micro>;

struct SkerryClock {  // the tag of Instant; it has no now() on purpose
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<SkerryClock>;
  static constexpr bool is_steady = true;
};
using Instant = SkerryClock::time_point;

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kNever = Instant::max();

constexpr Instant instant_from_us(std::int64_t us) { return Instant(Duration(us)); }
constexpr std::int64_t to_us(Instant t) { return t.time_since_epoch().count(); }
constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) * 1e-6; }
// How long ago that was; not negative, though an earlier process with a clock ahead of ours noted it.
constexpr Duration since(Instant then, Instant now) {
  return now > then ? now - then : Duration(0);
}
constexpr double to_ms(Duration d) { return static_cast<double>(d.count()) * 1e-3; }
// Rounds to the nearest microsecond and saturates, so that a wild prediction cannot overflow. What is
// not a number is as far off as can be.
constexpr Duration duration_from_seconds(double s) {
  constexpr double kLimitS = 1e12;
  const double bounded = s < -kLimitS ? -kLimitS : (s <= kLimitS ? s : kLimitS);
  return Duration(static_cast<std::int64_t>(bounded * 1e6 + (bounded < 0 ? -0.5 : 0.5)));
}

// "2026-11-28T01:29:17.123456Z": RFC 3339, UTC.
std::string rfc3339(Instant time);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
};

// The real one: anchored at construction. Thread-safe.
class SystemClock final : public Clock {
 public:
  SystemClock();
  Instant now() override;

 private:
  Duration offset_;  // wall time minus steady time at construction
};

}  // namespace skerry
