// decisions.cc: a decision as it is recorded: for explain, and to be scored again by another policy.
//
// The best candidates are always recorded, and the choices of shadows. That is what explain shows; to
// score a decision again, all of its candidates are needed, since a policy may look at all of them
// together. So one decision of a few is recorded whole.

#include <algorithm>
#include <numeric>

#include "controller/core/context.h"

namespace skerry::core {

namespace {

constexpr std::size_t kBestCandidates = 16;
constexpr std::size_t kWholeDecision = 256;

// The candidates to record: the choice, then the others by score, then what shadows chose beyond.
std::vector<std::size_t> chosen_few(const scheduler::Decision& decision, std::size_t most) {
  std::vector<std::size_t> order(decision.candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(decision.scores[i], i); });
  const auto choice = std::ranges::find(order, *decision.chosen);
  std::rotate(order.begin(), choice, choice + 1);
  order.resize(std::min(order.size(), most));
  for (const scheduler::ShadowChoice& shadow : decision.shadows) {
    if (shadow.chosen && std::ranges::find(order, *shadow.chosen) == order.end()) {
      order.push_back(*shadow.chosen);
    }
  }
  return order;
}

}  // namespace

DecisionRecord decision_record(Context& ctx, const JobEntry& entry,
                               const scheduler::Decision& decision, std::string_view hedge_reason) {
  State& state = ctx.state;
  const JobSpec& spec = entry.job.spec;
  DecisionRecord record{.job = entry.job.id,
                        .attempt = entry.job.attempts + 1,
                        .at = ctx.now,
                        .policy = decision.policy,
                        .policy_version = decision.policy_version,
                        .fallback_reason = decision.fallback_reason,
                        .hedge_reason = std::string(hedge_reason),
                        .preference = spec.preference,
                        .model = spec.model,
                        .input_bytes = static_cast<double>(spec.inputs.size_bytes),
                        .deadline_left_s = {},
                        .waiting = decision.waiting,
                        .scale = decision.scale,
                        .trend = decision.trend,
                        .candidates = {},
                        .chosen = 0,
                        .considered = static_cast<std::uint32_t>(decision.candidates.size()),
                        .shadows = {},
                        .masked = decision.masked};
  if (spec.constraints.deadline) {
    record.deadline_left_s = to_seconds(*spec.constraints.deadline - ctx.now);
  }
  const bool whole = state.decisions_recorded++ % state.settings.trace_every == 0;
  const auto order = chosen_few(decision, whole ? kWholeDecision : kBestCandidates);
  for (const auto i : order) {
    const auto& candidate = decision.candidates[i];
    record.candidates.push_back({.node = state.node_names.at(candidate.node.value),
                                 .variant = state.variant_names.at(candidate.variant.value).variant,
                                 .prediction = candidate.prediction,
                                 .normalised = candidate.normalised,
                                 .score = decision.scores[i],
                                 .facts = scheduler::facts_of(state.fleet, candidate)});
  }
  for (std::size_t i = 0; i < decision.shadows.size(); ++i) {
    DecisionShadow shadow{.policy = state.policies.shadows[i].ref, .chosen = {}};
    if (const auto chosen = decision.shadows[i].chosen) {
      shadow.chosen = static_cast<std::uint32_t>(std::ranges::find(order, *chosen) - order.begin());
    }
    record.shadows.push_back(std::move(shadow));
  }
  return record;
}

}  // namespace skerry::core
