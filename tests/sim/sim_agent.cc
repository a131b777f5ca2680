#include "tests/sim/sim_agent.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
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
        later(duration_from_seconds(random_.exponential(0.002)), [this] {
          const bool well = disk_.synced();
          if (!well) {
            felt(Fault::kDiskSyncFails);
          }
          step([this, well](Instant now) { life_->journal.synced(well, now); });
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

Instant SimAgent::local_now() const {
  const Duration lived = world_.now() - started_;
  return started_ + clock_off_ + lived + duration_from_seconds(to_seconds(lived) * clock_drift_);
}

Instant SimAgent::world_time(Instant local) const {
  const double lived_s = to_seconds(local - clock_off_ - started_) / (1 + clock_drift_);
  return started_ + duration_from_seconds(lived_s) + microseconds(clock_drift_ == 0 ? 0 : 2);
}

void SimAgent::later(Duration delay, std::function<void()> action) {
  world_.after(delay, [this, life = lives_, action = std::move(action)] {
    if (life != lives_) {
      return;
    }
    if (world_.now() < paused_until_) {
      later(paused_until_ - world_.now(), action);
    } else {
      action();
    }
  });
}

bool SimAgent::reachable() const {
  return life_ && world_.now() >= std::max(up_cut_until_, down_cut_until_) &&
         world_.controller_up();
}

Duration SimAgent::network_delay() {
  Duration delay = duration_from_seconds(rtt_s_ / 2 + random_.exponential(0.002));
  return world_.now() < slow_until_ ? delay + slow_by_ : delay;
}

void SimAgent::start() {
  ++lives_;
  options_.incarnation = lives_;
  set_clock();
  timer_at_ = kNever;
  stopping_.reset();
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

// What is wrong with the machine's clock now; within a life of the process it does not jump.
void SimAgent::set_clock() {
  const bool right = faults_over_ || random_.chance(0.7);
  started_ = world_.now();
  const Duration before = std::exchange(clock_off_, Duration(0));
  clock_drift_ = 0;
  world_.fault_log().ends_on_node(node_number(name()), Fault::kAgentClockDrift, world_.now());
  if (!right && random_.chance(0.6)) {
    clock_off_ = duration_from_seconds(random_.uniform(-3600, 3600));
  }
  if (!right && random_.chance(0.6)) {
    clock_drift_ = random_.uniform(-0.01, 0.01);
    felt(Fault::kAgentClockDrift, hours(1));
  }
  if (clock_off_ != before) {
    felt(Fault::kAgentClockJump);
  }
}

void SimAgent::arm() {
  const Instant next = std::min(life_->agent.next_timer(), life_->journal.next_timer());
  if (next == kNever || next == timer_at_) {
    return;
  }
  timer_at_ = next;
  const Instant due = world_time(next);
  later(std::max(due - world_.now(), Duration(0)), [this, next] {
    if (!life_ || timer_at_ != next) {
      return;
    }
    timer_at_ = kNever;
    step([this](Instant now) {
      life_->journal.on_time(now);
      life_->agent.on_time(now);
    });
  });
}

void SimAgent::controller_died() {
  const StreamPtr stream = stream_;
  if (stream && random_.chance(0.8)) {
    agent_notices(stream);
  } else if (stream) {  // its machine went down: nobody says so
    world_.after(duration_from_seconds(random_.uniform(0, 15)),
                 [this, stream] { agent_notices(stream); });
  }
}

void SimAgent::faults_end() {
  faults_over_ = true;
  lose_next_ack_ = false;
  disk_.mend();
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
  if (!life_->journal.accepted_refs().empty() || life_->agent.telemetry(local_now()).queued > 0) {
    left.push_back(options_.node_name + " still holds work");
  }
  if (life_->journal.spooled_count() > 0) {
    left.push_back(options_.node_name + " still holds results");
  }
  std::ranges::move(miscounts(), std::back_inserter(left));
  return left;
}

// Leases and credits: what the core counts of an idle node, against what the node itself says.
std::vector<std::string> SimAgent::miscounts() const {
  const auto seen = world_.core().node(name());
  if (!seen || !seen->connected || seen->state != core::NodeState::kReady) {
    return {fmt::format("{} is up and not READY for the core", name())};
  }
  const auto expect = [&](std::string_view what, std::uint64_t node, std::uint64_t core) {
    return node == core
               ? std::vector<std::string>{}
               : std::vector{fmt::format("{} says {} {}, the core {}", name(), what, node, core)};
  };
  std::vector<std::string> wrong;
  const auto& executor = options_.executor;
  for (auto& complaint :
       {expect("it holds", life_->journal.accepted_refs().size(), seen->outstanding),
        expect("it takes", executor.slots + executor.queue_depth, life_->agent.hello().capacity),
        expect("it takes", executor.slots + executor.queue_depth, seen->capacity),
        expect("it is of life", lives_, seen->incarnation)}) {
    std::ranges::copy(complaint, std::back_inserter(wrong));
  }
  return wrong;
}

}  // namespace skerry::sim
