// How long a placement decision takes: greedy and a learned policy (random weights, two hidden layers
// of 64, within its breaker), three variants per model, at 10, 1,000 and 10,000 nodes of a random
// heterogeneous fleet; learned_16 with one variant and so 16 candidates.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "rl/live/learned_policy.h"
#include "rl/suites/placement_time.h"
#include "scheduler/place.h"
#include "tests/unit/learned_bundle.h"

namespace {

using skerry::rl::PlacementSetting;

struct Setting {
  PlacementSetting fleet;
  bool learned = false;
};

std::unique_ptr<skerry::scheduler::Policy> learned_policy() {
  skerry::rl::Bundle bundle = skerry::rl::testing::tiny_bundle();
  bundle.network = skerry::rl::testing::random_network(1, {64, 64});
  return *skerry::rl::make_learned_policy(bundle);
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
       {Setting{{10}}, {{1000}}, {{10000}}, {{64, true}, true}, {{1000}, true}, {{10000}, true}}) {
    const auto time = skerry::rl::placement_time(
        setting.fleet, setting.learned ? learned_policy : skerry::rl::MakePolicy(), repetitions);
    const std::string name = fmt::format(
        "{}_{}", setting.learned ? "learned" : "greedy",
        setting.fleet.one_variant ? skerry::scheduler::kShortlistNodes : setting.fleet.nodes);
    metrics += fmt::format("{}\"{}_per_s\":{:.0f},\"{}_p99_us\":{:.2f}", metrics.empty() ? "" : ",",
                           name, time.per_s, name, time.p99_us);
    if (setting.learned) {
      metrics += fmt::format(",\"{}_p50_us\":{:.2f}", name, time.p50_us);
    }
  }
  fmt::print("{{\"bench\":\"decide\",\"metrics\":{{{}}},\"repetitions\":{}}}\n", metrics,
             repetitions);
}
