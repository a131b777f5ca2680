// tune.h: finds the parameters of a heuristic for one fleet, on seeds of its own.
//
// One parameter: the best of a grid. Several: the cross-entropy method (rl/problem/tuning.h). All
// candidates meet the same episodes. Deterministic.

#pragma once

#include <memory>
#include <vector>

#include "rl/fleet/evaluate.h"
#include "rl/problem/tuning.h"

namespace skerry::rl::fleet {

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
  RunOptions run{.seed = 4242, .episodes = 1};
  std::size_t rounds = 6;
  std::size_t population = 24;
};

// Every heuristic (make_baseline(), "externality", "linear"), tuned; best first.
std::vector<Tuned> tune_all(const Context& context, const TuneOptions& options);

}  // namespace skerry::rl::fleet
