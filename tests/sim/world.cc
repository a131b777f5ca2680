#include "tests/sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "tests/sim/client.h"
#include "tests/sim/sim_agent.h"

namespace skerry::sim {

namespace {

constexpr Duration kHealing = seconds(120);

// Most seeds have 40 s of faults; some have time for the longest ones.
Duration draw_faults(Random random) { return random.chance(0.1) ? seconds(100) : seconds(40); }

}  // namespace

World::World(RunOptions options)
    : options_(options),
      random_(options.seed),
      timeline_(kStart),
      faults_end_(kStart + draw_faults(random_.fork("length"))),
      policies_([this] { felt(Fault::kPolicyGarbage); }),
      watch_(
          fault_log_, [this](std::uint64_t number) { return clients_->faults_of(number); },
          outcome_.coverage) {
  outcome_.seed = options.seed;
  outcome_.history_hash = 0xcbf29ce484222325ULL;
  clients_ = std::make_unique<Clients>(*this, random_.fork("clients"));
  const std::uint64_t agents = 1 + random_.below(7);
  const std::uint64_t sites = 1 + random_.below(3);
  for (std::uint64_t i = 0; i < agents; ++i) {
    agents_.push_back(std::make_unique<SimAgent>(
        *this, fmt::format("n{}", i), fmt::format("s{}", i % sites),
        static_cast<scheduler::Tier>(random_.below(3)), random_.fork(fmt::format("agent {}", i))));
  }
}

World::~World() = default;

void World::note(std::string_view line) {
  for (const char c : line) {
    outcome_.history_hash =
        (outcome_.history_hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  outcome_.history_hash =
      (outcome_.history_hash ^ static_cast<std::uint64_t>(to_us(now()))) * 0x100000001b3ULL;
  if (options_.print_history) {
    std::printf("%12.6f  %.*s\n", to_seconds(now() - kStart), static_cast<int>(line.size()),
                line.data());
  }
}

void World::broke(std::string rule) {
  note("BROKEN: " + rule);
  if (outcome_.broken.size() < 20) {
    outcome_.broken.push_back(std::move(rule));
  }
}

void World::tell_core(core::Event event) {
  if (controller_paused() || !held_events_.empty()) {  // it lies in a socket meanwhile
    held_events_.push_back(std::move(event));
  } else {
    apply(std::move(event));
  }
}

void World::apply(core::Event event) {
  if (!core_ || dying_) {
    return;
  }
  note(fmt::format("event {}", event.index()));
  assignments_.before(event);
  core::Effects effects = core_->apply(std::move(event), core_now());
  for (std::string& complaint : assignments_.after(effects)) {
    broke(std::move(complaint));
  }
  carry_out(std::move(effects));
  schedule_tick();
  check_rules();
}

void World::session_closed(SessionId session, bool goodbye) {
  tell_core(core::SessionClosed{session, goodbye});
}

void World::carry_out(core::Effects effects) {
  for (auto& complaint : watch_.happened(effects.outputs, *core_, now())) {
    broke(std::move(complaint));
  }
  if (!effects.writes.empty()) {
    if (std::exchange(fail_next_write_, false)) {  // nothing of it is there, and the process ends
      felt(Fault::kStoreWriteFails, seconds(3));
      dying_ = true;
      after(Duration(0), [this] { crash_controller(); });
    } else {
      store_.append(std::move(effects.writes));
      if (std::exchange(crash_at_next_write_, false)) {
        after(Duration(0), [this] { crash_controller(); });
      }
      schedule_sync();
    }
  }
  abandon_blobs();
  outbox_.take(std::move(effects.outputs),
               [this](core::Output output) { release(std::move(output)); });
}

void World::release(core::Output output) {
  if (const auto* answer = std::get_if<core::Answer>(&output.what)) {
    note(fmt::format("answer {}", answer->ticket));
    after(milliseconds(1), [this, answer = *answer, life = life_] {
      if (life == life_) {
        clients_->answer(answer);
      }
    });
    return;
  }
  if (const auto* send = std::get_if<core::Send>(&output.what)) {
    note(fmt::format("send {} to {}", send->command.index(), send->session.value));
    const auto agent = std::ranges::find_if(
        agents_, [&](const auto& candidate) { return candidate->owns(send->session); });
    if (agent == agents_.end()) {
      ++outcome_.probes.commands_lost;
    } else {
      (*agent)->command(send->command);
    }
    return;
  }
  note_happening(std::get<core::Happening>(output.what));
}

void World::note_change(const core::JobChanged& changed) {
  const core::Job* job = core_ ? core_->find_job(changed.job) : nullptr;
  const std::string sequence =
      job == nullptr || job->spec.sequence.empty() ? "" : job->spec.ns + '/' + job->spec.sequence;
  note(fmt::format("{} {} attempt {} {} {} {} {}", to_string(changed.job), to_string(changed.state),
                   changed.attempt, changed.node, changed.variant, sequence, changed.reason));
  if (changed.state == core::TaskState::kLeased || changed.reason.starts_with("hedge: ")) {
    check_placement(changed);
  }
  outcome_.probes.quarantined += changed.state == core::TaskState::kQuarantined ? 1 : 0;
  outcome_.probes.expired += changed.state == core::TaskState::kExpired ? 1 : 0;
  outcome_.probes.cancelled += changed.state == core::TaskState::kCancelled ? 1 : 0;
  outcome_.probes.sequences_lost += changed.reason.contains("sequence's state") ? 1 : 0;
  outcome_.probes.hedged += job != nullptr && job->live.size() == 2 ? 1 : 0;
}

void World::note_happening(const core::Happening& happening) {
  if (const auto* changed = std::get_if<core::JobChanged>(&happening)) {
    note_change(*changed);
  } else if (const auto* node = std::get_if<core::NodeChanged>(&happening)) {
    note(fmt::format("{} {} {}", node->node, node->state, node->reason));
  } else if (const auto* hedge = std::get_if<core::HedgeEnded>(&happening)) {
    note(fmt::format("{} hedge {}", to_string(hedge->job), to_string(hedge->end)));
    outcome_.probes.hedges_won += hedge->end == core::HedgeEnd::kWon ? 1 : 0;
    outcome_.probes.hedges_lost += hedge->end == core::HedgeEnd::kLost ? 1 : 0;
    outcome_.probes.hedges_failed += hedge->end == core::HedgeEnd::kFailed ? 1 : 0;
    outcome_.probes.hedges_dropped += hedge->end == core::HedgeEnd::kDropped ? 1 : 0;
  } else if (const auto* brake = std::get_if<core::BrakeChanged>(&happening)) {
    note(brake->on ? "brake on" : "brake off");
    outcome_.probes.brakes += brake->on ? 1 : 0;
  } else if (const auto* policy = std::get_if<core::PolicyChanged>(&happening)) {
    note(fmt::format("policy {} {} {}", policy->policy, policy->version, policy->change));
    outcome_.probes.policies_swapped +=
        policy->change == "promoted" || policy->change == "rolled_back" ? 1 : 0;
  } else if (const auto* breaker = std::get_if<core::BreakerChanged>(&happening)) {
    note(fmt::format("breaker {} {}", breaker->state, breaker->fault));
    outcome_.probes.breaker_trips += breaker->state == "open" ? 1 : 0;
    outcome_.probes.breaker_closes += breaker->state == "closed" ? 1 : 0;
  }
}

// Whatever policy chose, the node and the variant meet the job's constraints.
void World::check_placement(const core::JobChanged& leased) {
  const core::Job* job = core_ ? core_->find_job(leased.job) : nullptr;
  const auto node = core_ ? core_->node(leased.node) : std::nullopt;
  if (job == nullptr || !node) {
    return;
  }
  const scheduler::Constraints& constraints = job->spec.constraints;
  if (!constraints.site.empty() && constraints.site != node->spec.site) {
    broke(fmt::format("{} was placed outside its site", to_string(leased.job)));
  }
  if (constraints.min_accuracy && leased.variant != "large") {
    broke(fmt::format("{} was placed below its accuracy", to_string(leased.job)));
  }
}

void World::check_rules() {
  if (!core_) {
    return;
  }
  for (auto& rule : core_->broken_invariants()) {
    broke(std::move(rule));
  }
}

void World::check_end() {
  if (!core_) {
    broke("the controller is down at the end");
    return;
  }
  for (auto& complaint : clients_->complaints()) {
    broke(std::move(complaint));
  }
  for (const auto& agent : agents_) {
    for (auto& left : agent->leftovers()) {
      broke(std::move(left));
    }
  }
  const auto stats = core_->queue_stats(core_now());
  if (stats.ready + stats.backoff + stats.leased + stats.running + stats.unknown > 0) {
    broke("jobs are still open");
  }
  for (const core::NodeView& node : core_->nodes()) {
    if (node.outstanding > 0) {
      broke(fmt::format("{} counts {} attempts though no job is open", node.spec.name,
                        node.outstanding));
    }
  }
  if (outbox_.waiting() > 0 || store_.pending() > 0) {
    broke("something still waits for the store");
  }
  check_store();
}

// What a client may come and read is as it was told: outcomes, and the bytes of large results.
void World::check_store() {
  for (const auto& rule : store_.broken()) {
    broke(rule);
  }
  for (const auto& record : store_.stored().tasks) {
    const core::Job* job = core_->find_job(record.id);
    if (job == nullptr || job->state != record.state) {
      broke(fmt::format("{} is {} in the store and {} in the core", to_string(record.id),
                        to_string(record.state), job ? to_string(job->state) : "unknown"));
    }
  }
  for (const auto& [id, record] : store_.results()) {
    const std::string& blob = record.result.output.blob;
    if (!blob.empty() && !blobs_.read(blob)) {
      broke(fmt::format("the result of {} is not in the blob directory", to_string(id)));
    }
  }
  std::set<std::string> named;
  for (const auto& [id, record] : store_.results()) {
    named.insert(record.result.output.blob);
  }
  for (auto& left :
       blobs_.unneeded(now(), [&](const std::string& digest) { return named.contains(digest); })) {
    broke(std::move(left));
  }
}

Outcome World::run() {
  start_controller();
  for (auto& agent : agents_) {
    agent->start();
  }
  clients_->plan_requests((faults_end_ - kStart) / 2);
  plan_faults();
  plan_policies();
  plan_models();
  after(faults_end_ - kStart, [this] {
    note("faults end");
    crash_at_next_write_ = fail_next_write_ = fail_next_sync_ = false;
    for (const auto& agent : agents_) {
      agent->faults_end();
    }
  });
  const Instant end = faults_end_ + kHealing;
  while (outcome_.broken.empty() && timeline_.step(end)) {
    ++outcome_.events;
  }
  if (outcome_.broken.empty()) {
    check_end();
  }
  outcome_.virtual_time = now() - kStart;
  outcome_.jobs = clients_->jobs();
  outcome_.succeeded = clients_->succeeded();
  return outcome_;
}

}  // namespace skerry::sim
