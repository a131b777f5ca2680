// context.h: one setting of the reference system's problem (arXiv:2509.10474): which servers there
// are, how much is offered to them, how long an episode is, and what of it a policy may see.
//
// Server 0 is the cloud, the others are edges. Units: Mbit, seconds, joules.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/random.h"

namespace skerry::rl::gmorl {

constexpr double kCyclesPerBit = 1e3;
constexpr double kMbit = 1e6;

// Sizes are clipped to this range; the upper end is a context's own.
constexpr double kLeastMbit = 0.1;
constexpr double kMostMbit = 100;

// kCompat follows the published environment's code, which divides the noise out twice and squares
// the gain (300 to 900 Mbit/s); kPhysical has the signal-to-noise ratio of the model that it
// states, and counts the wait in the dispatcher's queue.
enum class Channel : std::uint8_t { kCompat, kPhysical };

struct Context {
  std::vector<double> speed;  // Mbit/s of one task alone, by server: f / 10^3 / 10^6
  double load = 1;            // offered work / what the servers can do, at one task a second
  int steps = 100;            // of one second; one dispatch at most in each
  Channel channel = Channel::kCompat;
  bool horizon_given = false;    // whether a policy is told how many steps are left
  double mean_error = 1;         // what a policy is told of the mean size, relative to the truth
  int stale_steps = 0;           // a policy sees the servers as they were up to so long ago
  double arrivals_per_step = 1;  // 10 users of 0.1 each
  double most_mbit =
      kMostMbit;  // the published clip; it would cut a fleet of 100 edges to a third of its load

  std::size_t servers() const { return speed.size(); }
  double total_speed() const;
  double mean_speed() const { return total_speed() / static_cast<double>(servers()); }
  // Mean of the exponential that sizes are drawn from, before they are clipped.
  double mean_mbit() const { return load * total_speed() / arrivals_per_step; }
  double joules_per_mbit(std::size_t server) const;  // computing, without the upload
  double mean_joules_per_mbit() const;
};

// A cloud of this frequency and so many edges of that one.
Context uniform_context(int edges, double cloud_ghz = 4, double edge_ghz = 2);

// Frequencies drawn as in the published test set.
struct Range {
  double low, high;
};
constexpr Range kTestCloudGhz{3, 5}, kTestEdgeGhz{1.5, 2.5};
Context drawn_context(int edges, Range cloud_ghz, Range edge_ghz, Random& random);

}  // namespace skerry::rl::gmorl
