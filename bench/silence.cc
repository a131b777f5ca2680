// How long the core takes when nodes fall silent: one of 10,000 becomes suspect, and the core asks itself
// whether most of its site or of the fleet are about to; and half of them fall silent together.
// Prints the slowest event of each, in microseconds of the processor.

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "controller/core/core.h"

namespace {

using namespace skerry;  // NOLINT: a program of one file
using core::AgentHeartbeat;
using core::AgentHello;

constexpr std::size_t kNodes = 10'000;
constexpr std::size_t kSites = 100;
constexpr Instant kStart = instant_from_us(1'700'000'000'000'000);

// Of this thread: what else the machine does at the moment does not count.
double cpu_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

class Fleet {
 public:
  Fleet() : core_({}, 1) {
    core_.restore({}, kStart);
    for (std::size_t n = 0; n < kNodes; ++n) {
      AgentHello hello{.session = {n + 1}, .incarnation = 1};
      hello.node = {.name = fmt::format("node-{:05}", n * 7919 % kNodes),
                    .site = fmt::format("site-{:03}", n % kSites),
                    .engines = {"torch"}};
      hello.capacity = 4;
      core_.apply(hello, at(n));
    }
  }

  // Heartbeats of all but the first `silent` nodes, spread over each second; the slowest event.
  double slowest_us(std::size_t silent, Duration time) {
    double slowest = 0;
    for (const Instant end = now_ + time; now_ < end; now_ += seconds(1)) {
      for (std::size_t n = 0; n < kNodes; ++n) {
        const Instant beat = at(n);
        while (core_.next_timer() <= beat) {
          slowest = std::max(slowest, timed_us(core::Tick{}, core_.next_timer()));
        }
        if (n >= silent) {
          slowest = std::max(slowest, timed_us(AgentHeartbeat{.session = {n + 1}}, beat));
        }
      }
    }
    return slowest;
  }

 private:
  Instant at(std::size_t node) const {
    return now_ + microseconds(1'000'000 * static_cast<std::int64_t>(node) / kNodes);
  }
  double timed_us(core::Event event, Instant when) {
    const double before = cpu_us();
    core_.apply(std::move(event), when);
    return cpu_us() - before;
  }

  core::Core core_;
  Instant now_ = kStart;
};

}  // namespace

int main() {
  const double quiet = Fleet().slowest_us(0, seconds(7));
  const double one = Fleet().slowest_us(1, seconds(7));
  const double half = Fleet().slowest_us(kNodes / 2, seconds(7));
  fmt::print("{{\"nobody_us\": {:.1f}, \"one_us\": {:.1f}, \"half_us\": {:.1f}}}\n", quiet, one,
             half);
}
