#include "rl/gmorl/problem.h"

#include <fmt/format.h>

#include <cmath>

#include "rl/gmorl/evaluate.h"
#include "rl/gmorl/play.h"

namespace skerry::rl::gmorl {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

GmorlProblem::GmorlProblem(ProblemOptions options) : options_(options) {
  struct Setting {
    const char* name;
    int steps;
    double load;
    bool given;
    std::vector<double> lambdas;
  };
  const std::vector<Setting> settings = {
      {"T100", 100, 1, false, {kInfinity, 0.1, 0.03, 0.01, 0.004, 0.003, 0.002, 0.001, 1e-4}},
      {"T100 given", 100, 1, true, {kInfinity, 0.03, 0.01, 0.003, 0.001}},
      {"T1000 0.8", 1000, 0.8, false, {kInfinity, 0.03, 0.01, 0.003, 0.001}},
      {"T1000 1.0", 1000, 1, false, {kInfinity, 0.03, 0.01, 0.003, 0.001}},
  };
  for (const Setting& setting : settings) {
    Context context = uniform_context(6);
    context.steps = setting.steps;
    context.load = setting.load;
    context.horizon_given = setting.given;
    for (const double lambda : setting.lambdas) {
      probes_.push_back({fmt::format("{} {:g}", setting.name, lambda), context, lambda,
                         options.probe_episodes * 100 / static_cast<std::size_t>(setting.steps)});
    }
  }
}

Labels GmorlProblem::collect(const Mlp& network, std::uint64_t seed) const {
  Random random(seed);
  const Context context = training_context(random);
  PricedPolicy policy(network, context.servers());
  return gmorl::collect(context, policy, options_.collect, random);
}

LabelShape GmorlProblem::play_shape() const { return kPlayShape; }

Transitions GmorlProblem::play(const Mlp& actor, double temperature, std::uint64_t seed) const {
  Random random(seed);
  const Context context = training_context(random);
  return gmorl::play(context, actor, temperature, options_.collect.episodes, random);
}

std::vector<std::string> GmorlProblem::figures() const {
  std::vector<std::string> names;
  names.reserve(probes_.size());
  for (const Probe& probe : probes_) {
    names.push_back(probe.name);
  }
  return names;
}

double GmorlProblem::mean_cost(const Probe& probe, DispatchPolicy& policy) const {
  double sum = 0;
  for (const Total& total : run(probe.context, policy, probe.lambda,
                                {.seed = options_.probe_seed, .episodes = probe.episodes})) {
    sum += cost_at(total, probe.lambda);
  }
  return sum;
}

Figure GmorlProblem::probe(const Mlp& network, std::size_t figure) const {
  const Probe& probe = probes_[figure];
  GreedyPolicy greedy(probe.context.servers());
  PricedPolicy priced(network, probe.context.servers());
  return {probe.name, 100 * (mean_cost(probe, priced) / mean_cost(probe, greedy) - 1)};
}

}  // namespace skerry::rl::gmorl
