#include "rl/gmorl/rollout.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace skerry::rl::gmorl {

namespace {

// One future of one moment; its branches are consecutive rows, one per action.
struct Future {
  std::size_t moment;
  Tape tape;
  Dispatch dispatch;
  std::size_t first_row;
};

std::vector<std::uint32_t> best_actions(std::span<const double> prices, std::size_t most) {
  std::vector<std::uint32_t> order(prices.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {},
                    [&](std::uint32_t server) { return std::pair(prices[server], server); });
  order.resize(std::min(order.size(), most));
  while (order.size() > 1 && prices[order.back()] == std::numeric_limits<double>::infinity()) {
    order.pop_back();
  }
  return order;
}

}  // namespace

std::vector<Outcome> roll_out(const Context& context, const Scales& scales, DispatchPolicy& policy,
                              std::span<const Moment> moments, const RolloutOptions& options) {
  const std::size_t servers = context.servers();
  std::vector<Outcome> outcomes(moments.size());
  View view(context, scales);
  view.start(moments.size(), policy.detail());
  std::vector<double> prices(moments.size() * servers);
  for (std::size_t m = 0; m < moments.size(); ++m) {
    view.look(m, moments[m].servers, 0, moments[m].dispatch, moments[m].w, moments[m].remaining);
  }
  view.finish(moments.size());
  policy.price(view, moments.size(), prices);

  std::size_t rows = 0;
  std::vector<Future> futures;
  for (std::size_t m = 0; m < moments.size(); ++m) {
    outcomes[m].servers =
        best_actions(std::span(prices).subspan(m * servers, servers), options.actions);
    outcomes[m].costs.assign(outcomes[m].servers.size(), 0);
    for (std::size_t k = 0; k < options.futures; ++k) {
      futures.push_back(
          {m, moments[m].tape.future(options.seed, m * options.futures + k), {}, rows});
      rows += outcomes[m].servers.size();
    }
  }
  const double share = 1.0 / static_cast<double>(options.futures);
  Servers branches(context, rows);
  for (const Future& future : futures) {
    Outcome& outcome = outcomes[future.moment];
    for (std::size_t a = 0; a < outcome.servers.size(); ++a) {
      const std::size_t lane = view.lane(future.moment, outcome.servers[a]);
      outcome.costs[a] += share * view.cost(lane);
      branches.copy(future.first_row + a, moments[future.moment].servers, 0);
      branches.join(future.first_row + a, outcome.servers[a], moments[future.moment].dispatch.mbit);
      branches.advance(future.first_row + a, 1);
    }
  }

  int last = 0;
  for (const Moment& moment : moments) {
    last = std::max(last, std::min(options.horizon, moment.remaining));
  }
  std::vector<Future*> dispatching;
  view.start(rows, policy.detail());
  std::vector<std::size_t> chosen(rows);
  for (int step = 1; step <= last; ++step) {
    dispatching.clear();
    std::size_t used = 0;
    for (Future& future : futures) {
      const Moment& moment = moments[future.moment];
      const Outcome& outcome = outcomes[future.moment];
      if (step <= moment.remaining && future.tape.next(future.dispatch)) {
        for (std::size_t a = 0; a < outcome.servers.size(); ++a) {
          view.look(used++, branches, future.first_row + a, future.dispatch, moment.w,
                    moment.remaining - step);
        }
        dispatching.push_back(&future);
      }
    }
    view.finish(used);
    policy.choose(view, used, chosen);
    std::size_t row = 0;
    for (Future* future : dispatching) {
      Outcome& outcome = outcomes[future->moment];
      for (std::size_t a = 0; a < outcome.servers.size(); ++a, ++row) {
        const std::size_t server = chosen[row];
        outcome.costs[a] += share * view.cost(view.lane(row, server));
        branches.join(future->first_row + a, server, future->dispatch.mbit);
      }
    }
    for (const Future& future : futures) {
      Outcome& outcome = outcomes[future.moment];
      if (step <= moments[future.moment].remaining) {
        outcome.steps += outcome.servers.size();
        for (std::size_t a = 0; a < outcome.servers.size(); ++a) {
          branches.advance(future.first_row + a, 1);
        }
      }
    }
  }
  return outcomes;
}

}  // namespace skerry::rl::gmorl
