#include "tests/sim/sim_agent.h"

#include <algorithm>

namespace skerry::sim {

SimAgent::SimAgent(World& world, std::string name, std::string site, scheduler::Tier tier,
                   Random random)
    : world_(world), random_(random) {
  spec_.name = std::move(name);
  spec_.site = std::move(site);
  spec_.tier = tier;
  spec_.engines = {"torch"};
  spec_.slots = static_cast<std::uint32_t>(1 + random_.below(3));
  spec_.memory_bytes = 1u << 30;
  spec_.speed = random_.uniform(0.3, 3.0);
  spec_.power = {.idle_w = random_.uniform(1, 10),
                 .busy_w = random_.uniform(10, 50),
                 .transfer_j_per_byte = 1e-8};
  spec_.price_usd_per_hour = random_.uniform(0.01, 1.0);
  spec_.rtt_s = random_.uniform(0.001, 0.05);
  capacity_ = spec_.slots + static_cast<std::uint32_t>(random_.below(6));
}

void SimAgent::start() {
  up_ = true;
  ++incarnation_;
  connect();
  heartbeat();
}

bool SimAgent::reachable() const {
  return up_ && world_.now() >= partitioned_until_ && world_.controller_up();
}

Duration SimAgent::network_delay() {
  Duration delay = duration_from_seconds(spec_.rtt_s / 2 + random_.exponential(0.002));
  if (world_.now() < clogged_until_) {
    delay += clog_delay_;
  }
  return delay;
}

void SimAgent::connect() {
  if (!up_ || connecting_) {
    return;
  }
  if (!reachable()) {
    reconnect_later();
    return;
  }
  session_ = world_.new_session();
  stream_ = std::make_shared<Stream>(world_, session_, [this](Stream::Way way) {
    return way == Stream::Way::kToAgent ? std::max(partitioned_until_, paused_until_)
                                        : partitioned_until_;
  });
  welcomed_ = false;
  hello();
}

void SimAgent::reconnect_later() {
  connecting_ = true;
  const auto life = incarnation_;
  world_.after(duration_from_seconds(random_.uniform(0.05, 0.6)), [this, life] {
    if (life == incarnation_) {
      connecting_ = false;
      connect();
    }
  });
}

void SimAgent::hello() {
  core::AgentHello hello{
      .session = session_, .identity = spec_.name, .incarnation = incarnation_, .node = spec_};
  hello.energy_source = "modelled";
  hello.capacity = capacity_;
  for (const auto& [uid, work] : work_) {
    hello.running.push_back(work.assign.attempt);
  }
  for (const auto uid : spool_order_) {
    hello.spooled.push_back(spool_.at(uid).attempt);
  }
  hello.resident = {resident_.begin(), resident_.end()};
  world_.probes().attempts_adopted += hello.running.size();
  send(std::move(hello));
}

void SimAgent::send(core::Event event) {
  if (session_.value == 0) {
    return;
  }
  if (!stream_->controller_open()) {
    ++world_.probes().reports_lost;
    return;
  }
  stream_->put(Stream::Way::kToController, network_delay(),
               [this, event = std::move(event)](Stream& stream) mutable {
                 if (stream.controller_open()) {
                   world_.probes().reports_after_break += stream.agent_open() ? 0 : 1;
                   world_.tell_core(std::move(event));
                 }
               });
}

void SimAgent::command(const core::AgentCommand& command) {
  stream_->put(Stream::Way::kToAgent, network_delay(), [this, command](Stream& stream) {
    if (stream.agent_open()) {
      world_.probes().commands_after_break += stream.controller_open() ? 0 : 1;
      receive(command);
    }
  });
}

void SimAgent::receive(const core::AgentCommand& command) {
  std::visit([this](const auto& concrete) { handle(concrete); }, command);
}

void SimAgent::break_stream() {
  if (session_.value == 0) {
    return;
  }
  ++world_.probes().streams_broken;
  const StreamPtr broken = stream_;
  const Duration later = duration_from_seconds(random_.uniform(0, 4));
  // The end that notices later may do so after the other has come back with another stream.
  if (up_ && random_.chance(0.3)) {
    controller_notices(broken);
    world_.after(later, [this, broken] { agent_notices(broken); });
  } else {
    agent_notices(broken);
    world_.after(later, [this, broken] { controller_notices(broken); });
  }
}

void SimAgent::agent_notices(const StreamPtr& stream) {
  if (stream->agent_notices(random_)) {
    session_ = {};
    if (up_) {
      reconnect_later();
    }
  }
}

void SimAgent::controller_notices(const StreamPtr& stream) {
  if (stream->controller_notices(random_)) {
    world_.session_closed(stream->session(), false);
  }
}

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

void SimAgent::crash(Duration down) {
  if (!up_) {
    return;
  }
  ++world_.probes().agent_crashes;
  up_ = false;
  break_stream();
  connecting_ = false;
  ++incarnation_;  // voids everything scheduled
  work_.clear();
  queue_.clear();
  running_ = 0;
  spool_.clear();
  spool_order_.clear();
  resident_.clear();
  states_.lose_all();
  draining_ = false;
  world_.after(down, [this] { start(); });
}

void SimAgent::controller_died() {
  if (session_.value != 0) {
    agent_notices(stream_);
  }
}

void SimAgent::heartbeat() {
  const auto life = incarnation_;
  if (world_.faults_on() && !states_.empty() && random_.chance(0.02)) {
    states_.lose_one();  // an idle runner dies
  }
  if (up_ && welcomed_ && world_.now() >= paused_until_) {
    send(core::AgentHeartbeat{
        .session = session_, .rtt = duration_from_seconds(spec_.rtt_s), .telemetry = {}});
  }
  world_.after(milliseconds(1000), [this, life] {
    if (life == incarnation_) {
      heartbeat();
    }
  });
}

void SimAgent::handle(const core::WelcomeAgent& /*command*/) {
  welcomed_ = true;
  for (const auto uid : spool_order_) {
    core::AttemptEnded again = spool_.at(uid);
    again.session = session_;
    ++world_.probes().results_sent_again;
    send(std::move(again));
  }
}

void SimAgent::handle(const core::RefuseAgent& /*command*/) { agent_notices(stream_); }

void SimAgent::handle(const core::AssignAttempt& command) {
  const AttemptUid uid = command.attempt.uid;
  if (work_.contains(uid) || spool_.contains(uid)) {
    return;
  }
  if (draining_ || work_.size() >= capacity_ || random_.chance(0.01)) {
    send(core::AttemptReturned{session_, command.attempt, "no room"});
    return;
  }
  const bool slow = command.input.bytes && *command.input.bytes == "slow";
  work_[uid] = {.assign = command,
                .took = duration_from_seconds(random_.exponential(slow ? 3.0 : 0.2))};
  queue_.push_back(uid);
  run_next();
}

void SimAgent::run_next() {
  while (running_ < spec_.slots && !queue_.empty()) {
    const AttemptUid uid = queue_.front();
    queue_.pop_front();
    const auto it = work_.find(uid);
    if (it == work_.end()) {
      continue;  // cancelled
    }
    if (!begin_sequence(it->second)) {
      continue;
    }
    it->second.running = true;
    ++running_;
    const auto& assign = it->second.assign;
    resident_.insert({{assign.model, assign.variant}, assign.manifest_revision});
    send(core::AttemptStarted{session_, it->second.assign.attempt});
    world_.after(it->second.took, [this, uid, life = incarnation_] { finish(uid, life); });
  }
}

void SimAgent::finish(AttemptUid uid, std::uint64_t incarnation) {
  if (incarnation != incarnation_) {
    return;
  }
  if (world_.now() < paused_until_) {
    world_.after(paused_until_ - world_.now(),
                 [this, uid, incarnation] { finish(uid, incarnation); });
    return;
  }
  --running_;
  if (const auto it = work_.find(uid); it != work_.end()) {
    core::AttemptEnded ended = outcome_of(it->second);
    states_.end(it->second.assign, ended.outcome != core::AttemptOutcome::kCrashed);
    work_.erase(it);
    spool(std::move(ended));
  }
  run_next();
}

void SimAgent::spool(core::AttemptEnded ended) {
  spool_[ended.attempt.uid] = ended;
  spool_order_.push_back(ended.attempt.uid);
  send(std::move(ended));
}

// False if it was to continue what is not here: it has ended.
bool SimAgent::begin_sequence(const Work& work) {
  const core::AssignAttempt& assign = work.assign;
  if (assign.sequence.empty()) {
    return true;
  }
  if (const auto* state = states_.begin(assign)) {
    world_.saw(assign.attempt.uid, *state);
    return true;
  }
  ++world_.probes().continuations_refused;
  core::AttemptEnded ended{.session = session_,
                           .attempt = assign.attempt,
                           .outcome = core::AttemptOutcome::kSequenceLost,
                           .error = "its process ended"};
  work_.erase(ended.attempt.uid);
  spool(std::move(ended));
  return false;
}

core::AttemptEnded SimAgent::outcome_of(const Work& work) {
  core::AttemptEnded ended{.session = session_, .attempt = work.assign.attempt};
  ended.usage = {.queue = {},
                 .fetch = {},
                 .load = {},
                 .service = work.took,
                 .energy_j = 1,
                 .energy_source = "modelled",
                 .cost_usd = 1e-6};
  const std::string input = work.assign.input.bytes ? *work.assign.input.bytes : std::string();
  if (input == "bad") {
    ended.outcome = core::AttemptOutcome::kModelFailed;
    ended.error = "the model refuses this input";
  } else if (input == "poison" || (world_.faults_on() && random_.chance(0.01))) {
    ended.outcome = core::AttemptOutcome::kCrashed;
    ended.error = "the runner died of signal 11";
  } else if (world_.faults_on() && random_.chance(0.02)) {
    ended.outcome = core::AttemptOutcome::kInfrastructure;
    ended.error = "disk full";
  } else {
    ended.output = Payload::inlined(input + " done");
  }
  return ended;
}

void SimAgent::handle(const core::CancelAttempt& command) {
  const auto it = work_.find(command.attempt.uid);
  if (it == work_.end()) {
    return;
  }
  core::AttemptEnded ended{
      .session = session_, .attempt = command.attempt, .outcome = core::AttemptOutcome::kCancelled};
  if (it->second.running) {  // it ends by itself in its grace, or is ended with its runner
    states_.end(it->second.assign, random_.chance(0.3));
  }
  work_.erase(it);
  spool(std::move(ended));
}

void SimAgent::handle(const core::AckResult& command) {
  if (spool_.erase(command.attempt.uid) > 0) {
    std::erase(spool_order_, command.attempt.uid);
    world_.probes().late_results_refused += command.committed ? 0 : 1;
  }
}

void SimAgent::handle(const core::ProbeVariant& command) {
  world_.probes().probed_again += command.resident_only ? 1 : 0;
  world_.after(milliseconds(20), [this, command, life = incarnation_] {
    if (life == incarnation_) {
      finish_probe(command);
    }
  });
}

void SimAgent::finish_probe(const core::ProbeVariant& command) {
  const core::LoadedVariant variant{{command.model, command.variant}, command.manifest_revision};
  core::ProbeEnded ended{
      .session = session_, .variant = variant.name, .revision = variant.revision, .error = {}};
  if (command.resident_only && !resident_.contains(variant)) {
    ended.error = "it is not loaded any more";
  } else if (random_.chance(0.1)) {
    ended.error = "out of memory";
  } else {
    ended.load = resident_.insert(variant).second ? milliseconds(50) : Duration(0);
    ended.service = {milliseconds(20), milliseconds(21)};
    ended.memory_bytes = 1;
  }
  send(std::move(ended));
  send(core::ResidentChanged{session_, {resident_.begin(), resident_.end()}});
}

void SimAgent::handle(const core::SetNodeMode& command) {
  draining_ = command.draining;
  if (!draining_) {
    return;
  }
  for (const auto uid : queue_) {
    if (const auto it = work_.find(uid); it != work_.end()) {
      send(core::AttemptReturned{session_, it->second.assign.attempt, "draining"});
      work_.erase(it);
    }
  }
  queue_.clear();
}

std::vector<std::string> SimAgent::leftovers() const {
  std::vector<std::string> left;
  if (!work_.empty()) {
    left.push_back(spec_.name + " still holds work");
  }
  if (!spool_.empty()) {
    left.push_back(spec_.name + " still holds results");
  }
  return left;
}

}  // namespace skerry::sim
