// problem.h: Skerry's own problem as something to train on.
//
// Figures are changes of the mean cost of a task against the product's greedy, in percent, averaged
// over a few fleets that are not trained on.

#pragma once

#include <vector>

#include "rl/fleet/collect.h"
#include "rl/problem/problem.h"
#include "rl/problem/trials.h"

namespace skerry::rl::fleet {

struct ProblemOptions {
  CollectOptions collect;
  // What the controller may meet, and somewhat more.
  Draw draw{.most_nodes = 14, .most_load = 1.25, .stretch = 1.2};
  std::size_t probe_fleets = 6;  // a figure
  std::uint64_t probe_seed = 77;
};

class FleetProblem final : public Problem, public Episodic {
 public:
  explicit FleetProblem(ProblemOptions options);

  LabelShape shape() const override { return kLabelShape; }
  Labels collect(const Mlp& network, std::uint64_t seed) const override;
  LabelShape trial_shape() const override { return kLabelShape; }
  std::size_t shared_features() const override { return kDecisionFeatures; }
  Trial play_shifted(const Mlp& network, std::span<const float> shift,
                     std::uint64_t seed) const override;
  std::vector<std::string> figures() const override;
  Figure probe(const Mlp& network, std::size_t figure) const override;

 private:
  struct Probe {
    std::string name;
    std::vector<Context> contexts;
  };

  ProblemOptions options_;
  std::vector<Probe> probes_;
};

}  // namespace skerry::rl::fleet
