#include "rl/skerry_rl/problems.h"

#include <utility>

#include "common/check.h"
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
  collect.rollout.actions =
      count(settings, "actions", collect.rollout.actions, gmorl::kLabelActions);
  collect.rollout.futures = count(settings, "futures", collect.rollout.futures, 4096);
  collect.rollout.horizon = static_cast<int>(
      count(settings, "horizon", static_cast<std::size_t>(collect.rollout.horizon), 100'000));
  options.probe_episodes = count(settings, "probe_episodes", options.probe_episodes, 1 << 20);
  auto problem = std::make_shared<gmorl::GmorlProblem>(options);
  return {problem, problem, std::string(gmorl::kFeatureSchema)};
}

}  // namespace

std::vector<std::string> problem_names() { return {"gmorl"}; }

NamedProblem make_problem(const std::string& name, ConfigFields settings) {
  check(name == "gmorl", "the problem has a known name");
  return make_gmorl(std::move(settings));
}

}  // namespace skerry::rl
