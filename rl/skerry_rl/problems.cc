#include "rl/skerry_rl/problems.h"

#include <utility>

#include "common/check.h"
#include "rl/fleet/problem.h"
#include "rl/gmorl/problem.h"

namespace skerry::rl {

namespace {

std::size_t count(ConfigFields& settings, const char* key, std::size_t fallback,
                  std::int64_t most) {
  return static_cast<std::size_t>(
      settings.integer(key, static_cast<std::int64_t>(fallback), 1, most));
}

NamedProblem make_gmorl(ConfigFields settings) {
  gmorl::ProblemOptions options;
  gmorl::CollectOptions& collect = options.collect;
  collect.episodes = count(settings, "episodes", collect.episodes, 1 << 16);
  // Shorter episodes have at least a hundred steps to pick moments from.
  collect.moments = count(settings, "moments", collect.moments, 100);
  collect.lambda = settings.number("lambda", collect.lambda, 0, 1e9);
  collect.explore = settings.number("explore", collect.explore, 0, 1);
  collect.most_weight = settings.number("most_weight", collect.most_weight, 0, 1e6);
  collect.rollout.actions =
      count(settings, "actions", collect.rollout.actions, gmorl::kLabelActions);
  collect.rollout.futures = count(settings, "futures", collect.rollout.futures, 4096);
  collect.rollout.horizon = static_cast<int>(
      count(settings, "horizon", static_cast<std::size_t>(collect.rollout.horizon), 100'000));
  options.probe_episodes = count(settings, "probe_episodes", options.probe_episodes, 1 << 20);
  auto problem = std::make_shared<gmorl::GmorlProblem>(options);
  return {problem, problem, nullptr, std::string(gmorl::kFeatureSchema)};
}

NamedProblem make_fleet(ConfigFields settings) {
  fleet::ProblemOptions options;
  fleet::CollectOptions& collect = options.collect;
  collect.arrivals = count(settings, "arrivals", collect.arrivals, 1 << 20);
  collect.moments = count(settings, "moments", collect.moments, 100);
  collect.futures = count(settings, "futures", collect.futures, 4096);
  collect.explore = settings.number("explore", collect.explore, 0, 1);
  collect.arrivals_a_slot = settings.number("arrivals_a_slot", collect.arrivals_a_slot, 0, 1000);
  collect.least_horizon = count(settings, "least_horizon", collect.least_horizon, 100'000);
  collect.most_horizon = count(settings, "most_horizon", collect.most_horizon, 100'000);
  options.draw.most_nodes = static_cast<std::size_t>(
      settings.integer("most_nodes", static_cast<std::int64_t>(options.draw.most_nodes),
                       static_cast<std::int64_t>(options.draw.least_nodes), fleet::kMostNodes));
  if (collect.moments > collect.arrivals) {
    settings.issue("moments", "must not be more than arrivals");
  }
  if (collect.least_horizon > collect.most_horizon) {
    settings.issue("least_horizon", "must not be above most_horizon");
  }
  options.probe_fleets = count(settings, "probe_fleets", options.probe_fleets, 1 << 10);
  auto problem = std::make_shared<fleet::FleetProblem>(options);
  return {problem, nullptr, problem, std::string(fleet::kFeatureSchema)};
}

}  // namespace

std::vector<std::string> problem_names() { return {"gmorl", "fleet"}; }

NamedProblem make_problem(const std::string& name, ConfigFields settings) {
  check(name == "gmorl" || name == "fleet", "the problem has a known name");
  return name == "fleet" ? make_fleet(std::move(settings)) : make_gmorl(std::move(settings));
}

}  // namespace skerry::rl
