// How long a placement decision takes: greedy and a learned policy (random weights, two hidden layers
// of 64, within its breaker), three variants per model, at 10, 1,000 and 10,000 nodes of a random
// heterogeneous fleet; learned_16 with one variant and so 16 candidates. Each decision is applied to the fleet, and the oldest
// attempts are released so that the load stays level; all of that is in the time.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <string_view>
#include <vector>

#include "rl/live/learned_policy.h"
#include "scheduler/place.h"
#include "scheduler/ranking.h"
#include "tests/unit/learned_bundle.h"
#include "tests/unit/scheduler_random_fleet.h"

namespace {

using skerry::Random;
using namespace skerry::scheduler;
namespace world = skerry::scheduler::testing;

constexpr int kTasks = 1024;  // different ones, over and over
constexpr int kWarmUp = 2000;
constexpr int kDecisions = 50000;

struct Figures {
  double per_s = 0;
  double p50_us = 0;
  double p99_us = 0;
};

struct Setting {
  std::uint32_t nodes = 0;
  bool learned = false;
  bool one_variant = false;
};

std::unique_ptr<Policy> learned_policy() {
  skerry::rl::Bundle bundle = skerry::rl::testing::tiny_bundle();
  bundle.network = skerry::rl::testing::random_network(1, {64, 64});
  return *skerry::rl::make_learned_policy(bundle);
}

// An attempt that is running: what is needed to release it.
struct Placed {
  skerry::NodeId node;
  VariantId variant;
  double service_s;
};

// One decision, its consequence, and one attempt that ends where more than `level` are running.
void step(Placer& placer, Fleet& fleet, const TaskView& task, std::size_t level,
          std::deque<Placed>& placed) {
  const Decision& decision = placer.decide(task, fleet);
  if (decision.chosen) {
    const Candidate& candidate = decision.candidates[*decision.chosen];
    const double service_s = candidate.prediction.service_s + candidate.prediction.load_s;
    fleet.assigned(candidate.node, candidate.variant, service_s);
    placed.push_back({candidate.node, candidate.variant, service_s});
  }
  if (placed.size() > level || !decision.chosen) {
    const Placed oldest = placed.front();
    placed.pop_front();
    fleet.released(oldest.node, oldest.variant, oldest.service_s);
  }
}

Figures measure(const Setting& setting, std::uint64_t seed) {
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
  skerry::SystemClock stopwatch;
  Placer placer(make_heuristic("greedy"), random.fork("policy"), &stopwatch);
  if (setting.learned) {
    placer.ranking().set_policy(learned_policy(), std::make_unique<Breaker>());
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
  std::sort(times_us.begin(), times_us.end());
  return {.per_s = kDecisions / total_us * 1e6,
          .p50_us = times_us[kDecisions / 2],
          .p99_us = times_us[kDecisions * 99 / 100]};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  int repetitions = 5;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--repetitions" && i + 1 < argc) {
      repetitions = std::max(1, std::atoi(argv[++i]));
    } else if (flag != "--json") {  // the output is JSON with or without it
      fmt::print(stderr, "usage: {} [--repetitions N] [--json]\n", argv[0]);
      return 2;
    }
  }
  std::string metrics;
  for (const Setting& setting :
       {Setting{10}, {1000}, {10000}, {64, true, true}, {1000, true}, {10000, true}}) {
    std::vector<double> per_s;
    std::vector<double> p50_us;
    std::vector<double> p99_us;
    for (int i = 0; i < repetitions; ++i) {
      const Figures figures = measure(setting, static_cast<std::uint64_t>(i) + 1);
      per_s.push_back(figures.per_s);
      p50_us.push_back(figures.p50_us);
      p99_us.push_back(figures.p99_us);
    }
    const std::string name = fmt::format("{}_{}", setting.learned ? "learned" : "greedy",
                                         setting.one_variant ? kShortlistNodes : setting.nodes);
    metrics += fmt::format("{}\"{}_per_s\":{:.0f},\"{}_p99_us\":{:.2f}", metrics.empty() ? "" : ",",
                           name, median(per_s), name, median(p99_us));
    if (setting.learned) {
      metrics += fmt::format(",\"{}_p50_us\":{:.2f}", name, median(p50_us));
    }
  }
  fmt::print("{{\"bench\":\"decide\",\"metrics\":{{{}}},\"repetitions\":{}}}\n", metrics,
             repetitions);
}
