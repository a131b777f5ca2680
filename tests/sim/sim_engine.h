// sim_engine.h: an engine whose runs take a drawn time and end as their input says.
//
// An input is "KIND #NUMBER" (client.h draws them): "ok", "bad" (the model refuses it), "poison" (the
// runner crashes), "slow", "giant" (the result is too large for its record). The output is "done", and for a task of a sequence also the numbers of the
// tasks whose state it found: "done found #3 #9". States are kept per variant and sequence, and lost as
// a runner loses them: when a run crashes or is aborted, or out of nowhere.

#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/engines/engine.h"
#include "common/random.h"
#include "tests/sim/fault_kinds.h"

namespace skerry::sim {

class SimEngine final : public agent::Engine {
 public:
  // continuations_refused counts what was to continue a state that is not here; felt is told of
  // what goes wrong for no reason of the task's.
  SimEngine(Random random, bool faults, std::uint64_t& continuations_refused,
            std::function<void(Fault)> felt)
      : random_(random),
        unlucky_(random_.chance(0.15) ? 8 : 1),
        faults_(faults),
        continuations_refused_(continuations_refused),
        felt_(std::move(felt)) {}

  void faults_end() { faults_ = false; }
  void lose_a_state();  // an idle runner dies

  std::string_view name() const override { return "torch"; }
  bool needs_artifact() const override { return false; }
  agent::Verdict admit(Instant now, const agent::Work& work) override;
  void start(Instant now, agent::RunToken token, agent::Work work) override;
  void abort(Instant now, agent::RunToken token) override;
  std::vector<agent::RunEnded> take_ended() override;
  std::vector<agent::VariantRef> resident() const override {
    return {resident_.begin(), resident_.end()};
  }
  void on_time(Instant now) override;
  Instant next_timer() const override;

 private:
  struct Run {
    Instant ends{};
    Duration load{};
    Duration service{};
    agent::Work work;
    std::vector<std::string> found;
  };

  static std::string state_of(const agent::Work& work) {
    return work.variant.variant + ' ' + work.sequence;
  }
  void end(agent::RunToken token, const Run& run);

  Random random_;
  const double unlucky_;  // how much more often than others
  bool faults_;
  std::map<agent::RunToken, Run> runs_;
  std::vector<agent::RunEnded> ended_;
  std::set<agent::VariantRef> resident_;
  std::map<std::string, std::vector<std::string>> states_;
  std::set<std::string> busy_states_;
  std::uint64_t& continuations_refused_;
  const std::function<void(Fault)> felt_;
};

}  // namespace skerry::sim
