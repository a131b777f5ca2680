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

Labels collect(const Context& context, DispatchPolicy& policy, const CollectOptions& options,
               Random random) {
  const Scales scales(context);
  const std::size_t servers = context.servers();
  const std::uint64_t seed = random.next_u64();
  std::vector<Tape> tapes;
  std::vector<double> weights;
  std::vector<std::set<int>> picked(options.episodes);
  for (std::size_t e = 0; e < options.episodes; ++e) {
    tapes.emplace_back(context, seed, e);
    weights.push_back(options.lambda > 0 ? scales.weight(options.lambda) : drawn_weight(random));
    while (picked[e].size() < options.moments) {
      // Long episodes are there for what goes on for ever, so their start, with all servers empty, is
      // left to short ones.
      const int first = context.steps > kLongSteps ? kStartSteps : 0;
      picked[e].insert(
          first + static_cast<int>(random.below(static_cast<std::uint64_t>(context.steps - first))));
    }
  }
  Servers state(context, options.episodes);
  View view(context, scales);
  view.start(options.episodes);
  std::vector<double> prices(options.episodes * servers);
  std::vector<Dispatch> dispatches(options.episodes);
  std::vector<Moment> moments;
  std::vector<std::size_t> rows;
  for (int step = 0; step < context.steps; ++step) {
    rows.clear();
    for (std::size_t e = 0; e < options.episodes; ++e) {
      Dispatch& dispatch = dispatches[rows.size()];
      if (!tapes[e].next(dispatch)) {
        continue;
      }
      const int remaining = context.steps - 1 - step;
      view.look(rows.size(), state, e, dispatch, weights[e], remaining);
      rows.push_back(e);
      if (picked[e].contains(step)) {
        Moment moment{Servers(context, 1), tapes[e], dispatch, weights[e], remaining};
        moment.servers.copy(0, state, e);
        moments.push_back(std::move(moment));
      }
    }
    view.finish(rows.size());
    policy.price(view, rows.size(), prices);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::size_t server = cheapest(std::span(prices).subspan(row * servers, servers));
      if (random.chance(options.explore)) {
        const std::size_t any = random.below(servers);
        server = view.allowed(row, any) ? any : server;
      }
      state.join(rows[row], server, dispatches[row].mbit);
    }
    for (std::size_t e = 0; e < options.episodes; ++e) {
      state.advance(e, 1);
    }
  }
  Labels labels{.shape = kLabelShape};
  labels.steps = options.episodes * static_cast<std::uint64_t>(context.steps);
  RolloutOptions rollout = options.rollout;
  for (std::size_t at = 0; at < moments.size(); at += options.batch) {
    const std::span<const Moment> batch =
        std::span(moments).subspan(at, std::min(options.batch, moments.size() - at));
    rollout.seed = random.next_u64();
    const auto outcomes = roll_out(context, scales, policy, batch, rollout);
    view.start(batch.size());
    for (std::size_t m = 0; m < batch.size(); ++m) {
      view.look(m, batch[m].servers, 0, batch[m].dispatch, batch[m].w, batch[m].remaining);
    }
    view.finish(batch.size());
    for (std::size_t m = 0; m < batch.size(); ++m) {
      labels.steps += outcomes[m].steps;
      if (outcomes[m].servers.size() > 1) {
        add_label(labels, view, m, batch[m], outcomes[m], options.most_weight);
      }
    }
  }
  return labels;
}

}  // namespace skerry::rl::gmorl
