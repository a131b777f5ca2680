// The suite `decide`: how long a placement decision takes in the product, on one core.
#include <fmt/format.h>

#include "rl/live/learned_policy.h"
#include "rl/suites/placement_time.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

namespace {

struct Setting {
  std::string name;
  PlacementSetting fleet;
};

const Setting kSixteen{"16 candidates", {.nodes = 64, .one_variant = true}};
const Setting kThousand{"1000 nodes", {.nodes = 1000}};
const Setting kTenThousand{"10000 nodes", {.nodes = 10000}};

PlacementTime measure(const Setting& setting, const std::string& policy, const MakePolicy& make,
                      const SuiteOptions& options, SuiteResult& result) {
  if (options.progress) {
    options.progress(fmt::format("{}, {}", policy, setting.name));
  }
  const PlacementTime time = placement_time(setting.fleet, make, options.scale < 1 ? 1 : 5);
  result.add(policy, fmt::format("p50 us {}", setting.name), {.value = time.p50_us, .ci95 = 0});
  result.add(policy, fmt::format("p99 us {}", setting.name), {.value = time.p99_us, .ci95 = 0});
  result.add(policy, fmt::format("decisions/s {}", setting.name), {.value = time.per_s, .ci95 = 0});
  return time;
}

}  // namespace

SuiteReport run_decide(const SuiteOptions& options) {
  SuiteReport report{
      .result = {.suite = "decide"}, .charts = {}, .groups = {"p50", "p99", "decisions/s"}};
  SuiteResult& result = report.result;
  for (const Setting& setting : {kSixteen, kThousand, kTenThousand}) {
    measure(setting, "greedy", {}, options, result);
  }
  if (options.bundle == nullptr) {
    return report;
  }
  const MakePolicy make = [&] { return *policy_of_bundle(*options.bundle); };
  const PlacementTime sixteen = measure(kSixteen, kLearned, make, options, result);
  const PlacementTime thousand = measure(kThousand, kLearned, make, options, result);
  const PlacementTime most = measure(kTenThousand, kLearned, make, options, result);
  result.checks.push_back({.name = "p50 of a decision among 16 candidates, us",
                           .asked = 20,
                           .aim = 20,
                           .measured = sixteen.p50_us});
  result.checks.push_back({.name = "p99 of a decision at 1,000 nodes, us",
                           .asked = 200,
                           .aim = 200,
                           .measured = thousand.p99_us});
  result.checks.push_back({.name = "p99 of a decision at 10,000 nodes, us",
                           .asked = 1000,
                           .aim = 1000,
                           .measured = most.p99_us});
  result.checks.push_back({.name = "decisions/s at 1,000 nodes, one core",
                           .asked = 20'000,
                           .aim = 50'000,
                           .measured = thousand.per_s,
                           .at_most = false});
  return report;
}

}  // namespace skerry::rl
