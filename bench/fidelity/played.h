// played.h: what a list of tasks took where it was played: in the simulator of rl/, in the controller's
// core with simulated nodes.

#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "rl/bundle/bundle.h"
#include "rl/fleet/context.h"
#include "rl/fleet/tape.h"
#include "scheduler/objectives.h"

namespace skerry::fidelity {

// A heuristic by name, or a bundle.
struct PolicyUnderTest {
  std::string name;
  std::string bundle_text;  // empty: a heuristic
  std::optional<rl::Bundle> bundle;
};

// What was predicted of attempts and what they took, by objective; sums.
struct Predictions {
  std::size_t attempts = 0;
  std::array<double, scheduler::kObjectives> predicted{};
  std::array<double, scheduler::kObjectives> actual{};
  std::array<double, scheduler::kObjectives> apart{};  // of |predicted - actual|

  void add(const scheduler::Objectives& prediction, const scheduler::Objectives& outcome);
};

// How the core is played, beside the tasks.
struct CoreRun {
  bool interactive = false;  // the tasks
  bool hedging = false;
  // So many of the attempts take so many times as long, whatever the task.
  double slow_share = 0;
  double slow_factor = 10;
  // A run that is cancelled goes on for so long, and if it has not ended then its process is ended, and
  // another has to load the variant; 0 = it ends at once, and costs nothing.
  double cancel_grace_s = 0;
};

struct Played {
  std::size_t tasks = 0;
  std::size_t missed = 0;  // deadlines
  double cost = 0;         // sum; scaled and weighed as rl::fleet::World counts it
  scheduler::Objectives sums;
  Predictions predictions;  // of the core only: the simulator's own truth is no news
  // Of the core only.
  std::vector<double> latencies_s;  // of the tasks, in the order in which they ended
  double spent_j = 0;               // by all attempts, those in vain too
  std::size_t hedges = 0;
  std::size_t hedges_won = 0;
};

// Both are deterministic. The context has neither outages nor changing links.
Played play_in_simulator(const rl::fleet::Context& context,
                         const std::vector<rl::fleet::Task>& tasks, const PolicyUnderTest& policy);
Played play_in_core(const rl::fleet::Context& context, const std::vector<rl::fleet::Task>& tasks,
                    const PolicyUnderTest& policy, const CoreRun& run = {});

}  // namespace skerry::fidelity
