#include "rl/gmorl/context.h"

#include <numeric>

namespace skerry::rl::gmorl {

namespace {

// Energy coefficient of a processor, joules per (Hz^2 x cycle).
constexpr double kKappa = 5e-31;
constexpr double kGiga = 1e9;
constexpr double kMbitPerGigahertz = kGiga / kCyclesPerBit / kMbit;

}  // namespace

double Context::total_speed() const { return std::accumulate(speed.begin(), speed.end(), 0.0); }

double Context::joules_per_mbit(std::size_t server) const {
  const double hz = speed[server] * kMbit * kCyclesPerBit;
  return kKappa * kCyclesPerBit * hz * hz * kMbit;
}

double Context::mean_joules_per_mbit() const {
  double sum = 0;
  for (std::size_t server = 0; server < servers(); ++server) {
    sum += joules_per_mbit(server);
  }
  return sum / static_cast<double>(servers());
}

Context uniform_context(int edges, double cloud_ghz, double edge_ghz) {
  Context context;
  context.speed.assign(static_cast<std::size_t>(edges) + 1, edge_ghz * kMbitPerGigahertz);
  context.speed[0] = cloud_ghz * kMbitPerGigahertz;
  return context;
}

Context drawn_context(int edges, Range cloud_ghz, Range edge_ghz, Random& random) {
  Context context;
  context.speed.push_back(random.uniform(cloud_ghz.low, cloud_ghz.high) * kMbitPerGigahertz);
  for (int edge = 0; edge < edges; ++edge) {
    context.speed.push_back(random.uniform(edge_ghz.low, edge_ghz.high) * kMbitPerGigahertz);
  }
  return context;
}

}  // namespace skerry::rl::gmorl
