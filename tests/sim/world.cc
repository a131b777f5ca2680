#include "tests/sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "tests/sim/client.h"
#include "tests/sim/sim_agent.h"

namespace skerry::sim {

namespace {

constexpr Instant kStart = instant_from_us(1'700'000'000'000'000);
constexpr Duration kWorkload = seconds(20);
constexpr Duration kHealing = seconds(120);

core::Settings draw_settings(Random random) {
  core::Settings settings;
  settings.policy = scheduler::heuristic_names()[random.below(scheduler::heuristic_names().size())];
  settings.decisions_per_apply = random.chance(0.3) ? 2 : 256;
  settings.hedging = random.chance(0.8);
  settings.hedge_budget = random.uniform(0.05, 1);
  settings.hedge_min_outcomes = 3;
  settings.hedge_min_samples = 2;
  settings.breaker.rest = seconds(1);
  settings.breaker.trial_every = 2;
  settings.breaker.good_trials = 4;
  if (random.chance(0.3)) {
    settings.quotas.named["a"].max_running = 4 + random.below(5);
  }
  return settings;
}

}  // namespace

World::World(RunOptions options) : options_(options), random_(options.seed), timeline_(kStart) {
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

void World::start_controller() {
  ++life_;
  core_ =
      std::make_unique<core::Core>(draw_settings(random_.fork("settings")), options_.seed + life_,
                                   core::CoreHelpers{.stopwatch = nullptr, .factory = &policies_});
  outbox_ = {};
  durable_batches_ = 0;
  tick_at_ = kNever;
  note(fmt::format("controller starts, life {}", life_));
  syncing_ = true;
  carry_out(core_->restore(store_.stored(), now()));
  syncing_ = false;
  store_.sync(store_.pending());  // the epoch is durable before anything else
  durable_batches_ = core_->batches_written();
  outbox_.durable(durable_batches_, [this](core::Output output) { release(std::move(output)); });
  schedule_tick();
  clients_->install_model();
}

void World::crash_controller() {
  if (!core_) {
    return;
  }
  note("controller crashes");
  ++outcome_.probes.controller_crashes;
  outcome_.probes.batches_lost += store_.pending();
  core_.reset();
  assignments_.clear();
  ++life_;
  store_.crash();
  syncing_ = false;
  for (auto& agent : agents_) {
    agent->controller_died();
  }
  clients_->controller_died();
  after(duration_from_seconds(random_.uniform(0.05, 3)), [this] {
    if (!core_) {
      start_controller();
    }
  });
}

void World::tell_core(core::Event event) {
  note(fmt::format("event {}", event.index()));
  assignments_.before(event);
  core::Effects effects = core_->apply(std::move(event), now());
  for (std::string& complaint : assignments_.after(effects, *core_)) {
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
  if (!effects.writes.empty()) {
    store_.append(std::move(effects.writes));
    if (std::exchange(crash_at_next_write_, false) && now() < kStart + kFaults) {
      after(Duration(0), [this] { crash_controller(); });
    }
    schedule_sync();
  }
  outbox_.take(std::move(effects.outputs),
               [this](core::Output output) { release(std::move(output)); });
}

void World::schedule_sync() {
  if (syncing_ || store_.pending() == 0) {
    return;
  }
  syncing_ = true;
  const std::size_t gathered = store_.pending();
  const Duration took = duration_from_seconds(random_.chance(0.02) ? random_.uniform(0, 2)
                                                                   : random_.exponential(0.0005));
  after(took, [this, gathered, life = life_] {
    if (life != life_) {
      return;
    }
    syncing_ = false;
    store_.sync(gathered);
    durable_batches_ += gathered;
    outbox_.durable(durable_batches_, [this](core::Output output) { release(std::move(output)); });
    schedule_sync();
  });
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
  const auto& happening = std::get<core::Happening>(output.what);
  if (const auto* changed = std::get_if<core::JobChanged>(&happening)) {
    note(fmt::format("{} {} attempt {} {} {} {}", to_string(changed->job),
                     to_string(changed->state), changed->attempt, changed->node, changed->variant,
                     changed->reason));
    if (changed->state == core::TaskState::kLeased || changed->reason.starts_with("hedge: ")) {
      check_placement(*changed);
    }
    outcome_.probes.quarantined += changed->state == core::TaskState::kQuarantined ? 1 : 0;
    outcome_.probes.expired += changed->state == core::TaskState::kExpired ? 1 : 0;
    outcome_.probes.cancelled += changed->state == core::TaskState::kCancelled ? 1 : 0;
    outcome_.probes.sequences_lost += changed->reason.contains("sequence's state") ? 1 : 0;
    const core::Job* job = core_ ? core_->find_job(changed->job) : nullptr;
    outcome_.probes.hedged += job != nullptr && job->live.size() == 2 ? 1 : 0;
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

void World::schedule_tick() {
  const Instant next = core_->next_timer();
  if (next >= tick_at_) {
    return;
  }
  tick_at_ = next;
  after(next - now(), [this, life = life_, next] {
    if (life != life_ || tick_at_ != next) {
      return;
    }
    tick_at_ = kNever;
    tell_core(core::Tick{});
  });
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
  const auto stats = core_->queue_stats(now());
  if (stats.ready + stats.backoff + stats.leased + stats.running + stats.unknown > 0) {
    broke("jobs are still open");
  }
  for (const core::NodeView& node : core_->nodes()) {
    if (node.outstanding > 0) {
      broke(fmt::format("{} counts {} attempts though no job is open", node.spec.name,
                        node.outstanding));
    }
  }
  for (const auto& rule : store_.broken()) {
    broke(rule);
  }
}

Outcome World::run() {
  start_controller();
  for (auto& agent : agents_) {
    agent->start();
  }
  clients_->plan_requests(kWorkload);
  plan_faults();
  plan_policies();
  after(kFaults, [this] {
    note("faults end");
    for (const auto& agent : agents_) {
      agent->faults_end();
    }
  });
  const Instant end = kStart + kFaults + kHealing;
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
