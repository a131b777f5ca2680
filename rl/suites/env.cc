// The suite `env`: how many steps of the environment one core makes in a second, policies acting.
#include <fmt/format.h>

#include <algorithm>

#include "rl/gmorl/baselines.h"
#include "rl/gmorl/evaluate.h"
#include "rl/suites/cells.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

namespace {

// The best of several runs: others may use the machine meanwhile.
double steps_per_s(const gmorl::Context& context, gmorl::DispatchPolicy& policy,
                   std::size_t episodes, const SuiteOptions& options) {
  constexpr int kRuns = 5;
  constexpr double kLambda = 0.039;
  double best = 0;
  for (int i = 0; i < kRuns; ++i) {
    const double start = options.seconds();
    const auto totals = play_one(context, policy, kLambda, episodes);
    const double took = options.seconds() - start;
    best = std::max(best, static_cast<double>(totals.size()) * context.steps / took);
  }
  return best;
}

}  // namespace

SuiteReport run_env(const SuiteOptions& options) {
  SuiteReport report{.result = {.suite = "env"}, .charts = {}, .groups = {"steps/s"}};
  const gmorl::Context context = gmorl::uniform_context(6);
  const std::size_t servers = context.servers();
  const std::size_t episodes = scaled(20'000, options.scale);
  gmorl::GreedyPolicy greedy(servers);
  const double speed = steps_per_s(context, greedy, episodes, options);
  report.result.add("greedy", "steps/s E6 T100", {speed, 0});
  gmorl::Context large = gmorl::uniform_context(100);
  gmorl::GreedyPolicy greedy_large(large.servers());
  report.result.add("greedy", "steps/s E100 T100",
                    {steps_per_s(large, greedy_large, episodes / 10, options), 0});
  for (const char* name : {"random", "jsq"}) {
    const auto policy = gmorl::make_baseline(name, servers);
    report.result.add(name, "steps/s E6 T100",
                      {steps_per_s(context, *policy, episodes, options), 0});
  }
  if (options.bundle != nullptr) {
    gmorl::PricedPolicy learned(options.bundle->network, servers);
    report.result.add(kLearned, "steps/s E6 T100",
                      {steps_per_s(context, learned, episodes / 4, options), 0});
  }
  report.result.checks.push_back({.name = "steps/s, one core, exact greedy acting",
                                  .asked = 3e6,
                                  .aim = 9e6,
                                  .measured = speed,
                                  .ci95 = 0,
                                  .at_most = false});
  return report;
}

}  // namespace skerry::rl
