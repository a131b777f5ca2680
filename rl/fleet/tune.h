// tune.h: finds the parameters of a heuristic for one fleet, on seeds of its own.
//
// One parameter: the best of a grid. Several: the cross-entropy method (Rubinstein 1999): draw, keep
// the best fifth, draw again around them. All candidates meet the same episodes. Deterministic.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rl/fleet/evaluate.h"

namespace skerry::rl::fleet {

struct Tuned {
  std::string name;  // of make_baseline(), "externality" or "linear"
  std::vector<double> parameters;
  double cost = 0;  // mean cost of a task on the tuning seeds
};

// A heuristic and what it needs to live.
class TunedPolicy {
 public:
  explicit TunedPolicy(const Tuned& tuned);
  Pricer& pricer() { return *pricer_; }

 private:
  std::unique_ptr<Mlp> network_;
  std::unique_ptr<Pricer> pricer_;
};

struct TuneOptions {
  RunOptions run{.seed = 4242, .episodes = 3};
  std::size_t rounds = 6;
  std::size_t population = 24;
};

// Every heuristic, tuned; best first.
std::vector<Tuned> tune_all(const Context& context, const TuneOptions& options);

}  // namespace skerry::rl::fleet
