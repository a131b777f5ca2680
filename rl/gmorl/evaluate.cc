#include "rl/gmorl/evaluate.h"

#include <algorithm>

namespace skerry::rl::gmorl {

namespace {

void run_batch(const Context& context, const Scales& scales, DispatchPolicy& policy, double w,
               const RunOptions& options, std::size_t first, std::span<Total> totals) {
  const std::size_t servers = context.servers();
  std::vector<Tape> tapes;
  for (std::size_t e = 0; e < totals.size(); ++e) {
    tapes.emplace_back(context, options.seed, first + e);
  }
  Servers state(context, totals.size());
  View view(context, scales);
  view.start(totals.size(), policy.detail());
  std::vector<double> prices(totals.size() * servers);
  std::vector<Dispatch> dispatches(totals.size());
  std::vector<std::size_t> rows;
  for (int step = 0; step < context.steps; ++step) {
    rows.clear();
    for (std::size_t e = 0; e < totals.size(); ++e) {
      Dispatch& dispatch = dispatches[rows.size()];
      if (tapes[e].next(dispatch)) {
        view.look(rows.size(), state, e, dispatch, w, context.steps - 1 - step);
        rows.push_back(e);
      }
    }
    view.finish(rows.size());
    policy.price(view, rows.size(), prices);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::size_t server = cheapest(std::span(prices).subspan(row * servers, servers));
      const std::size_t lane = view.lane(row, server);
      const bool waits = context.channel == Channel::kPhysical;
      totals[rows[row]].delay_s +=
          view.delay(lane) * scales.delay_s + (waits ? dispatches[row].waited_s : 0);
      totals[rows[row]].energy_j += view.energy(lane) * scales.energy_j;
      state.join(rows[row], server, dispatches[row].mbit);
    }
    for (std::size_t e = 0; e < totals.size(); ++e) {
      state.advance(e, 1);
    }
  }
}

}  // namespace

std::vector<Total> run(const Context& context, DispatchPolicy& policy, double lambda,
                       const RunOptions& options) {
  const Scales scales(context);
  const double w = scales.weight(lambda);
  std::vector<Total> totals(options.episodes);
  for (std::size_t at = 0; at < totals.size(); at += options.batch) {
    const std::size_t count = std::min(options.batch, totals.size() - at);
    run_batch(context, scales, policy, w, options, options.first + at,
              std::span(totals).subspan(at, count));
  }
  return totals;
}

}  // namespace skerry::rl::gmorl
