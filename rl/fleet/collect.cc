#include "rl/fleet/collect.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace skerry::rl::fleet {

namespace {

constexpr double kLeastMeanCost = 0.01;

// A moment at which a task is placed.
struct Moment {
  World world;
  Tape tape;
  Choice choice;
};

class Collector {
 public:
  Collector(const Context& context, Pricer& policy, const CollectOptions& options, Random random)
      : context_(context), policy_(policy), options_(options), random_(random) {
    double slots = 0;
    for (const Node& node : context.nodes) {
      slots += static_cast<double>(node.slots);
    }
    horizon_ = std::clamp(static_cast<std::size_t>(options.arrivals_a_slot * slots),
                          options.least_horizon, options.most_horizon);
  }

  Labels run() {
    std::vector<Moment> moments = act();
    for (Moment& moment : moments) {
      label(moment);
    }
    return std::move(labels_);
  }

 private:
  std::size_t choose(const Choice& choice) {
    view_.look(choice.facts, choice.candidates);
    prices_.resize(choice.candidates.size());
    policy_.price(view_, choice, prices_);
    return cheapest(prices_);
  }

  std::vector<Moment> act() {
    std::set<std::size_t> picked;
    while (picked.size() < options_.moments) {
      picked.insert(random_.below(options_.arrivals));
    }
    World world(context_);
    Tape tape(context_, random_.next_u64(), 0);
    Choice choice;
    std::vector<Moment> moments;
    for (std::size_t decision = 0; world.next(tape, options_.arrivals, choice); ++decision) {
      if (picked.contains(decision) && choice.candidates.size() > 1) {
        moments.push_back({world, tape, choice});
      }
      std::size_t candidate = choose(choice);
      if (random_.chance(options_.explore)) {
        const std::size_t any = random_.below(choice.candidates.size());
        candidate = view_.base(any) <= view_.limit() ? any : candidate;
      }
      world.place(tape, choice, candidate);
    }
    mean_cost_ =
        world.tally().cost / static_cast<double>(std::max<std::size_t>(world.tally().tasks, 1));
    return moments;
  }

  // What is paid from here on, if this candidate is taken and the policy goes on.
  double roll_out(const Moment& moment, Tape& future, std::size_t candidate) {
    World world = moment.world;
    world.follow(future);
    const double before = world.tally().cost;
    world.place(future, moment.choice, candidate);
    while (world.next(future, horizon_, choice_)) {
      world.place(future, choice_, choose(choice_));
    }
    return world.tally().cost - before;
  }

  void label(Moment& moment) {
    view_.look(moment.choice.facts, moment.choice.candidates);
    prices_.resize(moment.choice.candidates.size());
    policy_.price(view_, moment.choice, prices_);
    order_.resize(prices_.size());
    std::iota(order_.begin(), order_.end(), 0u);
    std::ranges::sort(order_, {}, [&](std::size_t i) { return std::pair(prices_[i], i); });
    std::erase_if(order_, [&](std::size_t i) { return view_.base(i) > view_.limit(); });
    order_.resize(std::min(order_.size(), kLabelActions));
    if (order_.size() < 2) {
      return;
    }
    // Prices are relative to the mean cost too, so that a temperature means the same on every fleet.
    const double mean_cost = std::max(mean_cost_, kLeastMeanCost);
    const double scale = 1 / mean_cost;
    const std::size_t first = labels_.size() * kLabelActions;
    labels_.grow(order_.size());
    for (std::size_t a = 0; a < order_.size(); ++a) {
      const std::size_t candidate = order_[a];
      for (std::size_t f = 0; f < kFeatures; ++f) {
        labels_.features[(first + a) * kFeatures + f] =
            view_.features()[f * view_.stride() + candidate];
      }
      labels_.base[first + a] = static_cast<float>(view_.base(candidate) * scale) +
                                view_.externality(candidate) * static_cast<float>(scale);
      for (std::size_t o = 0; o < kOutputs; ++o) {
        labels_.coefficients[(first + a) * kOutputs + o] =
            view_.coefficient(candidate, o) * static_cast<float>(scale);
      }
    }
    std::vector<double> costs(order_.size(), 0);
    const std::vector<std::size_t> actions = order_;
    const std::uint64_t seed = random_.next_u64();
    for (std::size_t k = 0; k < options_.futures; ++k) {
      Tape future = moment.tape.future(moment.choice.facts.now_s, seed, k);
      for (std::size_t a = 0; a < actions.size(); ++a) {
        costs[a] += roll_out(moment, future, actions[a]);
      }
    }
    // Relative to the mean cost of a task, but no label weighs more than a few tasks do: where a fleet
    // is overrun, one decision moves the cost of a hundred others, by chance as much as by choice.
    constexpr double kMostWeight = 1;
    const auto futures = static_cast<double>(options_.futures);
    const auto [least, most] = std::ranges::minmax(costs);
    const double spread = (most - least) / futures;
    const double unit = futures * (mean_cost + spread / kMostWeight);
    for (std::size_t a = 0; a < costs.size(); ++a) {
      labels_.costs[first + a] = static_cast<float>((costs[a] - least) / unit);
    }
  }

  const Context& context_;
  Pricer& policy_;
  const CollectOptions& options_;
  Random random_;
  std::size_t horizon_;
  double mean_cost_ = 1;
  View view_;
  Choice choice_;
  std::vector<double> prices_;
  std::vector<std::size_t> order_;
  Labels labels_{.shape = kLabelShape};
};

}  // namespace

Labels collect(const Context& context, Pricer& policy, const CollectOptions& options,
               Random random) {
  return Collector(context, policy, options, random).run();
}

}  // namespace skerry::rl::fleet
