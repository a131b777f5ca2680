#include "rl/fleet/tune.h"

#include <utility>

#include "common/check.h"

namespace skerry::rl::fleet {

TunedPolicy::TunedPolicy(const Tuned& tuned) {
  if (tuned.name == "externality") {
    pricer_ = make_externality(tuned.parameters.at(0));
  } else if (tuned.name == "linear") {
    network_ = std::make_unique<Mlp>(linear_network(tuned.parameters));
    pricer_ = make_learned(*network_);
  } else {
    pricer_ = make_baseline(tuned.name);
  }
  check(pricer_ != nullptr, "a tuned policy has a known name");
}

std::vector<Tuned> tune_all(const Context& context, const TuneOptions& options) {
  const MeasureAll measure = [&](std::vector<Tuned>& candidates) {
    for (Tuned& tuned : candidates) {
      TunedPolicy policy(tuned);
      tuned.cost = cost_a_task(sum_of(run(context, policy.pricer(), options.run)));
    }
  };
  std::vector<Tuned> all;
  for (const std::string_view name : baseline_names()) {
    all.push_back({std::string(name), {}, 0});
  }
  measure(all);
  std::vector<Tuned> grid;
  for (const double c : {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 8.0, 15.0}) {
    grid.push_back({"externality", {c}, 0});
  }
  all.push_back(best_of(std::move(grid), measure));
  constexpr double kSpread = 0.4;
  all.push_back(cross_entropy("linear", kLinearTerms,
                              {.seed = options.run.seed,
                               .rounds = options.rounds,
                               .population = options.population,
                               .spread = kSpread},
                              measure));
  sort_by_cost(all);
  return all;
}

}  // namespace skerry::rl::fleet
