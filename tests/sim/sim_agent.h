// sim_agent.h: an agent as the controller sees it: connects, says hello, runs attempts for a drawn
// time, reports, forgets everything when it crashes, and keeps what it has when only its stream
// breaks.
//
// What an attempt does is written in its input (Clients draws it): "ok", "bad" (the model refuses),
// "poison" (the runner crashes), "slow". A stream is one session: in order, with drawn delays; when
// it breaks, both ends learn of it at different times and everything in flight is lost.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/core/core.h"
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
  // From the controller, on a session of ours or not.
  void command(SessionId session, const core::AgentCommand& command, std::uint64_t life);
  bool owns(SessionId session) const { return session == session_; }
  void controller_died();

  // After healing: everything was delivered and forgotten.
  std::vector<std::string> leftovers() const;

 private:
  struct Work {
    core::AssignAttempt assign;
    Duration took{};
    bool running = false;
  };

  // One direction of a stream: in order, each message at its time or later.
  struct Pipe {
    std::deque<std::pair<Instant, std::function<void()>>> messages;
    Instant last{};
  };

  void put(Pipe& pipe, std::function<void()> deliver);
  void pump(Pipe& pipe);
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
  Pipe to_controller_;
  Pipe to_agent_;
  std::map<AttemptUid, Work> work_;
  std::deque<AttemptUid> queue_;
  std::uint32_t running_ = 0;
  std::map<AttemptUid, core::AttemptEnded> spool_;
  std::deque<AttemptUid> spool_order_;
  std::set<core::LoadedVariant> resident_;
};

}  // namespace skerry::sim
