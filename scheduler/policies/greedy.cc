// Greedy: the smallest weighted sum of the normalised objectives, as predicted. The default, and
// the breaker's fallback.

#include "scheduler/policies/heuristics.h"

namespace skerry::scheduler {

namespace {

class Greedy : public Policy {
 public:
  std::string_view name() const override { return "greedy"; }
  std::string_view version() const override { return "1"; }

  Status rank(const RankInput& input, std::span<double> scores) override {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = weighted_sum(input.task.preference, input.candidates[i].normalised);
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<Policy> make_greedy() { return std::make_unique<Greedy>(); }

}  // namespace skerry::scheduler
