#include "rl/fleet/evaluate.h"

namespace skerry::rl::fleet {

std::vector<Tally> run(const Context& context, Pricer& policy, const RunOptions& options) {
  std::vector<Tally> tallies;
  View view;
  Choice choice;
  std::vector<double> prices;
  for (std::size_t episode = 0; episode < options.episodes; ++episode) {
    World world(context);
    Tape tape(context, options.seed, episode);
    const std::size_t arrivals = options.warm_up + options.arrivals;
    const double counted_s = tape.task(options.warm_up).arrival_s;
    bool counting = false;
    while (world.next(tape, arrivals, choice)) {
      if (!counting && choice.facts.now_s >= counted_s) {
        counting = true;
        world.forget_tally();
      }
      view.look(choice.facts, choice.candidates);
      prices.resize(choice.candidates.size());
      policy.price(view, choice, prices);
      world.place(tape, choice, cheapest(prices));
    }
    tallies.push_back(world.tally());
  }
  return tallies;
}

Tally sum_of(const std::vector<Tally>& tallies) {
  Tally sum;
  for (const Tally& tally : tallies) {
    sum.tasks += tally.tasks;
    sum.timed += tally.timed;
    sum.missed += tally.missed;
    sum.cost += tally.cost;
    sum.sums.latency_s += tally.sums.latency_s;
    sum.sums.energy_j += tally.sums.energy_j;
    sum.sums.cost_usd += tally.sums.cost_usd;
    sum.sums.error += tally.sums.error;
  }
  return sum;
}

}  // namespace skerry::rl::fleet
