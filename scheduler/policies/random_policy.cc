// Random: every candidate is as likely as any other, whatever the preference.

#include "scheduler/policies/heuristics.h"

namespace skerry::scheduler {

namespace {

class RandomPolicy : public Policy {
 public:
  std::string_view name() const override { return "random"; }
  std::string_view version() const override { return "1"; }

  Status rank(const RankInput& input, std::span<double> scores) override {
    for (double& score : scores) {
      score = input.random.uniform();
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<Policy> make_random_policy() { return std::make_unique<RandomPolicy>(); }

}  // namespace skerry::scheduler
