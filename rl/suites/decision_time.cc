#include "rl/suites/decision_time.h"

#include <memory>
#include <vector>

#include "rl/gmorl/baselines.h"
#include "rl/suites/cells.h"

namespace skerry::rl {

namespace {

// Decides for one episode after the other, and notes how long each decision took, in microseconds.
std::vector<double> times_of(const gmorl::Context& context, gmorl::DispatchPolicy& policy,
                             std::size_t episodes, const std::function<double()>& seconds) {
  constexpr double kLambda = 0.01;
  const gmorl::Scales scales(context);
  const double w = scales.weight(kLambda);
  const std::size_t servers = context.servers();
  std::vector<double> times;
  std::vector<double> prices(servers);
  gmorl::View view(context, scales);
  gmorl::Dispatch dispatch;
  for (std::size_t e = 0; e < episodes; ++e) {
    gmorl::Tape tape(context, kReportSeed, e);
    gmorl::Servers state(context, 1);
    for (int step = 0; step < context.steps; ++step) {
      if (tape.next(dispatch)) {
        const double start = seconds();
        view.start(1, policy.detail());
        view.look(0, state, 0, dispatch, w, context.steps - 1 - step);
        view.finish(1);
        policy.price(view, 1, prices);
        const std::size_t server = cheapest(prices);
        times.push_back((seconds() - start) * 1e6);
        state.join(0, server, dispatch.mbit);
      }
      state.advance(0, 1);
    }
  }
  return times;
}

}  // namespace

void add_decision_times(const gmorl::Context& context, const SuiteOptions& options,
                        SuiteResult& result) {
  const std::size_t servers = context.servers();
  const std::size_t episodes = scaled(200, options.scale);
  const auto add = [&](const std::string& name, gmorl::DispatchPolicy& policy) {
    std::vector<double> times = times_of(context, policy, episodes, options.seconds);
    result.add(name, "decision us p50", {quantile(times, 0.5), 0});
    result.add(name, "decision us p99", {quantile(times, 0.99), 0});
  };
  gmorl::GreedyPolicy greedy(servers);
  add("greedy", greedy);
  add("linear", *gmorl::make_linear(servers, std::vector<double>(gmorl::kLinearTerms, 0.1)));
  add("iterated", *gmorl::make_iterated(context, 0.5, 0.5));
  if (options.bundle != nullptr) {
    gmorl::PricedPolicy learned(options.bundle->network, servers);
    add(kLearned, learned);
  }
}

}  // namespace skerry::rl
