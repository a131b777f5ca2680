// problem.h: the dispatch problem as something to train on.
//
// Figures are paired changes of the mean cost against exact greedy, in percent, on a few contexts.

#pragma once

#include <vector>

#include "rl/gmorl/collect.h"
#include "rl/problem/problem.h"
#include "rl/problem/transitions.h"

namespace skerry::rl::gmorl {

struct ProblemOptions {
  CollectOptions collect;
  std::size_t probe_episodes = 200;  // of 100 steps; a tenth as many of 1000
  std::uint64_t probe_seed = 77;
};

class GmorlProblem final : public Problem, public Playable {
 public:
  explicit GmorlProblem(ProblemOptions options);

  LabelShape shape() const override { return kLabelShape; }
  Labels collect(const Mlp& network, std::uint64_t seed) const override;
  LabelShape play_shape() const override;
  Transitions play(const Mlp& actor, double temperature, std::uint64_t seed) const override;
  std::vector<std::string> figures() const override;
  Figure probe(const Mlp& network, std::size_t figure) const override;

 private:
  struct Probe {
    std::string name;
    Context context;
    double lambda = 0;
    std::size_t episodes = 0;
  };
  double mean_cost(const Probe& probe, DispatchPolicy& policy) const;

  ProblemOptions options_;
  std::vector<Probe> probes_;
};

}  // namespace skerry::rl::gmorl
