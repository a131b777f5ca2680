#include "bench/fidelity/played.h"

#include <cmath>

#include "common/check.h"
#include "rl/fleet/policy.h"

namespace skerry::fidelity {

void Predictions::add(const scheduler::Objectives& prediction,
                      const scheduler::Objectives& outcome) {
  const auto values = [](const scheduler::Objectives& o) {
    return std::array{o.latency_s, o.energy_j, o.cost_usd, o.error};
  };
  const auto expected = values(prediction);
  const auto took = values(outcome);
  ++attempts;
  for (std::size_t k = 0; k < scheduler::kObjectives; ++k) {
    predicted[k] += expected[k];
    actual[k] += took[k];
    apart[k] += std::abs(expected[k] - took[k]);
  }
}

Played play_in_simulator(const rl::fleet::Context& context,
                         const std::vector<rl::fleet::Task>& tasks, const PolicyUnderTest& policy) {
  const auto pricer = policy.bundle ? rl::fleet::make_learned(policy.bundle->network)
                                    : rl::fleet::make_baseline(policy.name);
  check(pricer != nullptr, "the simulator knows the policy");
  rl::fleet::World world(context);
  rl::fleet::Tape tape(context, tasks);
  rl::fleet::View view;
  rl::fleet::Choice choice;
  std::vector<double> prices;
  while (world.next(tape, tasks.size(), choice)) {
    view.look(choice.facts, choice.candidates);
    prices.resize(choice.candidates.size());
    pricer->price(view, choice, prices);
    world.place(tape, choice, rl::cheapest(prices));
  }
  const rl::fleet::Tally& tally = world.tally();
  return {.tasks = tally.tasks,
          .missed = tally.missed,
          .cost = tally.cost,
          .sums = tally.sums,
          .predictions = {}};
}

}  // namespace skerry::fidelity
