#include "controller/core/core.h"

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

scheduler::Placer make_placer(const Settings& settings, const Random& random, Clock* stopwatch) {
  auto policy = scheduler::make_heuristic(settings.policy);
  check(policy != nullptr, "the configured policy exists");
  return {std::move(policy), random.fork("policy"), stopwatch};
}

JobId job_id(std::uint64_t value) {
  JobId id;
  id.value = value;
  return id;
}

void fire(Context& ctx, const Timer& timer) {
  switch (timer.kind) {
    case TimerKind::kBackoff:
      return backoff_timer(ctx, job_id(timer.id));
    case TimerKind::kDeadline:
      return deadline_timer(ctx, job_id(timer.id));
    case TimerKind::kWait:
      return wait_timer(ctx, timer.id);
    case TimerKind::kNode:
      return node_timer(ctx, {static_cast<std::uint32_t>(timer.id)});
    case TimerKind::kSequence:
      return sequence_timer(ctx, timer.id);
    case TimerKind::kRetention:
      return retention_timer(ctx);
    case TimerKind::kTrip:
      return trip_timer(ctx, {static_cast<std::uint32_t>(timer.id)});
    case TimerKind::kHeld:
      return held_timer(ctx);
    case TimerKind::kHedge:
      return hedge_timer(ctx, job_id(timer.id));
    case TimerKind::kPlace:
      return;  // placing follows every apply
  }
}

constexpr int kTimersPerApply = 1024;  // the rest fires at the next Tick, which is due at once

void handle(Context& ctx, Tick&) {
  for (int i = 0; i < kTimersPerApply; ++i) {
    const auto timer = ctx.state.timers.pop_due(ctx.now);
    if (!timer) {
      return;
    }
    fire(ctx, *timer);
  }
}

Effects finish(Context& ctx) {
  if (!ctx.effects.writes.empty()) {
    ++ctx.state.batches;
  }
  ctx.state.blob_uses.applied(ctx.state.batches);
  for (const auto& output : ctx.effects.outputs) {
    check(output.after <= ctx.state.batches, "an output waits for a batch that was written");
  }
  return std::move(ctx.effects);
}

}  // namespace

State::State(Settings settings_in, std::uint64_t seed, CoreHelpers helpers)
    : settings(std::move(settings_in)),
      stopwatch(helpers.stopwatch),
      factory(helpers.factory),
      ids(Random(seed).fork("ids")),
      jitter(Random(seed).fork("jitter")),
      placer(make_placer(settings, Random(seed), stopwatch)),
      quotas(settings.quotas) {
  policies.active = *policies.find(settings.policy);
}

Core::Core(Settings settings, std::uint64_t seed, CoreHelpers helpers)
    : state_(std::make_unique<State>(std::move(settings), seed, helpers)) {}
Core::~Core() = default;

Effects Core::restore(StoredState stored, Instant now) {
  check(state_->epoch.value == 0, "restore comes first, and once");
  Context ctx{*state_, now};
  core::restore(ctx, std::move(stored));
  return finish(ctx);
}

Effects Core::apply(Event event, Instant now) {
  check(state_->epoch.value != 0, "restore comes before any event");
  Context ctx{*state_, now};
  const auto entry = audit_entry(*state_, event);
  std::visit([&](auto& concrete) { handle(ctx, concrete); }, event);
  if (entry && !ctx.effects.writes.empty()) {
    audit(ctx, *entry);
  }
  place_ready_tasks(ctx);
  return finish(ctx);
}

std::vector<std::string> Core::made_durable(BatchNumber batch) {
  return state_->blob_uses.durable(batch);
}

Instant Core::next_timer() const { return state_->timers.next(); }
BatchNumber Core::batches_written() const { return state_->batches; }

}  // namespace skerry::core
