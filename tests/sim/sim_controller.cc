// The controller's process in the simulated world: its starts and ends, its clock, what its store makes
// durable and what an end leaves there.
//
// As controller/store promises: a write or sync that fails ends the process; of what was not synced,
// recovery finds a beginning, cut where it is torn or damaged. Damage of what was synced is refused
// there, and such a controller does not start: that is shown elsewhere (store.damage).

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/client.h"
#include "tests/sim/sim_agent.h"

namespace skerry::sim {

void World::felt(Fault fault, Duration time) { fault_log_.on_everybody(fault, now() + time); }

void World::draw_settings() {
  Random random = random_.fork("settings");
  if (life_ > 1 && random.chance(0.6)) {
    return;  // as before
  }
  if (life_ > 1) {
    felt(Fault::kSettingsChange);
  }
  const auto between = [&](double low, double high) {
    return duration_from_seconds(random.uniform(low, high));
  };
  settings_ = {};
  settings_.policy =
      scheduler::heuristic_names()[random.below(scheduler::heuristic_names().size())];
  settings_.decisions_per_apply = random.chance(0.3) ? 2 : 256;
  settings_.hedging = random.chance(0.8);
  settings_.hedge_budget = random.uniform(0.05, 1);
  settings_.hedge_min_outcomes = 3;
  settings_.hedge_min_samples = 2;
  settings_.breaker.rest = seconds(1);
  settings_.breaker.trial_every = 2;
  settings_.breaker.good_trials = 4;
  if (random.chance(0.5)) {
    settings_.heartbeat = between(0.5, 2);
    settings_.suspect_after = 3 * settings_.heartbeat + between(0, 3);  // as a configuration may
    settings_.disconnected_after = settings_.suspect_after + between(0.1, 3);
    settings_.reconnect_grace = between(0.1, 3);
    settings_.recovery_grace = between(0.5, 10);
  }
  if (random.chance(0.5)) {
    settings_.brake_fraction = random.uniform(0.3, 0.9);
    settings_.brake_min_nodes = static_cast<std::uint32_t>(2 + random.below(5));
    settings_.brake_max = between(5, 60);
  }
  if (random.chance(0.5)) {
    settings_.max_infrastructure_retries = static_cast<std::uint32_t>(random.below(8));
    settings_.max_crashes = static_cast<std::uint32_t>(1 + random.below(3));
    settings_.backoff_base = between(0.05, 8);
    settings_.backoff_cap = between(0.5, 10);
    settings_.trip_time = between(1, 20);  // with that many crashes, it may trip several times
    settings_.max_open_jobs = 20 + random.below(200);
    settings_.trace_every = static_cast<std::uint32_t>(1 + random.below(16));
  }
}

// Set right or wrong before the process starts; in it, time is steady (common/time.h).
void World::draw_clock() {
  const Duration before = controller_off_;
  if (random_.chance(0.2)) {
    const bool right = before != Duration(0) && random_.chance(0.5);
    controller_off_ = right ? Duration(0) : duration_from_seconds(random_.uniform(-3600, 3600));
  }
  if (life_ > 1 && controller_off_ != before) {
    clock_jumped_ = true;
    felt(Fault::kControllerClockJump);
  }
}

void World::start_controller() {
  ++life_;
  draw_settings();
  draw_clock();
  core_ =
      std::make_unique<core::Core>(settings_, options_.seed + life_,
                                   core::CoreHelpers{.stopwatch = nullptr, .factory = &policies_});
  outbox_ = {};
  durable_batches_ = 0;
  tick_at_ = kNever;
  note(fmt::format("controller starts, life {}", life_));
  const core::StoredState stored = store_.stored();
  syncing_ = true;
  carry_out(core_->restore(stored, core_now()));
  syncing_ = false;
  for (auto& complaint : watch_.restarted(stored, *core_, now())) {
    broke(std::move(complaint));
  }
  store_.sync(store_.pending());  // the epoch is durable before anything else
  blobs_.controller_started(blobs_in_use());
  durable_batches_ = core_->batches_written();
  made_durable();
  schedule_tick();
  clients_->install_model();
}

// Everything in a process dies with it; of its files, what lose_tail() leaves.
void World::crash_controller(std::optional<Duration> down) {
  if (!core_) {
    return;
  }
  const Duration time = down.value_or(duration_from_seconds(random_.uniform(0.05, 3)));
  note("controller crashes");
  felt(Fault::kControllerCrash, time);
  ++outcome_.probes.controller_crashes;
  core_.reset();
  assignments_.clear();
  ++life_;
  lose_tail();
  syncing_ = false;
  dying_ = false;
  held_events_.clear();
  paused_until_ = {};
  for (auto& agent : agents_) {
    agent->controller_died();
  }
  clients_->controller_died();
  after(time, [this] {
    if (!core_) {
      start_controller();
    }
  });
}

// Of what was appended and not synced, a killed process leaves what the system had taken from it; a
// machine that went down less, and the last of it torn or garbage.
void World::lose_tail() {
  const std::size_t pending = store_.pending();
  if (pending == 0) {
    return;
  }
  std::size_t kept = 0;
  switch (random_.below(3)) {
    case 0:
      felt(Fault::kStoreTailLost);
      break;
    case 1:
      felt(Fault::kStoreTailDamaged);
      kept = random_.below(pending);
      break;
    default:
      felt(Fault::kStoreTailKept);
      kept = pending;
  }
  outcome_.probes.batches_lost += pending - kept;
  store_.crash(kept);
}

void World::storm_controller(int times) {
  if (times == 0 || now() >= faults_end_) {
    return;
  }
  const auto moment = [this] { return duration_from_seconds(random_.uniform(0.02, 0.8)); };
  const Duration down = moment();
  const Duration up = moment();
  felt(Fault::kControllerStorm, down + up);
  crash_controller(down);
  after(down + up, [this, times] { storm_controller(times - 1); });
}

// Nothing happens in it; then timers and sockets are due at the same moment, in either order.
void World::pause_controller(Duration time) {
  if (!core_ || controller_paused()) {
    return;
  }
  note("controller is paused");
  paused_until_ = within_faults(time);
  felt(Fault::kControllerPause, paused_until_ - now());
  hinder(paused_until_);
  after(paused_until_ - now() + milliseconds(10), [this, life = life_] {
    if (life == life_) {
      hear_held_events();
    }
  });
}

void World::hear_held_events() {
  std::deque<core::Event> events;
  events.swap(held_events_);
  for (core::Event& event : events) {
    apply(std::move(event));
  }
}

void World::schedule_tick() {
  const Instant next = core_->next_timer();
  if (next >= tick_at_) {
    return;
  }
  tick_at_ = next;
  Duration wait = next - core_now();
  if (now() + wait < paused_until_) {
    wait = paused_until_ - now() + milliseconds(random_.below(20));
  }
  after(wait, [this, life = life_, next] {
    if (life != life_ || tick_at_ != next) {
      return;
    }
    tick_at_ = kNever;
    if (controller_paused()) {
      schedule_tick();
    } else {
      apply(core::Tick{});
    }
  });
}

// ---- the store

void World::schedule_sync() {
  if (syncing_ || store_.pending() == 0) {
    return;
  }
  syncing_ = true;
  Duration took = duration_from_seconds(random_.exponential(0.0005));
  if (now() < store_slow_until_) {
    took = duration_from_seconds(random_.uniform(0, 5));
    hinder(now() + took);
  }
  after(took, [this, gathered = store_.pending(), life = life_] {
    if (life == life_) {
      end_sync(gathered);
    }
  });
}

void World::end_sync(std::size_t gathered) {
  const Instant stuck = std::max(store_full_until_, paused_until_);
  if (now() < stuck) {
    after(stuck - now(), [this, gathered, life = life_] {
      if (life == life_) {
        end_sync(gathered);
      }
    });
    return;
  }
  if (std::exchange(fail_next_sync_, false)) {
    felt(Fault::kStoreSyncFails, seconds(3));
    crash_controller();
    return;
  }
  syncing_ = false;
  store_.sync(gathered);
  durable_batches_ += gathered;
  made_durable();
  schedule_sync();
}

void World::abandon_blobs() {
  for (const std::string& digest : core_->made_durable(durable_batches_)) {
    blobs_.abandon(digest, now());
  }
}

void World::made_durable() {
  abandon_blobs();
  outbox_.durable(durable_batches_, [this](core::Output output) { release(std::move(output)); });
}

// ---- its blobs

SimBlobDir::InUse World::blobs_in_use() const {
  return [this](const std::string& digest) { return core_->blob_in_use(digest); };
}

std::string World::upload(const SimBlobDir::Bytes& bytes) {
  constexpr Duration kUnclaimed = hours(1);
  return blobs_.put(bytes, now() + kUnclaimed);
}

// A result never points at nothing (controller/hub/stream_read.cc).
void World::claim_output(core::Event& event) {
  auto* ended = std::get_if<core::AttemptEnded>(&event);
  if (ended == nullptr || ended->output.blob.empty()) {
    return;
  }
  constexpr Duration kAfterClaim = minutes(1);
  if (!blobs_.claim(ended->output.blob, now() + kAfterClaim)) {
    ended->outcome = core::AttemptOutcome::kInfrastructure;
    ended->error = "its result could not be taken";
    ended->output = {};
    return;
  }
  look_at_blobs(kAfterClaim);
}

// Pinned until the core has heard of it, or has refused it.
void World::take_input(const SimBlobDir::Bytes& bytes) {
  constexpr Duration kHeard = seconds(5);
  const Instant pinned_until = std::max(paused_until_, now()) + kHeard;
  blobs_.put(bytes, pinned_until);
  look_at_blobs(pinned_until - now());
}

void World::look_at_blobs(Duration later) {
  after(later, [this, life = life_] {
    if (life == life_) {
      blobs_.look(now(), blobs_in_use());
    }
  });
}

}  // namespace skerry::sim
