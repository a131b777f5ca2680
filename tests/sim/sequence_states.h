// sequence_states.h: what the runners of one simulated agent hold of sequences: per variant and
// sequence, the ids of the tasks that ran on its state.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/core/effects.h"

namespace skerry::sim {

class SequenceStates {
 public:
  // What the task finds, a fresh state if it begins its sequence; nullptr if it was to continue
  // what is not here. Only for tasks of a sequence.
  const std::vector<JobId>* begin(const core::AssignAttempt& assign) {
    const std::string name = name_of(assign);
    if (assign.sequence_step == core::SequenceStep::kBegins) {
      states_[name].clear();
    }
    const auto it = states_.find(name);
    return it == states_.end() ? nullptr : &it->second;
  }
  // The run ended, by itself or with its runner.
  void end(const core::AssignAttempt& assign, bool runner_lives) {
    if (!runner_lives) {
      states_.erase(name_of(assign));
    } else if (const auto it = states_.find(name_of(assign)); it != states_.end()) {
      it->second.push_back(assign.attempt.job);
    }
  }
  void lose_one() {
    if (!states_.empty()) {
      states_.erase(states_.begin());
    }
  }
  void lose_all() { states_.clear(); }
  bool empty() const { return states_.empty(); }

 private:
  static std::string name_of(const core::AssignAttempt& assign) {
    return assign.variant + ' ' + assign.sequence;
  }

  std::map<std::string, std::vector<JobId>> states_;
};

}  // namespace skerry::sim
