#include "controller/metrics/policy_figures.h"

#include <array>
#include <utility>

namespace skerry::metrics {

namespace {

using core::PolicyView;
using core::ShadowStats;
using scheduler::BreakerState;

Figure figure(std::string name, std::string help, Figure::Kind kind) {
  return {.name = std::move(name), .help = std::move(help), .kind = kind, .samples = {}};
}

void add(Figure& to, const PolicyView& shadow, double value,
         std::vector<std::pair<std::string, std::string>> more = {}) {
  more.insert(more.begin(), {"policy", shadow.ref.name});
  to.samples.push_back({.labels = std::move(more), .value = value});
}

double mean(double sum, std::uint64_t count) {
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

Figure active_figure(const core::PoliciesView& policies) {
  Figure active =
      figure("skerry_policy_active", "1 for the policy that decides", Figure::Kind::kGauge);
  active.samples.push_back(
      {.labels = {{"policy", policies.active.name}, {"version", policies.active.version}},
       .value = 1});
  return active;
}

Figure breaker_figure(const core::PoliciesView& policies) {
  Figure breaker =
      figure("skerry_policy_breaker_state",
             "1 for the state of the active policy's breaker; greedy decides unless it is closed",
             Figure::Kind::kGauge);
  const BreakerState now = policies.breaker ? policies.breaker->state : BreakerState::kClosed;
  for (const BreakerState state :
       {BreakerState::kClosed, BreakerState::kOpen, BreakerState::kHalfOpen}) {
    breaker.samples.push_back(
        {.labels = {{"state", std::string(to_string(state))}}, .value = state == now ? 1.0 : 0.0});
  }
  return breaker;
}

}  // namespace

std::vector<Figure> policy_figures(const core::PoliciesView& policies) {
  Figure decisions = figure("skerry_shadow_decisions_total",
                            "Decisions that a shadow scored (agreed, differed) or could not "
                            "(failed)",
                            Figure::Kind::kCounter);
  Figure regret = figure("skerry_shadow_predicted_regret",
                         "Mean of the predicted cost of a shadow's choices over the active "
                         "policy's; a decision's best to worst is 0 to 1",
                         Figure::Kind::kGauge);
  Figure outcomes = figure("skerry_shadow_outcomes_total",
                           "Decisions with an outcome, by whether the shadow chose the same",
                           Figure::Kind::kCounter);
  Figure measured = figure("skerry_shadow_measured_cost",
                           "Mean of what the active policy's choices cost, of these outcomes",
                           Figure::Kind::kGauge);
  Figure estimated = figure("skerry_shadow_estimated_cost",
                            "Mean of what a shadow's would have cost, estimated off-policy "
                            "(docs/policies.md)",
                            Figure::Kind::kGauge);
  for (const PolicyView& policy : policies.items) {
    if (!policy.shadow) {
      continue;
    }
    const ShadowStats& stats = *policy.shadow;
    const std::uint64_t chose = stats.decisions - stats.failed;
    add(decisions, policy, static_cast<double>(stats.agreed), {{"outcome", "agreed"}});
    add(decisions, policy, static_cast<double>(chose - stats.agreed), {{"outcome", "differed"}});
    add(decisions, policy, static_cast<double>(stats.failed), {{"outcome", "failed"}});
    add(regret, policy, mean(stats.regret, chose));
    add(outcomes, policy, static_cast<double>(stats.outcomes.matched), {{"choice", "same"}});
    add(outcomes, policy, static_cast<double>(stats.outcomes.outcomes - stats.outcomes.matched),
        {{"choice", "other"}});
    add(measured, policy, mean(stats.outcomes.measured, stats.outcomes.outcomes));
    add(estimated, policy, estimate(stats.outcomes).cost);
  }
  return {active_figure(policies),
          breaker_figure(policies),
          decisions,
          regret,
          outcomes,
          measured,
          estimated};
}

}  // namespace skerry::metrics
