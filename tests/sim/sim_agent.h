// sim_agent.h: a node: the real agent (agent/agent.h) with its real journal, on a simulated disk, engine,
// network and clock.
//
// A process that is killed loses everything but its files; a machine that goes down loses of these
// what was not synced. What an agent had accepted and what it has not delivered it takes up again.
// Streams (stream.h) lose what is under way when they break. The clock of each of its lives is off
// by as much as the machine's was set wrong, and may run fast or slow.
//
// Each fault says to the world's log that it acts on this node, and for how long.
//
// Held by the world; its callbacks name the life that they are about.

#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/log_journal.h"
#include "tests/sim/fault_log.h"
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
  bool left() const { return left_; }
  void start();  // the process
  enum class Crash : std::uint8_t { kProcess, kMachine };
  void crash(Crash kind, Duration down);
  void storm(int times);     // is killed as soon as it is up again
  void stop(Duration down);  // as an operator does, with a SIGTERM
  void leave();              // its machine goes down for good
  void break_stream();       // as a network does
  void lose_next_ack();      // the stream breaks under it
  void delay_messages_beyond_the_stream(Duration time);
  enum class Cut : std::uint8_t { kBoth, kToController, kToAgent };
  void partition(Cut which, Duration time);
  void pause(Duration time);                      // hears and says nothing, and then goes on
  void slow_down(Duration delay, Duration time);  // its messages
  void clog(Duration time);                       // its stream takes nothing more
  void fill_disk(Duration time);
  void fail_write();   // the next one
  void fail_sync();    // the next one
  void damage_disk();  // a bit of its journal flips; noticed at the next start
  bool owns(SessionId session) const { return stream_ && session == stream_->session(); }
  void command(const core::AgentCommand& command);  // on the session that it owns
  void controller_died();
  void faults_end();

  // After healing: everything was delivered and forgotten, and the core counts of it what is true.
  std::vector<std::string> leftovers() const;

 private:
  // One life of the process.
  struct Life;
  using StreamPtr = std::shared_ptr<Stream>;

  // The agent's link.
  void connect(agent::ConnectionId id);
  void write(agent::ConnectionId id, std::vector<agent::Outgoing> frame);
  void close(agent::ConnectionId id, bool flush);
  // Its transfers of large inputs and results.
  friend struct SimBlobs;
  void download(agent::BlobTicket ticket, std::string digest, Instant give_up);
  void upload(agent::BlobTicket ticket, std::shared_ptr<const std::string> bytes);

  template <typename Event>
  void step(Event event);  // an event of the agent, at its own time
  // Later in this life of the process, and not while it is paused.
  void later(Duration delay, std::function<void()> action);
  void arm();
  void say_frame(const StreamPtr& stream, agent::ConnectionId id,
                 std::vector<agent::Outgoing> frame);
  void set_clock();
  void end_life(Crash kind, Duration down);
  void agent_notices(StreamPtr stream);
  void agent_lost(StreamPtr stream);
  void controller_notices(StreamPtr stream, bool goodbye = false);
  void break_at_both_ends(StreamPtr stream);
  void say(const StreamPtr& stream, agent::ToController message);
  bool reachable() const;
  Duration network_delay();
  Instant local_now() const;
  Instant world_time(Instant local) const;  // when it is that late here
  void felt(Fault fault, Duration time = {}) const;
  std::vector<std::string> miscounts() const;

  World& world_;
  Random random_;
  agent::AgentOptions options_;
  double rtt_s_;
  SimDisk disk_;
  std::uint64_t lives_ = 0;  // of the process
  Epoch newest_epoch_;       // in its state file
  Duration clock_off_{};
  double clock_drift_ = 0;  // seconds gained in a second
  Instant started_;
  std::unique_ptr<Life> life_;
  Instant timer_at_ = kNever;
  Instant up_cut_until_{};    // nothing gets to the controller
  Instant down_cut_until_{};  // nothing gets here
  Instant paused_until_{};
  Instant clogged_until_{};
  Instant slow_until_{};
  Duration slow_by_{};
  bool lose_next_ack_ = false;
  std::optional<Duration> stopping_;  // and then it is down for so long
  StreamPtr stream_;                  // the newest, until the agent notices that it broke
  agent::ConnectionId connection_ = 0;
  std::deque<Instant> heartbeats_;  // on stream_, not echoed yet
  bool faults_over_ = false;
  bool left_ = false;
  bool damaged_ = false;  // a bit of the journal has flipped in this life
  // What the journal held when its process was killed, all of it written.
  struct Held {
    std::vector<agent::AttemptRef> accepted, spooled;
    bool operator==(const Held&) const = default;
  };
  std::optional<Held> held_;
};

}  // namespace skerry::sim
