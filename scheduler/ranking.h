// ranking.h: chooses among the candidates of a decision: the active policy within its breaker,
// greedy in its place, and shadows beside it.
//
// A shadow ranks the same candidates without effect, with a stream of random numbers of its own, so
// that the decisions are the same with and without it. One that fails rests as an active one would.
//
// Deterministic but for the stopwatch, which only the breakers look at. Buffers are kept: a decision
// allocates nothing once they have grown.

#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "scheduler/breaker.h"
#include "scheduler/decision.h"

namespace skerry::scheduler {

// The smallest score. Among equal scores one that dominates the other wins; then the smaller node,
// then variant. There is at least one candidate.
std::size_t best_of(std::span<const Candidate> candidates, std::span<const double> scores);

class Ranking {
 public:
  // stopwatch: nullptr = nothing is ever slow.
  Ranking(std::unique_ptr<Policy> policy, Random random, Clock* stopwatch);

  // breaker: nullptr = the policy is asked in every decision, however often its answer is refused.
  void set_policy(std::unique_ptr<Policy> policy, std::unique_ptr<Breaker> breaker = nullptr);
  const Policy& policy() const { return *policy_; }
  Breaker* breaker() { return breaker_.get(); }
  const Breaker* breaker() const { return breaker_.get(); }

  // Shadows are numbered in order from 0; removing one moves those behind it up.
  void add_shadow(std::unique_ptr<Policy> policy, BreakerOptions options);
  void remove_shadow(std::size_t index);

  // The decision has candidates, and its scale; the rest is filled in.
  void decide(const TaskView& task, const Fleet& fleet, Decision& decision);

 private:
  struct Shadow {
    std::unique_ptr<Policy> policy;
    Random random;
    Breaker breaker;
  };

  // Scores the candidates. A fault, described in why_, if the answer cannot be used.
  std::optional<Fault> rank(Policy& policy, const RankInput& input, std::span<double> scores);
  // The same within a breaker; false if the policy was not asked, or its answer cannot be used.
  bool rank_within(Breaker* breaker, Policy& policy, const RankInput& input,
                   std::span<double> scores);
  void decide_by_greedy(Decision& decision);
  void ask_shadows(const TaskView& task, const Fleet& fleet, Decision& decision);

  TrendMeter trend_;
  std::unique_ptr<Policy> policy_;
  std::unique_ptr<Breaker> breaker_;
  std::unique_ptr<Policy> greedy_;
  bool greedy_active_ = false;  // the policy is greedy itself, and is not asked again
  Random random_;
  const Random shadow_seed_;
  Clock* stopwatch_;
  std::vector<Shadow> shadows_;
  std::vector<double> shadow_scores_;
  std::string why_;
};

}  // namespace skerry::scheduler
