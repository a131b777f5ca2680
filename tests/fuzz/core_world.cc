#include "tests/fuzz/core_world.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "tests/fuzz/core_records.h"

namespace skerry::fuzz {

namespace {

using core::AttemptOutcome;
using core::TaskState;

constexpr std::uint8_t kNodes = 4;
constexpr std::uint8_t kModels = 3;
constexpr std::size_t kMostJobs = 60;
constexpr Duration kHealing = minutes(20);

std::string node_name(std::uint8_t node) { return "node" + std::to_string(node % kNodes); }
std::string model_name(std::uint8_t model) { return "model" + std::to_string(model % kModels); }

Duration time_of(std::uint8_t wait) {
  constexpr std::int64_t kSteps[] = {0, 1, 50, 300, 1000, 4500, 30'000, 90'000};
  return milliseconds(kSteps[wait % std::size(kSteps)] * (1 + wait / 64));
}

core::JobSpec spec_of(std::uint8_t how, std::uint8_t more) {
  core::JobSpec spec;
  spec.ns = (how & 1) != 0 ? "other" : "default";
  spec.model = model_name(how / 2);
  spec.inputs = (more & 64) != 0 ? Payload::stored("sha256:" + std::string(64, 'a'), 300'000)
                                 : Payload::inlined("input");
  spec.urgency = static_cast<core::Urgency>(how / 8 % 3);
  spec.sequence = (how & 128) != 0 ? "s" + std::to_string(more % 2) : "";
  if ((more & 128) != 0) {
    spec.constraints.min_accuracy = 0.5;
    spec.constraints.tiers = {scheduler::Tier::kEdge};
  }
  return spec;
}

}  // namespace

CoreWorld::CoreWorld() : policies_([] {}) {
  settings_.max_open_jobs = kMostJobs;
  settings_.max_retained_jobs = kMostJobs;
  settings_.trace_every = 2;
  start();
}

void CoreWorld::start() {
  core_ =
      std::make_unique<core::Core>(settings_, ++starts_, core::CoreHelpers{.factory = &policies_});
  outbox_ = {};
  durable_ = 0;
  connected_.clear();
  askers_.clear();
  carry_out(core_->restore(store_.stored(), now_));
  sync(store_.pending());  // before anything else happens
  check_rules();
  for (const JobId id : acknowledged_) {
    const core::Job* job = core_->find_job(id);
    check(job != nullptr, "an acknowledged job outlives the controller");
    const auto told = ended_.find(id);
    check(told == ended_.end() || told->second == job->state, "an end that was told stays");
  }
}

// What was not synced is lost.
void CoreWorld::crash(std::size_t synced) {
  sync(synced);
  store_.crash(0);
  for (Assigned& assigned : assigned_) {
    assigned.session = {};
  }
  start();
}

void CoreWorld::sync(std::size_t batches) {
  const std::size_t count = std::min(batches, store_.pending());
  store_.sync(count);
  durable_ += count;
  outbox_.durable(durable_, [this](core::Output output) { release(std::move(output)); });
}

// ---- what happens

void CoreWorld::apply(core::Event event) {
  if (core::Ticket* ticket = core::ticket_of(event);
      ticket != nullptr && *ticket == core::kNoTicket) {
    *ticket = ++tickets_;
    askers_[tickets_] = Asker::kWaits;
  }
  carry_out(core_->apply(std::move(event), now_));
  check_rules();
}

void CoreWorld::pass(Duration time) {
  const Instant end = now_ + time;
  while (core_->next_timer() <= end) {
    now_ = std::max(now_, core_->next_timer());
    apply(core::Tick{});
  }
  now_ = end;
}

void CoreWorld::carry_out(core::Effects effects) {
  if (!effects.writes.empty()) {
    check(reads_back(effects.writes), "what is written can be read");
    store_.append(std::move(effects.writes));
  }
  for (const core::Output& output : effects.outputs) {
    check(output.after <= core_->batches_written(), "an output waits for a batch that there is");
  }
  outbox_.take(std::move(effects.outputs),
               [this](core::Output output) { release(std::move(output)); });
}

void CoreWorld::release(core::Output output) {
  if (auto* answer = std::get_if<core::Answer>(&output.what)) {
    release(*answer);
  } else if (const auto* ended = std::get_if<core::Happening>(&output.what)) {
    if (const auto* job = std::get_if<core::JobEnded>(ended)) {
      const bool first = ended_.emplace(job->job, job->state).second;
      check(first || ended_.at(job->job) == job->state, "a job has one end");
    }
  } else if (const auto& send = std::get<core::Send>(output.what);
             const auto* assign = std::get_if<core::AssignAttempt>(&send.command)) {
    for (const Assigned& other : assigned_) {
      check(other.attempt.uid != assign->attempt.uid, "an attempt is assigned once");
    }
    assigned_.push_back(
        {.session = send.session, .attempt = assign->attempt, .input = assign->input});
  }
}

void CoreWorld::release(core::Answer& answer) {
  const auto asker = askers_.find(answer.ticket);
  check(asker != askers_.end() && asker->second != Asker::kAnswered, "who asked gets one answer");
  if (std::exchange(asker->second, Asker::kAnswered) == Asker::kGone || !answer.reply) {
    return;
  }
  if (const auto* submitted = std::get_if<core::Submitted>(&*answer.reply)) {
    for (const JobId id : submitted->jobs) {
      const core::Job* job = core_->find_job(id);
      if (job != nullptr && job->stored()) {
        acknowledged_.push_back(id);
      }
    }
  } else if (const auto* finished = std::get_if<core::Finished>(&*answer.reply)) {
    check(is_terminal(finished->job.state) && finished->job.result.has_value(),
          "a finished job has its result");
  }
}

void CoreWorld::check_rules() const {
  for (const std::string& rule : core_->broken_invariants()) {
    check(false, rule);
  }
  for (const std::string& rule : store_.broken()) {
    check(false, rule);
  }
}

// ---- operations

void CoreWorld::step(const Operation& operation) {
  pass(time_of(operation.wait));
  if (operation.kind % 16 == 9) {
    return outsider(operation);
  }
  switch (operation.kind % 8) {
    case 0:
    case 1:
      return submit(operation);
    case 2:
      return operate(operation);
    case 3:
      return hello(operation.a, operation.b, operation.c);
    case 4:
    case 5:
      return say(operation);
    case 6:
      return sync(operation.a);
    default:
      // Now and then, since little that is interesting outlives many of them.
      return operation.a < 64 ? crash(operation.b) : sync(1);
  }
}

void CoreWorld::submit(const Operation& operation) {
  core::Submit event{.jobs = {spec_of(operation.a, operation.b)}};
  core::JobSpec& job = event.jobs.front();
  if ((operation.c & 1) != 0) {
    job.constraints.deadline = now_ + time_of(operation.c / 8);
  }
  if ((operation.c & 2) != 0) {
    event.wait_until = now_ + seconds(1 + operation.c / 16);
  }
  if ((operation.c & 6) == 6) {
    job.durability = core::Durability::kNone;
  } else if ((operation.c & 4) != 0) {
    event.idempotency = core::IdempotencyKey{.key = "k" + std::to_string(operation.c / 64),
                                             .request_digest = std::to_string(operation.a % 2)};
    event.jobs.resize(1 + operation.b % 3, event.jobs.front());
  }
  apply(std::move(event));
}

void CoreWorld::operate(const Operation& operation) {
  const std::string policy =
      operation.b % 3 == 0 ? "greedy" : "wild" + std::to_string(operation.b % 2);
  switch (operation.a % 12) {
    case 0:
      return apply(core::CancelJob{.job = job_of(operation.b)});
    case 1:
      return apply(core::Await{.job = job_of(operation.b), .until = now_ + time_of(operation.c)});
    case 2:
      return apply(core::ListJobs{.before = job_of(operation.b), .limit = 1U + operation.c});
    case 3:
      return apply(core::DeleteModel{.name = model_name(operation.b)});
    case 4:
      return apply(core::ChangeNode{.name = node_name(operation.b),
                                    .action = static_cast<core::NodeAction>(operation.c % 4)});
    case 5:
      return apply(core::ApplyPolicy{.name = policy,
                                     .bundle = std::make_shared<const std::string>(
                                         policy + " " + std::to_string(operation.c % 3))});
    case 6:
      return apply(core::ChangePolicy{.name = policy,
                                      .action = static_cast<core::PolicyAction>(operation.c % 4)});
    case 7:
      return apply(core::RollBackPolicy{});
    case 8: {
      const core::Ticket ticket = 1 + operation.b % (tickets_ + 1);
      if (const auto asker = askers_.find(ticket);
          asker != askers_.end() && asker->second == Asker::kWaits) {
        asker->second = Asker::kGone;
        apply(core::Abandon{ticket});
      }
      return;
    }
    default:
      return put_model(operation.b, operation.c);
  }
}

void CoreWorld::put_model(std::uint8_t which, std::uint8_t how) {
  ModelManifest manifest{.name = model_name(which), .engine = "noop", .stateful = which % 2 == 0};
  manifest.inputs.push_back({.name = "x", .kind = InputKind::kTensor, .shape = {-1}});
  for (std::uint8_t i = 0; i <= how % 3; ++i) {
    manifest.variants.push_back({.name = "v" + std::to_string(i + how / 128),
                                 .accuracy = 0.9,
                                 .memory_bytes = std::uint64_t{1} << (20 + i),
                                 .reference_ms = 10.0 * (i + 1)});
  }
  apply(core::PutModel{.manifest = std::move(manifest)});
}

// What an agent says, of anything that was ever assigned to anybody.
void CoreWorld::say(const Operation& operation) {
  const SessionId session = session_of(operation.a);
  Assigned assigned = assigned_of(operation.b);
  if ((operation.c & 128) == 0 && assigned.session.value != 0) {
    assigned.session = session;
  }
  switch (operation.c % 9) {
    case 0:
      return apply(core::AgentHeartbeat{.session = session, .rtt = milliseconds(operation.b)});
    case 1:
      return apply(core::AttemptStarted{assigned.session, assigned.attempt});
    case 2:
      return end(assigned, AttemptOutcome::kSucceeded);
    case 3:
      return end(assigned, static_cast<AttemptOutcome>(operation.b % 7));
    case 4:
      return apply(core::AttemptReturned{assigned.session, assigned.attempt, "returned"});
    case 5:
      return apply(core::CreditsChanged{session, operation.b});
    case 6:
      return apply(core::ProbeEnded{.session = session,
                                    .variant = {model_name(operation.b), "v0"},
                                    .error = (operation.b & 64) != 0 ? "why" : "",
                                    .load = milliseconds(5),
                                    .service = {milliseconds(3)},
                                    .memory_bytes = 1 << 20});
    case 7:
      return apply(core::ResidentChanged{
          session, {{.name = {model_name(operation.b), "v0"}, .revision = operation.b / 64u}}});
    default:
      connected_.erase(operation.a % kNodes);
      return apply(core::SessionClosed{session, (operation.b & 1) != 0});
  }
}

void CoreWorld::hello(std::uint8_t node, std::uint8_t capacity, std::uint8_t holds) {
  const SessionId session{++sessions_};
  core::AgentHello hello{.session = session,
                         .identity = (node & 128) != 0 ? "another" : "",
                         .incarnation = 1u + node / 64,
                         .node = {.name = node_name(node),
                                  .tier = static_cast<scheduler::Tier>(node % 3),
                                  .site = node % 2 == 0 ? "s" : "",
                                  .engines = {"noop"},
                                  .slots = 2,
                                  .memory_bytes = 1u << 30},
                         .energy_source = "modelled",
                         .capacity = capacity % 8u};
  for (std::size_t i = 0; i < assigned_.size(); ++i) {
    const std::uint8_t mark = holds >> (i % 4);
    if ((mark & 1) != 0) {
      hello.running.push_back(assigned_[i].attempt);
    } else if ((mark & 16) != 0) {
      hello.spooled.push_back(assigned_[i].attempt);
    }
  }
  connected_[node % kNodes] = session;
  apply(std::move(hello));
}

void CoreWorld::end(const Assigned& assigned, AttemptOutcome outcome) {
  const bool well = outcome == AttemptOutcome::kSucceeded;
  apply(core::AttemptEnded{.session = assigned.session,
                           .attempt = assigned.attempt,
                           .outcome = outcome,
                           .error = well ? "" : "why",
                           .output = well ? assigned.input : Payload{},
                           .usage = {.service = milliseconds(10), .energy_j = 0.5}});
}

SessionId CoreWorld::session_of(std::uint8_t node) const {
  const auto found = connected_.find(node % kNodes);
  return found == connected_.end() ? SessionId{sessions_ + 1} : found->second;
}

JobId CoreWorld::job_of(std::uint8_t which) const {
  return acknowledged_.empty() ? JobId{which} : acknowledged_[which % acknowledged_.size()];
}

CoreWorld::Assigned CoreWorld::assigned_of(std::uint8_t which) const {
  return assigned_.empty() ? Assigned{.attempt = {.job = {1}, .number = 1, .uid = {1, which}}}
                           : assigned_[assigned_.size() - 1 - which % assigned_.size()];
}

// ---- the end

bool CoreWorld::all_ended() const {
  const auto queue = core_->queue_stats(now_);
  return queue.ready + queue.backoff + queue.leased + queue.running + queue.unknown == 0;
}

void CoreWorld::finish() {
  sync(store_.pending());
  for (std::uint8_t node = 0; node < kNodes; ++node) {
    hello(node, 7, 0);
    apply(core::ChangeNode{.name = node_name(node), .action = core::NodeAction::kUncordon});
  }
  std::size_t done = assigned_.size();  // none of them runs any more
  const Instant give_up = now_ + kHealing;
  while (!all_ended() && now_ < give_up) {
    sync(store_.pending());
    for (; done < assigned_.size(); ++done) {
      const Assigned assigned = assigned_[done];
      apply(core::AttemptStarted{assigned.session, assigned.attempt});
      end(assigned, AttemptOutcome::kSucceeded);
    }
    for (const auto& [node, session] : connected_) {
      apply(core::AgentHeartbeat{.session = session});
    }
    pass(seconds(1));
  }
  check(all_ended(), "with all faults healed every job ends");
  sync(store_.pending());
}

}  // namespace skerry::fuzz
