#include "replay/replay.h"

#include <algorithm>
#include <cmath>

#include "replay/rebuild.h"
#include "scheduler/ranking.h"

namespace skerry::replay {

namespace {

using scheduler::kObjectives;
using scheduler::Objective;
using scheduler::Objectives;

constexpr std::uint64_t kSeed = 1;
constexpr Instant kNow = instant_from_us(0);

double cost_of(const TracedDecision& decision, const Objectives& objectives) {
  return scheduler::weighted_sum(decision.preference, decision.scale.normalise(objectives));
}

}  // namespace

Replay::Replay(std::unique_ptr<scheduler::Policy> policy, bool incomplete_too)
    : policy_(std::move(policy)), incomplete_too_(incomplete_too), random_(kSeed) {}

std::optional<std::size_t> Replay::choose(const TracedDecision& decision) {
  const Rebuilt rebuilt = rebuild(decision);
  scheduler::Constraints constraints;
  if (decision.deadline_left_s) {
    constraints.deadline = kNow + duration_from_seconds(*decision.deadline_left_s);
  }
  const scheduler::TaskView task{.model = {0},
                                 .input_bytes = decision.input_bytes,
                                 .preference = decision.preference,
                                 .constraints = &constraints,
                                 .excluded = {},
                                 .pinned_node = std::nullopt,
                                 .pinned_variant = std::nullopt,
                                 .waiting = decision.waiting,
                                 .now = kNow};
  std::vector<double> scores(rebuilt.candidates.size());
  const Status ranked = policy_->rank(
      {task, rebuilt.fleet, decision.scale, decision.trend, rebuilt.candidates, random_}, scores);
  const bool finite =
      std::ranges::all_of(scores, [](double score) { return std::isfinite(score); });
  return ranked && finite ? std::optional(scheduler::best_of(rebuilt.candidates, scores))
                          : std::nullopt;
}

void Replay::add(const TracedDecision& decision) {
  if (!decision.complete && !incomplete_too_) {
    ++sums_.incomplete;
    return;
  }
  const auto choice = choose(decision);
  if (!choice) {
    ++sums_.failed;
    return;
  }
  const Objectives& ours = decision.candidates[*choice].prediction.objectives;
  const Objectives& theirs = decision.candidates[decision.chosen].prediction.objectives;
  const bool agrees = *choice == decision.chosen;
  ++sums_.decisions;
  sums_.agreed += agrees ? 1 : 0;
  sums_.regret += cost_of(decision, ours) - cost_of(decision, theirs);
  const Objectives ours_normalised = decision.scale.normalise(ours);
  const Objectives theirs_normalised = decision.scale.normalise(theirs);
  for (std::size_t k = 0; k < kObjectives; ++k) {
    const auto objective = static_cast<Objective>(k);
    sums_.normalised[k] += ours_normalised[objective] - theirs_normalised[objective];
  }
  sums_.raw.latency_s += ours.latency_s - theirs.latency_s;
  sums_.raw.energy_j += ours.energy_j - theirs.energy_j;
  sums_.raw.cost_usd += ours.cost_usd - theirs.cost_usd;
  sums_.raw.error += ours.error - theirs.error;
  if (decision.actual) {
    sums_.outcomes.add(agrees, cost_of(decision, ours), cost_of(decision, theirs),
                       cost_of(decision, *decision.actual));
  }
}

Report Replay::report() const {
  Report means = sums_;
  const double decisions = std::max<double>(static_cast<double>(sums_.decisions), 1);
  means.regret /= decisions;
  for (double& sum : means.normalised) {
    sum /= decisions;
  }
  for (double* sum :
       {&means.raw.latency_s, &means.raw.energy_j, &means.raw.cost_usd, &means.raw.error}) {
    *sum /= decisions;
  }
  return means;
}

}  // namespace skerry::replay
