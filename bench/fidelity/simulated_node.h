// simulated_node.h: a node and its agent as the controller's core sees them, of the simulator's
// physics: transfer, then a slot in the order of arrival, loading what is not loaded, the forward.
//
// Nothing fails here: tests/sim is for that. What it takes is the context's truth, so that the core
// and the simulator differ only in what the core does and knows.

#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/fidelity/played.h"
#include "common/random.h"
#include "controller/core/effects.h"
#include "controller/core/events.h"
#include "rl/fleet/context.h"
#include "rl/fleet/tape.h"
#include "tests/sim/timeline.h"

namespace skerry::fidelity {

std::string model_name(std::size_t model);
std::string variant_name(std::size_t variant);  // of all models

class SimulatedNode {
 public:
  using Tell = std::function<void(core::Event)>;  // the core, at once
  using TaskOf = std::function<const rl::fleet::Task&(const core::AttemptRef&)>;

  SimulatedNode(const rl::fleet::Context& context, const CoreRun& run, std::size_t number,
                sim::Timeline& timeline, Tell tell, TaskOf task_of);

  SessionId session() const { return {number_ + 1}; }
  void connect();
  void beat();                                      // a heartbeat now
  void command(const core::AgentCommand& command);  // the core sends it now
  double spent_j() const { return spent_j_; }       // on attempts that have ended

 private:
  struct Work {
    core::AssignAttempt assign;
    std::size_t variant = 0;
    Instant arrived{};
    Instant started{};
    Duration load{};
    bool running = false;
    bool cancelled = false;
  };
  struct Loaded {
    Instant ready{};
    Instant used{};
  };

  void receive(const core::AgentCommand& command);
  void run_next();
  void start(Work& work);
  void cancel(AttemptUid uid);
  void finish(AttemptUid uid);
  Duration load(std::size_t variant);
  void end(const Work& work, core::AttemptOutcome outcome);
  void say(core::Event event);  // half a round trip later
  std::vector<core::LoadedVariant> resident() const;
  const rl::fleet::Node& node() const { return context_.nodes[number_]; }

  const rl::fleet::Context& context_;
  const CoreRun& run_;
  std::size_t number_;
  Random slow_;  // which attempts are
  double spent_j_ = 0;
  sim::Timeline& timeline_;
  Tell tell_;
  TaskOf task_of_;
  std::map<AttemptUid, Work> work_;
  std::deque<AttemptUid> queue_;
  std::size_t running_ = 0;
  std::size_t ended_processes_ = 0;  // of as many as there are slots, each with what it had loaded
  std::map<std::size_t, Loaded> loaded_;  // by variant
  std::map<std::string, std::uint64_t> revisions_;
};

}  // namespace skerry::fidelity
