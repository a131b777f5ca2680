#include "rl/fleet/problem.h"

#include <fmt/format.h>

#include "rl/fleet/evaluate.h"
#include "rl/fleet/trial.h"

namespace skerry::rl::fleet {

FleetProblem::FleetProblem(ProblemOptions options) : options_(options) {
  Random random(options.probe_seed);
  for (const double load : {0.5, 0.75, 0.95, 1.1}) {
    for (const bool one : {true, false}) {
      Probe probe{fmt::format("load {} {}", load, one ? "one" : "mixed"), {}};
      while (probe.contexts.size() < options.probe_fleets) {
        Draw draw = options.draw;
        draw.least_load = draw.most_load = load;
        Context context = draw_context(draw, random);
        if ((context.preferences == Preferences::kOne) == one) {
          probe.contexts.push_back(std::move(context));
        }
      }
      probes_.push_back(std::move(probe));
    }
  }
}

Labels FleetProblem::collect(const Mlp& network, std::uint64_t seed) const {
  Random random(seed);
  const Context context = draw_context(options_.draw, random);
  const auto policy = make_learned(network);
  return fleet::collect(context, *policy, options_.collect, random);
}

Trial FleetProblem::play_shifted(const Mlp& network, std::span<const float> shift,
                                 std::uint64_t seed) const {
  Random random(seed);
  const Context context = draw_context(options_.draw, random);
  return fleet::play_shifted(context, network, shift, options_.collect.arrivals, random);
}

std::vector<std::string> FleetProblem::figures() const {
  std::vector<std::string> names;
  for (const Probe& probe : probes_) {
    names.push_back(probe.name);
  }
  return names;
}

Figure FleetProblem::probe(const Mlp& network, std::size_t figure) const {
  const Probe& probe = probes_[figure];
  const RunOptions run_options{.seed = options_.probe_seed, .episodes = 1};
  double sum = 0;
  for (const Context& context : probe.contexts) {
    const auto greedy = make_baseline("greedy");
    const auto learned = make_learned(network);
    sum += cost_a_task(sum_of(run(context, *learned, run_options))) /
               cost_a_task(sum_of(run(context, *greedy, run_options))) -
           1;
  }
  return {probe.name, 100 * sum / static_cast<double>(probe.contexts.size())};
}

}  // namespace skerry::rl::fleet
