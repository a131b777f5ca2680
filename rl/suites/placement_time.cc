#include "rl/suites/placement_time.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <vector>

#include "rl/report/statistics.h"
#include "scheduler/place.h"
#include "scheduler/random_fleet.h"
#include "scheduler/ranking.h"

namespace skerry::rl {

namespace {

using namespace scheduler;
namespace world = scheduler::testing;

constexpr int kTasks = 1024;  // different ones, over and over
constexpr int kWarmUp = 2000;
constexpr int kDecisions = 50000;

// An attempt that is running: what is needed to release it.
struct Placed {
  NodeId node;
  double service_s;
};

// One decision, its consequence, and one attempt that ends where more than `level` are running.
void step(Placer& placer, Fleet& fleet, const TaskView& task, std::size_t level,
          std::deque<Placed>& placed) {
  const Decision& decision = placer.decide(task, fleet);
  if (decision.chosen) {
    const Candidate& candidate = decision.candidates[*decision.chosen];
    const double service_s = candidate.prediction.service_s + candidate.prediction.load_s;
    fleet.assigned(candidate.node, service_s);
    placed.push_back({candidate.node, service_s});
  }
  if (placed.size() > level || !decision.chosen) {
    const Placed oldest = placed.front();
    placed.pop_front();
    fleet.released(oldest.node, oldest.service_s);
  }
}

PlacementTime measure(const PlacementSetting& setting, const MakePolicy& make_policy,
                      std::uint64_t seed) {
  Random random(seed);
  const world::RandomFleetOptions options{.nodes = setting.nodes};
  Fleet fleet = world::random_fleet(random, options);
  Constraints constraints;
  if (setting.one_variant) {
    constraints.variants = {"size-0"};
  }
  std::vector<TaskView> tasks;
  tasks.reserve(kTasks);
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(world::random_task(random, options, constraints));
  }
  SystemClock stopwatch;
  Placer placer(make_heuristic("greedy"), random.fork("policy"), &stopwatch);
  if (make_policy) {
    placer.ranking().set_policy(make_policy(), std::make_unique<Breaker>());
  }
  std::deque<Placed> placed;
  const std::size_t level =
      setting.nodes;  // on top of the fleet's own load, about one attempt a node

  using Clock = std::chrono::steady_clock;
  std::vector<double> times_us;
  times_us.reserve(kDecisions);
  double total_us = 0;
  for (int i = 0; i < kWarmUp + kDecisions; ++i) {
    const auto start = Clock::now();
    step(placer, fleet, tasks[static_cast<std::size_t>(i) % tasks.size()], level, placed);
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    if (i >= kWarmUp) {
      times_us.push_back(took.count());
      total_us += took.count();
    }
  }
  std::ranges::sort(times_us);
  return {.per_s = kDecisions / total_us * 1e6,
          .p50_us = times_us[kDecisions / 2],
          .p99_us = times_us[kDecisions * 99 / 100]};
}

}  // namespace

PlacementTime placement_time(const PlacementSetting& setting, const MakePolicy& make_policy,
                             int repetitions) {
  std::vector<double> per_s;
  std::vector<double> p50_us;
  std::vector<double> p99_us;
  for (int i = 0; i < repetitions; ++i) {
    const PlacementTime once = measure(setting, make_policy, static_cast<std::uint64_t>(i) + 1);
    per_s.push_back(once.per_s);
    p50_us.push_back(once.p50_us);
    p99_us.push_back(once.p99_us);
  }
  constexpr double kMedian = 0.5;
  return {.per_s = quantile(per_s, kMedian),
          .p50_us = quantile(p50_us, kMedian),
          .p99_us = quantile(p99_us, kMedian)};
}

}  // namespace skerry::rl
