// sim_agent.h: a node: the real agent (agent/agent.h) with its real journal, on a simulated disk, engine,
// network and clock.
//
// A process that is killed loses everything but its files; a machine that goes down loses of these
// what was not synced. What an agent had accepted and what it has not delivered it takes up again.
// Streams (stream.h) lose what is under way when they break. The clock of each of its lives is off
// by as much as the machine's was set wrong.
//
// Held by the world; its callbacks name the life that they are about.

#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/log_journal.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_engine.h"
#include "tests/sim/stream.h"
#include "tests/sim/world.h"

namespace skerry::sim {

class SimAgent {
 public:
  SimAgent(World& world, std::string name, std::string site, scheduler::Tier tier, Random random);
  ~SimAgent();

  const std::string& name() const { return options_.node_name; }
  const std::string& site() const { return options_.capabilities.site; }
  void start();  // the process
  enum class Crash : std::uint8_t { kProcess, kMachine };
  void crash(Crash kind, Duration down);
  void stop(Duration down);  // as an operator does, with a SIGTERM
  void leave();              // its machine goes down for good
  void break_stream();       // as a network does
  void partition(Duration time);
  void pause(Duration time);                 // hears and says nothing, and then goes on
  void clog(Duration delay, Duration time);  // its stream gets slow
  void fill_disk(Duration time);
  void fail_disk();    // the next write
  void damage_disk();  // a bit of its journal flips; noticed at the next start
  bool owns(SessionId session) const { return stream_ && session == stream_->session(); }
  void command(const core::AgentCommand& command);  // on the session that it owns
  void controller_died();
  void faults_end();

  // After healing: everything was delivered and forgotten.
  std::vector<std::string> leftovers() const;

 private:
  // One life of the process.
  struct Life;
  using StreamPtr = std::shared_ptr<Stream>;

  // The agent's link.
  void connect(agent::ConnectionId id);
  void write(agent::ConnectionId id, std::vector<agent::Outgoing> frame);
  void close(agent::ConnectionId id, bool flush);

  template <typename Event>
  void step(Event event);  // an event of the agent, at its own time
  void arm();
  void agent_notices(StreamPtr stream);
  void controller_notices(StreamPtr stream, bool goodbye = false);
  void break_at_both_ends(StreamPtr stream);
  void say(const StreamPtr& stream, agent::ToController message);
  bool reachable() const;
  Duration network_delay();
  Instant local_now() const;
  void end_life(Duration down);

  World& world_;
  Random random_;
  agent::AgentOptions options_;
  double rtt_s_;
  SimDisk disk_;
  std::uint64_t lives_ = 0;  // of the process
  Epoch newest_epoch_;       // in its state file
  Duration clock_off_{};
  std::unique_ptr<Life> life_;
  Instant timer_at_ = kNever;
  Instant partitioned_until_{};
  Instant paused_until_{};
  Instant clogged_until_{};
  Duration clog_delay_{};
  StreamPtr stream_;  // the newest, until the agent notices that it broke
  agent::ConnectionId connection_ = 0;
  std::deque<Instant> heartbeats_;  // on stream_, not echoed yet
  bool faults_over_ = false;
  bool left_ = false;
  std::optional<Duration> stopping_;  // and then it is down for so long
  bool damaged_ = false;              // a bit of the journal has flipped in this life
  // What the journal held when its process was killed, all of it written.
  struct Held {
    std::vector<agent::AttemptRef> accepted, spooled;
    bool operator==(const Held&) const = default;
  };
  std::optional<Held> held_;
};

}  // namespace skerry::sim
