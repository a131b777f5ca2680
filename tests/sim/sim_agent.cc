#include "tests/sim/sim_agent.h"

#include <algorithm>
#include <utility>

#include "tests/sim/sim_life.h"

namespace skerry::sim {

Log& no_log() {
  static Log log("sim");
  static const bool quiet = [] {
    log.set_level(spdlog::level::off);
    return true;
  }();
  (void)quiet;
  return log;
}

SimAgent::SimAgent(World& world, std::string name, std::string site, scheduler::Tier tier,
                   Random random)
    : world_(world), random_(random), rtt_s_(random_.uniform(0.001, 0.05)), disk_([this] {
        world_.after(duration_from_seconds(random_.exponential(0.002)), [this, life = lives_] {
          if (life == lives_) {
            disk_.synced();
            step([this](Instant now) { life_->journal.synced(!disk_.take_failure(), now); });
          }
        });
      }) {
  options_.node_name = std::move(name);
  options_.identity = options_.node_name;
  agent::Capabilities& node = options_.capabilities;
  node.tier = scheduler::to_string(tier);
  node.site = std::move(site);
  node.engines = {"torch"};
  node.slots = static_cast<std::uint32_t>(1 + random_.below(3));
  node.memory_bytes = 1u << 30;
  node.speed = random_.uniform(0.3, 3.0);
  node.idle_w = random_.uniform(1, 10);
  node.busy_w = random_.uniform(10, 50);
  node.transfer_j_per_byte = 1e-8;
  node.price_usd_per_hour = random_.uniform(0.01, 1.0);
  node.rtt_s = rtt_s_;
  node.energy_source = "modelled";
  options_.executor = {.slots = node.slots,
                       .queue_depth = static_cast<std::uint32_t>(random_.below(6)),
                       .physics = {.idle_w = node.idle_w,
                                   .busy_w = node.busy_w,
                                   .transfer_j_per_byte = node.transfer_j_per_byte,
                                   .price_usd_per_hour = node.price_usd_per_hour,
                                   .slots = node.slots}};
}

SimAgent::~SimAgent() = default;

Instant SimAgent::local_now() const { return world_.now() + clock_off_; }

bool SimAgent::reachable() const {
  return life_ && world_.now() >= partitioned_until_ && world_.controller_up();
}

Duration SimAgent::network_delay() {
  Duration delay = duration_from_seconds(rtt_s_ / 2 + random_.exponential(0.002));
  return world_.now() < clogged_until_ ? delay + clog_delay_ : delay;
}

void SimAgent::start() {
  ++lives_;
  options_.incarnation = lives_;
  clock_off_ = random_.chance(0.2) && !faults_over_
                   ? duration_from_seconds(random_.uniform(-3600, 3600))
                   : Duration(0);
  timer_at_ = kNever;
  life_ = std::make_unique<Life>(*this, random_.fork("life " + std::to_string(lives_)));
  const auto restored = life_->journal.restore(disk_.file());
  const Held found{life_->journal.accepted_refs(), life_->journal.spooled_refs()};
  if (held_ && !damaged_ && *held_ != found) {
    world_.broke(options_.node_name + " does not find in its journal what it held");
  }
  held_.reset();
  damaged_ = false;
  world_.probes().attempts_kept += restored.accepted;
  world_.probes().results_kept += restored.spooled;
  world_.probes().journals_cut += restored.dropped_bytes > 0 ? 1 : 0;
  world_.note(options_.node_name + " starts");
  step([this](Instant now) { life_->agent.start(now); });
}

void SimAgent::arm() {
  const Instant next = std::min(life_->agent.next_timer(), life_->journal.next_timer());
  if (next == kNever || next == timer_at_) {
    return;
  }
  timer_at_ = next;
  const Instant due = std::max(next - clock_off_, paused_until_);
  world_.after(std::max(due - world_.now(), Duration(0)), [this, life = lives_, next] {
    if (life != lives_ || !life_ || timer_at_ != next) {
      return;
    }
    timer_at_ = kNever;
    if (world_.now() < paused_until_) {
      arm();
      return;
    }
    step([this](Instant now) {
      life_->journal.on_time(now);
      life_->agent.on_time(now);
    });
  });
}

// ---- faults

void SimAgent::partition(Duration time) {
  partitioned_until_ = std::max(partitioned_until_, world_.now() + time);
  if (random_.chance(0.7)) {
    world_.after(duration_from_seconds(random_.uniform(0, to_seconds(time))),
                 [this] { break_stream(); });
  }
}

void SimAgent::pause(Duration time) {
  paused_until_ = std::max(paused_until_, world_.now() + time);
}

void SimAgent::clog(Duration delay, Duration time) {
  clog_delay_ = delay;
  clogged_until_ = world_.now() + time;
}

void SimAgent::fill_disk(Duration time) {
  disk_.fill(true);
  world_.after(time, [this] { disk_.fill(false); });
}

void SimAgent::fail_disk() { disk_.fail_next(); }

void SimAgent::damage_disk() {
  const bool flipped = disk_.flip(random_);
  damaged_ = damaged_ || flipped;
  world_.probes().bits_flipped += flipped ? 1 : 0;
}

void SimAgent::crash(Crash kind, Duration down) {
  if (!life_) {
    return;
  }
  world_.note(options_.node_name +
              (kind == Crash::kProcess ? " is killed" : " goes down with its machine"));
  ++world_.probes().agent_crashes;
  const StreamPtr stream = std::exchange(stream_, nullptr);
  const agent::LogJournal& journal = life_->journal;
  if (kind == Crash::kProcess && !damaged_ && !journal.full() && !journal.failed()) {
    held_ = {journal.accepted_refs(), journal.spooled_refs()};
  }
  end_life(down);
  if (kind == Crash::kMachine) {
    disk_.lose_tail(random_);
  }
  if (stream) {
    stream->agent_notices(random_);
    world_.after(duration_from_seconds(random_.uniform(0, 4)),
                 [this, stream] { controller_notices(stream); });
  }
}

void SimAgent::end_life(Duration down) {
  ++lives_;  // voids everything scheduled
  life_.reset();
  stopping_.reset();
  timer_at_ = kNever;
  disk_.take_failure();
  world_.after(down, [this] {
    if (!life_ && !left_) {
      start();
    }
  });
}

void SimAgent::stop(Duration down) {
  if (!life_ || stopping_) {
    return;
  }
  world_.note(options_.node_name + " is asked to stop");
  stopping_ = down;
  step([this](Instant now) { life_->agent.stop(now); });
}

void SimAgent::leave() {
  ++world_.probes().agents_left;
  left_ = true;
  crash(Crash::kMachine, {});
}

void SimAgent::controller_died() {
  if (const StreamPtr stream = stream_) {
    agent_notices(stream);
  }
}

void SimAgent::faults_end() {
  faults_over_ = true;
  disk_.take_failure();
  if (life_) {
    life_->engine.faults_end();
  }
}

std::vector<std::string> SimAgent::leftovers() const {
  std::vector<std::string> left;
  if (left_) {
    return left;
  }
  if (!life_) {
    left.push_back(options_.node_name + " is down");
    return left;
  }
  if (!life_->journal.accepted_refs().empty()) {
    left.push_back(options_.node_name + " still holds work");
  }
  if (life_->journal.spooled_count() > 0) {
    left.push_back(options_.node_name + " still holds results");
  }
  return left;
}

}  // namespace skerry::sim
