// Round robin: the candidate node with the next larger id than the last one chosen, then from the
// smallest again. The preference chooses the variant. The shortlist's rotation makes sure that the
// next node is among the candidates.

#include "scheduler/policies/heuristics.h"

namespace skerry::scheduler {

namespace {

class RoundRobin : public Policy {
 public:
  std::string_view name() const override { return "round-robin"; }
  std::string_view version() const override { return "1"; }

  Status rank(const RankInput& input, std::span<double> scores) override {
    // Ids are 32 bits wide: both rounds fit a double exactly, with room for the share below 1.
    constexpr double kRound = 4294967296.0;
    std::size_t best = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const Candidate& candidate = input.candidates[i];
      const bool next_round = last_ && candidate.node <= *last_;
      scores[i] = candidate.node.value + (next_round ? kRound : 0) +
                  preference_share(input.task, candidate);
      best = scores[i] < scores[best] ? i : best;
    }
    last_ = input.candidates[best].node;
    return {};
  }

 private:
  std::optional<NodeId> last_;
};

}  // namespace

std::unique_ptr<Policy> make_round_robin() { return std::make_unique<RoundRobin>(); }

}  // namespace skerry::scheduler
