// judging.cc: what decisions promised, and what came of it: for shadows, and for the breaker of the
// active policy.

#include "controller/core/context.h"
#include "scheduler/ranking.h"

namespace skerry::core {

Expectation expectation_of(const State& state, const scheduler::Decision& decision) {
  Expectation expected{.activation = state.policies.activation,
                       .by_policy = decision.fallback_reason.empty(),
                       .scale = decision.scale,
                       .greedy = decision.candidates[decision.greedy].prediction.objectives,
                       .cost = decision.costs[*decision.chosen],
                       .shadows = {}};
  for (std::size_t i = 0; i < decision.shadows.size(); ++i) {
    if (const auto chosen = decision.shadows[i].chosen) {
      expected.shadows.push_back({.serial = state.policies.shadows[i].serial,
                                  .cost = decision.costs[*chosen],
                                  .agrees = *chosen == *decision.chosen});
    }
  }
  return expected;
}

void count_shadows(State& state, const scheduler::Decision& decision) {
  for (std::size_t i = 0; i < decision.shadows.size(); ++i) {
    ShadowStats& stats = state.policies.shadows[i].stats;
    ++stats.decisions;
    const auto chosen = decision.shadows[i].chosen;
    if (!chosen) {
      ++stats.failed;
      continue;
    }
    stats.agreed += *chosen == *decision.chosen ? 1 : 0;
    stats.regret += decision.costs[*chosen] - decision.costs[*decision.chosen];
  }
}

void judge_outcome(Context& ctx, const Job& job, const Attempt& attempt,
                   const scheduler::Objectives& actual) {
  if (!attempt.expected) {
    return;  // placed before the controller started anew
  }
  const Expectation& expected = *attempt.expected;
  const auto& preference = job.spec.preference;
  const double measured = scheduler::weighted_sum(preference, expected.scale.normalise(actual));
  for (const ShadowExpectation& of_shadow : expected.shadows) {
    if (ShadowEntry* shadow = ctx.state.policies.shadow(of_shadow.serial)) {
      shadow->stats.outcomes.add(of_shadow.agrees, of_shadow.cost, expected.cost, measured);
    }
  }
  scheduler::Breaker* breaker = ctx.state.placer.ranking().breaker();
  if (breaker == nullptr || expected.activation != ctx.state.policies.activation) {
    return;
  }
  const double relative = scheduler::relative_cost(preference, actual, expected.greedy);
  if (expected.by_policy) {
    breaker->policy_outcome(relative, ctx.now);
    tell_breaker(ctx);
  } else {
    breaker->greedy_outcome(relative);
  }
}

void tell_breaker(Context& ctx) {
  const scheduler::Breaker* breaker = ctx.state.placer.ranking().breaker();
  PolicyTable& table = ctx.state.policies;
  if (breaker == nullptr || breaker->changes() == table.breaker_changes) {
    return;
  }
  table.breaker_changes = breaker->changes();
  const bool open = breaker->state() == scheduler::BreakerState::kOpen;
  // Not before what made the policy active, which waits for its record.
  ctx.happen(BreakerChanged{.policy = table.active.name,
                            .version = table.active.version,
                            .state = std::string(to_string(breaker->state())),
                            .fault = open ? std::string(to_string(breaker->last_fault())) : "",
                            .reason = open ? breaker->reason() : ""},
             ctx.batch_so_far());
}

}  // namespace skerry::core
