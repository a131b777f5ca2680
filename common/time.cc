#include "common/time.h"

namespace skerry {

namespace {

Duration steady_now() {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

Duration wall_now() {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace

SystemClock::SystemClock() : offset_(wall_now() - steady_now()) {}

Instant SystemClock::now() { return Instant(steady_now() + offset_); }

}  // namespace skerry
