#include "scheduler/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "common/check.h"

namespace skerry::scheduler {

namespace {

bool all_finite(std::span<const double> scores) {
  for (const double score : scores) {
    if (!std::isfinite(score)) {
      return false;
    }
  }
  return true;
}

TrendSample sample_of(const TaskView& task, const Fleet& fleet, const Decision& decision) {
  TrendSample sample{.now_s = to_seconds(task.now.time_since_epoch()),
                     .slots = std::max(fleet.ready_slots(), 1.0),
                     .range_s = decision.scale.nadir.latency_s - decision.scale.ideal.latency_s,
                     .preference = task.preference,
                     .deadline_left_s = {}};
  for (const Candidate& candidate : decision.candidates) {
    sample.add_candidate(candidate.prediction.service_s);
  }
  if (task.constraints->deadline) {
    sample.deadline_left_s = to_seconds(*task.constraints->deadline - task.now);
  }
  return sample;
}

}  // namespace

std::size_t best_of(std::span<const Candidate> candidates, std::span<const double> scores) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    const bool better = scores[i] < scores[best];
    if (better ||
        (scores[i] == scores[best] &&
         dominates(candidates[i].prediction.objectives, candidates[best].prediction.objectives))) {
      best = i;
    }
  }
  return best;
}

Ranking::Ranking(std::unique_ptr<Policy> policy, Random random, Clock* stopwatch)
    : greedy_(make_heuristic("greedy")),
      random_(random),
      shadow_seed_(random),
      stopwatch_(stopwatch) {
  set_policy(std::move(policy));
}

void Ranking::set_policy(std::unique_ptr<Policy> policy, std::unique_ptr<Breaker> breaker) {
  check(policy != nullptr, "a ranking has a policy");
  policy_ = std::move(policy);
  breaker_ = std::move(breaker);
  greedy_active_ = policy_->name() == greedy_->name();
}

void Ranking::add_shadow(std::unique_ptr<Policy> policy, BreakerOptions options) {
  const Random random =
      shadow_seed_.fork(fmt::format("shadow {} {}", policy->name(), policy->version()));
  shadows_.push_back({std::move(policy), random, Breaker(options)});
}

void Ranking::remove_shadow(std::size_t index) {
  check(index < shadows_.size(), "there is such a shadow");
  shadows_.erase(shadows_.begin() + static_cast<std::ptrdiff_t>(index));
}

void Ranking::decide(const TaskView& task, const Fleet& fleet, Decision& decision) {
  const std::size_t count = decision.candidates.size();
  decision.costs.assign(count, 0);
  decision.scores.assign(count, 0);
  trend_.observe(sample_of(task, fleet, decision));
  decision.trend = trend_.trend();
  const RankInput input{task, fleet, decision.scale, decision.trend, decision.candidates, random_};
  check(greedy_->rank(input, decision.costs).has_value(), "greedy ranks every candidate");
  decision.greedy = best_of(decision.candidates, decision.costs);
  why_.clear();
  if (!greedy_active_ && rank_within(breaker_.get(), *policy_, input, decision.scores)) {
    decision.policy = policy_->name();
    decision.policy_version = policy_->version();
    decision.chosen = best_of(decision.candidates, decision.scores);
  } else {
    decide_by_greedy(decision);
  }
  ask_shadows(task, fleet, decision);
  const Prediction& chosen = decision.candidates[*decision.chosen].prediction;
  trend_.take(chosen.load_s + chosen.service_s);
}

void Ranking::decide_by_greedy(Decision& decision) {
  decision.policy = greedy_->name();
  decision.policy_version = greedy_->version();
  decision.fallback_reason = why_;
  decision.scores = decision.costs;
  decision.chosen = decision.greedy;
}

bool Ranking::rank_within(Breaker* breaker, Policy& policy, const RankInput& input,
                          std::span<double> scores) {
  const Instant now = input.task.now;
  if (breaker != nullptr && !breaker->asks(now)) {
    why_ = breaker->reason();
    return false;
  }
  const Instant before = breaker != nullptr && stopwatch_ != nullptr ? stopwatch_->now() : now;
  const std::optional<Fault> fault = rank(policy, input, scores);
  if (breaker == nullptr) {
    return !fault;
  }
  if (fault) {
    breaker->refused(*fault, why_, now);
    return false;
  }
  breaker->answered(stopwatch_ != nullptr ? stopwatch_->now() - before : Duration(0), now);
  return true;
}

std::optional<Fault> Ranking::rank(Policy& policy, const RankInput& input,
                                   std::span<double> scores) {
  try {
    const Status status = policy.rank(input, scores);
    if (!status) {
      why_ = fmt::format("policy {} failed: {}", policy.name(), status.error().message);
      return status.error().code == ErrorCode::kUnsupported ? Fault::kOutOfRange : Fault::kFailed;
    }
  } catch (const std::exception& e) {
    why_ = fmt::format("policy {} threw: {}", policy.name(), e.what());
    return Fault::kFailed;
  } catch (...) {
    why_ = fmt::format("policy {} threw", policy.name());
    return Fault::kFailed;
  }
  if (!all_finite(scores)) {
    why_ = fmt::format("policy {} gave a score that is not a finite number", policy.name());
    return Fault::kNotFinite;
  }
  return std::nullopt;
}

void Ranking::ask_shadows(const TaskView& task, const Fleet& fleet, Decision& decision) {
  decision.shadows.assign(shadows_.size(), ShadowChoice{});
  for (std::size_t i = 0; i < shadows_.size(); ++i) {
    Shadow& shadow = shadows_[i];
    shadow_scores_.assign(decision.candidates.size(), 0);
    const RankInput input{task,         fleet, decision.scale, decision.trend, decision.candidates,
                          shadow.random};
    if (rank_within(&shadow.breaker, *shadow.policy, input, shadow_scores_)) {
      decision.shadows[i].chosen = best_of(decision.candidates, shadow_scores_);
    }
  }
}

}  // namespace skerry::scheduler
