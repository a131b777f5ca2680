// world.h: a whole cluster in one process and one thread, with simulated time, network, disks and
// crashes, all from one seed.
//
// Real: the core, the scheduler inside it, the outbox; the agents' sessions, executors and journals.
// Simulated: the store's syncs (sim_store.h), the agents' disks, engines and clocks (sim_agent.h),
// the streams between the two (in order, delayed, broken at either end first), clients (client.h). A
// seed yields the same history, bit for bit; its hash is compared by the runner.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "controller/core/core.h"
#include "controller/core/outbox.h"
#include "tests/sim/assignments.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/timeline.h"
#include "tests/sim/wild_policies.h"

namespace skerry::sim {

class SimAgent;
class Clients;

// Rare paths that a set of seeds must have reached for its silence to mean something.
struct Probes {
  std::uint64_t controller_crashes = 0;
  std::uint64_t agent_crashes = 0;
  std::uint64_t streams_broken = 0;
  std::uint64_t batches_lost = 0;
  std::uint64_t late_results_refused = 0;
  std::uint64_t results_sent_again = 0;
  std::uint64_t attempts_adopted = 0;
  std::uint64_t hedged = 0;  // two live attempts at once
  std::uint64_t hedges_won = 0;
  std::uint64_t hedges_lost = 0;
  std::uint64_t hedges_failed = 0;
  std::uint64_t hedges_dropped = 0;
  std::uint64_t brakes = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t expired = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t replayed = 0;
  std::uint64_t sequences_lost = 0;
  std::uint64_t sequences_continued = 0;  // a task succeeded on what earlier ones had left
  std::uint64_t continuations_refused = 0;
  std::uint64_t commands_lost = 0;         // sent into, or under way in, a stream that broke
  std::uint64_t reports_lost = 0;          // likewise
  std::uint64_t commands_after_break = 0;  // arrived though the controller had closed the stream
  std::uint64_t reports_after_break = 0;   // arrived though the agent had
  std::uint64_t probed_again = 0;
  std::uint64_t policies_swapped = 0;
  std::uint64_t breaker_trips = 0;
  std::uint64_t breaker_closes = 0;
  std::uint64_t agents_stopped = 0;  // by themselves, as they were asked to
  std::uint64_t agents_left = 0;     // for good
  std::uint64_t attempts_kept = 0;   // over a restart of their agent
  std::uint64_t results_kept = 0;
  std::uint64_t journals_cut = 0;  // not everything in the file was as it was written
  std::uint64_t bits_flipped = 0;
  std::uint64_t disks_full = 0;  // events at an agent while its disk was
  std::uint64_t disks_failed = 0;
};

struct Outcome {
  std::uint64_t seed = 0;
  std::uint64_t history_hash = 0;
  std::uint64_t events = 0;
  Duration virtual_time{};
  std::uint64_t jobs = 0;
  std::uint64_t succeeded = 0;
  std::vector<std::string> broken;  // empty = all is well
  Probes probes;
};

constexpr Duration kFaults = seconds(40);  // then everything heals

struct RunOptions {
  std::uint64_t seed = 1;
  bool print_history = false;
};

class World {
 public:
  explicit World(RunOptions options);
  ~World();
  Outcome run();

  // ---- for agents and clients
  Instant now() const { return timeline_.now(); }
  Probes& probes() { return outcome_.probes; }
  void after(Duration delay, std::function<void()> action) {
    timeline_.after(delay, std::move(action));
  }
  void note(std::string_view line);  // one line of history
  void broke(std::string rule);
  bool controller_up() const { return core_ != nullptr; }
  std::uint64_t controller_life() const { return life_; }
  void tell_core(core::Event event);  // at once; the controller must be up
  const core::Core& core() const { return *core_; }
  const SimStore& store() const { return store_; }
  // The stream's far end learns that it broke.
  void session_closed(SessionId session, bool goodbye);
  SessionId new_session() { return {++sessions_}; }

 private:
  void start_controller();
  void crash_controller();
  void carry_out(core::Effects effects);
  void release(core::Output output);
  void schedule_sync();
  void schedule_tick();
  void plan_faults();
  void plan_policies();
  void check_placement(const core::JobChanged& leased);
  void check_rules();
  void check_end();

  RunOptions options_;
  Random random_;
  Timeline timeline_;
  std::uint64_t life_ = 0;  // of the controller: actions of an earlier one are void
  std::uint64_t sessions_ = 0;
  WildPolicies policies_;
  std::unique_ptr<core::Core> core_;
  core::Outbox outbox_;
  Assignments assignments_;
  SimStore store_;
  bool syncing_ = false;
  bool crash_at_next_write_ = false;
  std::uint64_t durable_batches_ = 0;
  Instant tick_at_ = kNever;
  std::vector<std::unique_ptr<SimAgent>> agents_;
  std::unique_ptr<Clients> clients_;
  Outcome outcome_;
};

}  // namespace skerry::sim
