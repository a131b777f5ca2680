// sim_agent.h: an agent as the controller sees it: connects, says hello, runs attempts for a drawn
// time, reports, forgets everything when it crashes, and keeps what it has when only its stream
// breaks.
//
// What an attempt does is written in its input (Clients draws it): "ok", "bad" (the model refuses),
// "poison" (the runner crashes), "slow".
//
// Its streams (stream.h) lose what is under way when they break, in both directions; after the next
// hello it says its results again, until they are acknowledged.
//
// Sequences: the agent holds a state per variant and sequence, the ids of the tasks that ran on it,
// and loses it as a runner does: when a run crashes, is ended by a cancellation, or out of nowhere.
// What each attempt found goes to World::saw, where the tests compare it with what clients were
// told.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/core/core.h"
#include "tests/sim/sequence_states.h"
#include "tests/sim/stream.h"
#include "tests/sim/world.h"

namespace skerry::sim {

class SimAgent {
 public:
  SimAgent(World& world, std::string name, std::string site, scheduler::Tier tier, Random random);

  const std::string& name() const { return spec_.name; }
  void start();               // connects when it can
  void crash(Duration down);  // loses everything
  void break_stream();        // as a network does
  void partition(Duration time);
  void pause(Duration time);                 // hears and says nothing, and then goes on
  void clog(Duration delay, Duration time);  // its stream gets slow
  bool owns(SessionId session) const { return session == session_; }
  void command(const core::AgentCommand& command);  // on the session that it owns
  void controller_died();

  // After healing: everything was delivered and forgotten.
  std::vector<std::string> leftovers() const;

 private:
  struct Work {
    core::AssignAttempt assign;
    Duration took{};
    bool running = false;
  };

  using StreamPtr = std::shared_ptr<Stream>;

  void agent_notices(const StreamPtr& stream);
  void controller_notices(const StreamPtr& stream);
  void connect();
  void reconnect_later();
  void hello();
  void send(core::Event event);
  void receive(const core::AgentCommand& command);
  void handle(const core::WelcomeAgent& command);
  void handle(const core::RefuseAgent& command);
  void handle(const core::AckHeartbeat&) {}
  void handle(const core::AssignAttempt& command);
  void handle(const core::CancelAttempt& command);
  void handle(const core::AckResult& command);
  void handle(const core::ProbeVariant& command);
  void handle(const core::SetNodeMode& command);
  void heartbeat();
  void finish_probe(const core::ProbeVariant& command);
  void run_next();
  void finish(AttemptUid uid, std::uint64_t incarnation);
  core::AttemptEnded outcome_of(const Work& work);
  void spool(core::AttemptEnded ended);
  bool begin_sequence(const Work& work);
  Duration network_delay();
  bool reachable() const;

  World& world_;
  Random random_;
  scheduler::NodeSpec spec_;
  std::uint32_t capacity_;
  std::uint64_t incarnation_ = 0;
  bool up_ = false;
  bool draining_ = false;
  bool connecting_ = false;
  SessionId session_;  // 0 = none that we know of
  bool welcomed_ = false;
  Instant partitioned_until_{};
  Instant paused_until_{};
  Instant clogged_until_{};
  Duration clog_delay_{};
  StreamPtr stream_;  // of session_
  std::map<AttemptUid, Work> work_;
  std::deque<AttemptUid> queue_;
  std::uint32_t running_ = 0;
  std::map<AttemptUid, core::AttemptEnded> spool_;
  std::deque<AttemptUid> spool_order_;
  std::set<core::LoadedVariant> resident_;
  SequenceStates states_;
};

}  // namespace skerry::sim
