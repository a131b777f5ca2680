#include "rl/gmorl/collect.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace skerry::rl::gmorl {

namespace {

constexpr int kStartSteps = 100;  // until then a fleet that started empty fills up
constexpr int kLongSteps = 2 * kStartSteps;

void add_label(Labels& labels, const View& view, std::size_t row, const Moment& moment,
               const Outcome& outcome, double most_weight) {
  labels.grow(outcome.servers.size());
  const std::size_t first = (labels.size() - 1) * kLabelActions;
  const auto [least, most] = std::ranges::minmax(outcome.costs);
  const double unit = most_weight > 0 ? 1 + (most - least) / most_weight : 1;
  for (std::size_t a = 0; a < outcome.servers.size(); ++a) {
    const std::size_t lane = view.lane(row, outcome.servers[a]);
    for (std::size_t f = 0; f < kFeatures; ++f) {
      labels.features[(first + a) * kFeatures + f] = view.features()[f * view.stride() + lane];
    }
    labels.base[first + a] = static_cast<float>(view.cost(lane));
    labels.coefficients[(first + a) * 2] = view.price_scale(lane) * static_cast<float>(moment.w);
    labels.coefficients[(first + a) * 2 + 1] =
        view.price_scale(lane) * static_cast<float>(1 - moment.w);
    labels.costs[first + a] = static_cast<float>((outcome.costs[a] - least) / unit);
  }
}

}  // namespace

double drawn_weight(Random& random) {
  const double kind = random.uniform();
  if (kind < 0.08) {
    return 1;
  }
  return 1 / (1 + std::exp(-random.uniform(-4.6, 4.6)));
}

Context training_context(Random& random) {
  const int edges = 1 + static_cast<int>(random.below(16));
  const double spread = random.chance(0.5) ? 1 : 2.2;
  Context context = random.chance(0.25)
                        ? uniform_context(edges)
                        : drawn_context(edges, {4 - spread * 1, 4 + spread * 1},
                                        {2 - spread * 0.5, 2 + spread * 0.5}, random);
  const double kind = random.uniform();
  context.load = kind < 0.3 ? 1.0 : random.uniform(0.4, 1.25);
  context.steps = random.chance(0.5) ? 100 : (random.chance(0.75) ? 1000 : 300);
  context.horizon_given = random.chance(0.3);
  return context;
}

namespace {

// Episodes of one context, acted in side by side.
class Collector {
 public:
  Collector(const Context& context, DispatchPolicy& policy, const CollectOptions& options,
            Random random)
      : context_(context),
        policy_(policy),
        options_(options),
        random_(random),
        scales_(context),
        view_(context, scales_),
        picked_(options.episodes),
        dispatches_(options.episodes),
        prices_(options.episodes * context.servers()) {
    const std::uint64_t seed = random_.next_u64();
    for (std::size_t e = 0; e < options_.episodes; ++e) {
      tapes_.emplace_back(context_, seed, e);
      weights_.push_back(options_.lambda > 0 ? scales_.weight(options_.lambda)
                                             : drawn_weight(random_));
      // Long episodes are there for what goes on for ever, so their start, with all servers empty, is
      // left to short ones.
      const int first = context_.steps > kLongSteps ? kStartSteps : 0;
      while (picked_[e].size() < options_.moments) {
        picked_[e].insert(first + static_cast<int>(random_.below(
                                      static_cast<std::uint64_t>(context_.steps - first))));
      }
    }
  }

  Labels run() {
    act();
    Labels labels{.shape = kLabelShape};
    labels.steps = options_.episodes * static_cast<std::uint64_t>(context_.steps);
    for (std::size_t at = 0; at < moments_.size(); at += options_.batch) {
      label(std::span(moments_).subspan(at, std::min(options_.batch, moments_.size() - at)),
            labels);
    }
    return labels;
  }

 private:
  void act() {
    Servers state(context_, options_.episodes);
    view_.start(options_.episodes);
    for (int step = 0; step < context_.steps; ++step) {
      look(step, state);
      policy_.price(view_, rows_.size(), prices_);
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        state.join(rows_[row], choose(row), dispatches_[row].mbit);
      }
      for (std::size_t e = 0; e < options_.episodes; ++e) {
        state.advance(e, 1);
      }
    }
  }

  // Looks at the episodes that dispatch in this step, and keeps the moments that were picked.
  void look(int step, const Servers& state) {
    rows_.clear();
    for (std::size_t e = 0; e < options_.episodes; ++e) {
      Dispatch& dispatch = dispatches_[rows_.size()];
      if (!tapes_[e].next(dispatch)) {
        continue;
      }
      const int remaining = context_.steps - 1 - step;
      view_.look(rows_.size(), state, e, dispatch, weights_[e], remaining);
      rows_.push_back(e);
      if (picked_[e].contains(step)) {
        Moment moment{Servers(context_, 1), tapes_[e], dispatch, weights_[e], remaining};
        moment.servers.copy(0, state, e);
        moments_.push_back(std::move(moment));
      }
    }
    view_.finish(rows_.size());
  }

  std::size_t choose(std::size_t row) {
    const std::size_t servers = context_.servers();
    const std::size_t best = cheapest(std::span(prices_).subspan(row * servers, servers));
    if (!random_.chance(options_.explore)) {
      return best;
    }
    const std::size_t any = random_.below(servers);
    return view_.allowed(row, any) ? any : best;
  }

  void label(std::span<const Moment> batch, Labels& labels) {
    RolloutOptions rollout = options_.rollout;
    rollout.seed = random_.next_u64();
    const auto outcomes = roll_out(context_, scales_, policy_, batch, rollout);
    view_.start(batch.size());
    for (std::size_t m = 0; m < batch.size(); ++m) {
      view_.look(m, batch[m].servers, 0, batch[m].dispatch, batch[m].w, batch[m].remaining);
    }
    view_.finish(batch.size());
    for (std::size_t m = 0; m < batch.size(); ++m) {
      labels.steps += outcomes[m].steps;
      if (outcomes[m].servers.size() > 1) {
        add_label(labels, view_, m, batch[m], outcomes[m], options_.most_weight);
      }
    }
  }

  const Context& context_;
  DispatchPolicy& policy_;
  const CollectOptions& options_;
  Random random_;
  Scales scales_;
  View view_;
  std::vector<Tape> tapes_;  // by episode, as are the next two
  std::vector<double> weights_;
  std::vector<std::set<int>> picked_;  // steps
  std::vector<Dispatch> dispatches_;   // by row
  std::vector<std::size_t> rows_;      // the episode of each row
  std::vector<double> prices_;
  std::vector<Moment> moments_;
};

}  // namespace

Labels collect(const Context& context, DispatchPolicy& policy, const CollectOptions& options,
               Random random) {
  return Collector(context, policy, options, random).run();
}

}  // namespace skerry::rl::gmorl
