#include "tests/sim/sim_agent.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "tests/sim/wire.h"

namespace skerry::sim {

namespace {

// Everything is inline here.
struct NoBlobs final : agent::Blobs {
  void fetch(agent::BlobTicket, const std::string&, bool) override {}
  void release(const std::string&) override {}
  void store(agent::BlobTicket, std::shared_ptr<const std::string>) override {}
};
struct NoMeter final : agent::EnergyMeter {
  std::string source() const override { return "modelled"; }
  std::optional<double> total_j(Instant) override { return std::nullopt; }
};
struct NoSensors final : agent::Sensors {
  agent::Telemetry sample(Instant) override { return {}; }
};

Log& no_log() {
  static Log log("sim");
  static const bool quiet = [] {
    log.set_level(spdlog::level::off);
    return true;
  }();
  (void)quiet;
  return log;
}

std::string manifest_json(const core::Core& core, const core::AgentCommand& command) {
  const auto of = [&](const std::string& model, std::uint64_t revision) {
    const ModelManifest* manifest = core.manifest(model, revision);
    return manifest == nullptr ? "" : boost::json::serialize(manifest_to_json(*manifest));
  };
  if (const auto* assign = std::get_if<core::AssignAttempt>(&command)) {
    return of(assign->model, assign->manifest_revision);
  }
  if (const auto* probe = std::get_if<core::ProbeVariant>(&command)) {
    return of(probe->model, probe->manifest_revision);
  }
  return {};
}

}  // namespace

struct SimAgent::Life final : agent::AgentLink {
  Life(SimAgent& node, Random random)
      : owner(node),
        engine(random.fork("engine"), !node.faults_over_,
               node.world_.probes().continuations_refused),
        journal({}, node.disk_),
        agent(node.options_, *this, journal, {&engine}, blobs, meter, sensors, node.newest_epoch_,
              random.fork("agent"), no_log()) {}

  void connect(agent::ConnectionId id) override { owner.connect(id); }
  void write(agent::ConnectionId id, std::vector<agent::Outgoing> frame) override {
    owner.write(id, std::move(frame));
  }
  void close(agent::ConnectionId id, bool flush) override { owner.close(id, flush); }

  SimAgent& owner;
  NoBlobs blobs;
  NoMeter meter;
  NoSensors sensors;
  SimEngine engine;
  agent::LogJournal journal;
  agent::Agent agent;
};

SimAgent::SimAgent(World& world, std::string name, std::string site, scheduler::Tier tier,
                   Random random)
    : world_(world), random_(random), rtt_s_(random_.uniform(0.001, 0.05)), disk_([this] {
        world_.after(duration_from_seconds(random_.exponential(0.002)), [this, life = lives_] {
          if (life == lives_) {
            disk_.synced();
            step([this](Instant) { life_->journal.synced(!disk_.take_failure()); });
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
  world_.probes().attempts_kept += restored.accepted;
  world_.probes().results_kept += restored.spooled;
  world_.probes().journals_cut += restored.dropped_bytes > 0 ? 1 : 0;
  world_.note(options_.node_name + " starts");
  step([this](Instant now) { life_->agent.start(now); });
}

template <typename Event>
void SimAgent::step(Event event) {
  if (!life_) {
    return;
  }
  event(local_now());
  newest_epoch_ = life_->agent.newest_epoch();
  if (life_->journal.failed()) {
    ++world_.probes().disks_failed;
    // What follows must not be in the middle of the agent's own call.
    world_.after(Duration(0), [this, life = lives_] {
      if (life == lives_) {
        crash(Crash::kProcess, duration_from_seconds(random_.uniform(0.1, 3)));
      }
    });
    return;
  }
  world_.probes().disks_full += life_->journal.full() ? 1 : 0;
  arm();
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

// ---- the link

void SimAgent::connect(agent::ConnectionId id) {
  connection_ = id;
  const bool answered = reachable();
  if (!answered && random_.chance(0.5)) {
    return;  // nobody says no either: the agent gives it up in time
  }
  world_.after(network_delay(), [this, id, life = lives_, answered] {
    if (life != lives_ || !life_ || id != connection_) {
      return;
    }
    if (!answered || !reachable()) {
      step([this, id](Instant now) { life_->agent.link_closed(now, id, "refused"); });
      return;
    }
    stream_ = std::make_shared<Stream>(world_, world_.new_session(), [this](Stream::Way way) {
      return way == Stream::Way::kToAgent ? std::max(partitioned_until_, paused_until_)
                                          : partitioned_until_;
    });
    heartbeats_.clear();
    step([this, id](Instant now) { life_->agent.link_opened(now, id); });
  });
}

void SimAgent::write(agent::ConnectionId id, std::vector<agent::Outgoing> frame) {
  const StreamPtr stream = stream_;
  for (agent::Outgoing& message : frame) {
    if (stream) {
      say(stream, std::move(message.body));
    }
  }
  world_.after(microseconds(100), [this, id, life = lives_] {
    if (life == lives_) {
      step([this, id](Instant now) { life_->agent.link_written(now, id); });
    }
  });
}

void SimAgent::say(const StreamPtr& stream, agent::ToController message) {
  if (!stream->controller_open()) {
    ++world_.probes().reports_lost;
    return;
  }
  Instant sent{};
  if (const auto* heartbeat = std::get_if<agent::Heartbeat>(&message)) {
    sent = heartbeat->sent;
  } else if (const auto* hello = std::get_if<agent::Hello>(&message)) {
    world_.probes().attempts_adopted += hello->running.size();
    world_.probes().results_sent_again += hello->spooled.size();
  }
  auto event = to_core(std::move(message), stream->session());
  if (!event) {
    return;
  }
  stream->put(Stream::Way::kToController, network_delay(),
              [this, sent, event = *std::move(event)](Stream& on) mutable {
                if (!on.controller_open()) {
                  return;
                }
                world_.probes().reports_after_break += on.agent_open() ? 0 : 1;
                if (sent != Instant{} && stream_.get() == &on) {
                  heartbeats_.push_back(sent);
                }
                world_.tell_core(std::move(event));
              });
}

void SimAgent::close(agent::ConnectionId /*id*/, bool flush) {
  const StreamPtr stream = std::exchange(stream_, nullptr);
  if (!stream) {
    return;
  }
  stream->agent_notices(random_);
  world_.after(network_delay(), [this, stream, flush] { controller_notices(stream, flush); });
}

void SimAgent::command(const core::AgentCommand& command) {
  Instant sent{};
  if (std::holds_alternative<core::AckHeartbeat>(command) && !heartbeats_.empty()) {
    sent = heartbeats_.front();
    heartbeats_.pop_front();
  }
  if (const auto* ack = std::get_if<core::AckResult>(&command)) {
    world_.probes().late_results_refused += ack->committed ? 0 : 1;
  } else if (const auto* probe = std::get_if<core::ProbeVariant>(&command)) {
    world_.probes().probed_again += probe->resident_only ? 1 : 0;
  }
  agent::Incoming message{.seq = 1,
                          .body = to_agent(command, manifest_json(world_.core(), command), sent)};
  const bool refuses = std::holds_alternative<core::RefuseAgent>(command);
  stream_->put(
      Stream::Way::kToAgent, network_delay(),
      [this, refuses, message = std::move(message), id = connection_, life = lives_](Stream& on) {
        if (!on.agent_open() || life != lives_) {
          return;
        }
        world_.probes().commands_after_break += on.controller_open() ? 0 : 1;
        step([&](Instant now) { life_->agent.link_received(now, id, {message}); });
        if (refuses && stream_.get() == &on) {
          agent_notices(stream_);
        }
      });
}

void SimAgent::agent_notices(StreamPtr stream) {
  if (!stream->agent_notices(random_)) {
    return;
  }
  if (stream_ == stream) {
    stream_ = nullptr;
    step([this](Instant now) { life_->agent.link_closed(now, connection_, "broken"); });
  }
}

void SimAgent::controller_notices(StreamPtr stream, bool goodbye) {
  if (stream->controller_notices(random_)) {
    world_.session_closed(stream->session(), goodbye);
  }
}

void SimAgent::break_at_both_ends(StreamPtr stream) {
  const Duration later = duration_from_seconds(random_.uniform(0, 4));
  // The end that notices later may do so after the other has come back with another stream.
  if (life_ && random_.chance(0.3)) {
    controller_notices(stream);
    world_.after(later, [this, stream] { agent_notices(stream); });
  } else {
    agent_notices(stream);
    world_.after(later, [this, stream] { controller_notices(stream); });
  }
}

void SimAgent::break_stream() {
  if (stream_) {
    ++world_.probes().streams_broken;
    break_at_both_ends(stream_);
  }
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

void SimAgent::damage_disk() { world_.probes().bits_flipped += disk_.flip(random_) ? 1 : 0; }

void SimAgent::crash(Crash kind, Duration down) {
  if (!life_) {
    return;
  }
  world_.note(options_.node_name +
              (kind == Crash::kProcess ? " is killed" : " goes down with its machine"));
  ++world_.probes().agent_crashes;
  const StreamPtr stream = std::exchange(stream_, nullptr);
  ++lives_;  // voids everything scheduled
  life_.reset();
  timer_at_ = kNever;
  disk_.take_failure();
  if (kind == Crash::kMachine) {
    disk_.lose_tail(random_);
  }
  if (stream) {
    stream->agent_notices(random_);
    world_.after(duration_from_seconds(random_.uniform(0, 4)),
                 [this, stream] { controller_notices(stream); });
  }
  world_.after(down, [this] {
    if (!life_) {
      start();
    }
  });
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
