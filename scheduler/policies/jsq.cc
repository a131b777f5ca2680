// Join the shortest queue: the node with the fewest outstanding attempts per slot. The preference
// chooses among nodes with equal queues, and the variant.

#include "scheduler/policies/heuristics.h"

namespace skerry::scheduler {

namespace {

// Less than the smallest difference of two queues, on nodes of up to a thousand slots.
constexpr double kBelowQueues = 1e-6;

class JoinShortestQueue : public Policy {
 public:
  std::string_view name() const override { return "jsq"; }
  std::string_view version() const override { return "1"; }

  Status rank(const RankInput& input, std::span<double> scores) override {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const Candidate& candidate = input.candidates[i];
      const double slots = std::max<double>(input.fleet.node(candidate.node).slots, 1);
      scores[i] = input.fleet.load(candidate.node).outstanding / slots +
                  kBelowQueues * preference_share(input.task, candidate);
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<Policy> make_jsq() { return std::make_unique<JoinShortestQueue>(); }

}  // namespace skerry::scheduler
