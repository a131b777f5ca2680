// tune.h: finds the parameters of a baseline for one context and preference, on seeds of its own.
//
// One parameter: the best of a grid, then of a finer grid around it. Several: the cross-entropy
// method (rl/problem/tuning.h). All candidates meet the same episodes. Deterministic.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rl/gmorl/evaluate.h"
#include "rl/problem/tuning.h"

namespace skerry::rl::gmorl {

struct TuneOptions {
  std::uint64_t seed = 4242;
  std::size_t episodes = 200;  // of 100 steps; fewer of longer ones
  std::size_t threads = 1;
  std::size_t rounds = 12;        // of the cross-entropy method
  std::size_t population = 40;    // in each
  std::vector<std::string> only;  // the baselines to tune; empty: all
};

std::unique_ptr<DispatchPolicy> make_tuned(const Tuned& tuned, const Context& context,
                                           double lambda);

// Every baseline that is wanted, and always greedy, tuned. Best first.
std::vector<Tuned> tune_all(const Context& context, double lambda, const TuneOptions& options);

}  // namespace skerry::rl::gmorl
