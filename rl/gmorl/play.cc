#include "rl/gmorl/play.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/check.h"

namespace skerry::rl::gmorl {

namespace {

// One decision to the end of the transitions; returns the chosen server.
std::size_t decide(Transitions& transitions, const View& view, std::span<const double> prices,
                   double temperature, Random& random) {
  std::vector<std::size_t> allowed;
  allowed.reserve(prices.size());
  for (std::size_t server = 0; server < prices.size(); ++server) {
    if (prices[server] < std::numeric_limits<double>::infinity()) {
      allowed.push_back(server);
    }
  }
  const double least = *std::ranges::min_element(prices);
  double sum = 0;
  std::vector<double> upto;
  upto.reserve(allowed.size());
  for (const std::size_t server : allowed) {
    upto.push_back(sum += std::exp((least - prices[server]) / temperature));
  }
  const double at = random.uniform() * sum;
  const auto pick = std::min<std::size_t>(
      static_cast<std::size_t>(std::ranges::upper_bound(upto, at) - upto.begin()),
      allowed.size() - 1);
  transitions.grow(allowed.size());
  const std::size_t decision = transitions.size() - 1;
  const std::size_t first = decision * kPlayActions;
  const auto w = static_cast<float>(view.weight(0));
  for (std::size_t a = 0; a < allowed.size(); ++a) {
    const std::size_t lane = view.lane(0, allowed[a]);
    for (std::size_t f = 0; f < kFeatures; ++f) {
      transitions.features[(first + a) * kFeatures + f] = view.features()[f * view.stride() + lane];
    }
    transitions.base[first + a] = static_cast<float>(view.cost(lane));
    transitions.coefficients[(first + a) * 2] = view.price_scale(lane) * w;
    transitions.coefficients[(first + a) * 2 + 1] = view.price_scale(lane) * (1 - w);
  }
  transitions.chosen[decision] = static_cast<std::uint8_t>(pick);
  transitions.costs[decision] = static_cast<float>(view.cost(view.lane(0, allowed[pick])));
  return allowed[pick];
}

}  // namespace

Transitions play(const Context& context, const Mlp& actor, double temperature, std::size_t episodes,
                 Random random) {
  check(context.servers() <= kPlayActions, "a transition has room for its servers");
  const Scales scales(context);
  const std::uint64_t seed = random.next_u64();
  PricedPolicy policy(actor, context.servers());
  Transitions transitions{.shape = kPlayShape};
  View view(context, scales);
  std::vector<double> prices(context.servers());
  Dispatch dispatch;
  for (std::size_t e = 0; e < episodes; ++e) {
    const double w = drawn_weight(random);
    Tape tape(context, seed, e);
    Servers servers(context, 1);
    for (int step = 0; step < context.steps; ++step) {
      if (tape.next(dispatch)) {
        view.start(1);
        view.look(0, servers, 0, dispatch, w, context.steps - 1 - step);
        view.finish(1);
        policy.price(view, 1, prices);
        const std::size_t server = decide(transitions, view, prices, temperature, random);
        servers.join(0, server, dispatch.mbit);
      }
      servers.advance(0, 1);
    }
    if (transitions.size() > 0) {
      transitions.after.back() = context.horizon_given ? After::kOver : After::kCutOff;
    }
  }
  return transitions;
}

}  // namespace skerry::rl::gmorl
