// retention.cc: how long ended jobs are remembered.

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

constexpr std::size_t kForgetPerApply = 256;

// The key goes with the last job of its request, so that a retry never submits one again of which
// something is still known.
void forget_idempotency(Context& ctx, std::uint64_t number) {
  const auto it = ctx.state.idempotency.find(number);
  if (it == ctx.state.idempotency.end() || --it->second.remembered > 0) {
    return;
  }
  const auto& [ns, key] = it->second.name;
  ctx.write(DeleteIdempotency{ns, key});
  ctx.state.idempotency_numbers.erase(it->second.name);
  ctx.state.idempotency.erase(it);
}

void forget(Context& ctx, JobId id) {
  const auto it = ctx.state.jobs.find(id);
  check(it != ctx.state.jobs.end() && is_terminal(it->second.job.state),
        "only ended jobs are forgotten");
  const Job& job = it->second.job;
  if (job.result && !job.result->output.blob.empty()) {
    drop_blob(ctx, job.result->output.blob);
  }
  if (job.result) {
    ctx.state.quotas.dropped_output(job.spec.ns, job.result->output.size_bytes);
  }
  if (job.stored()) {
    ctx.write(DeleteRecords{id, job.attempts});
    forget_idempotency(ctx, it->second.idempotency);
  }
  --ctx.state.by_state[static_cast<std::size_t>(job.state)];
  ctx.state.jobs.erase(it);
}

bool over_limits(const Context& ctx) {
  const State& state = ctx.state;
  if (state.ended.empty()) {
    return false;
  }
  const auto& oldest = state.jobs.at(state.ended.front()).job;
  return state.ended.size() > state.settings.max_retained_jobs ||
         oldest.result->remembered_from() + state.settings.retention <= ctx.now;
}

void forget_some(Context& ctx) {
  for (std::size_t i = 0; i < kForgetPerApply && over_limits(ctx); ++i) {
    forget(ctx, ctx.state.ended.front());
    ctx.state.ended.pop_front();
  }
}

}  // namespace

void retain(Context& ctx, JobEntry& entry) {
  Job& job = entry.job;
  if (!job.stored()) {
    forget(ctx, job.id);  // its answer is on its way; nobody can ask again
    return;
  }
  if (job.result->output.bytes) {
    job.result->output.bytes = nullptr;  // the store has them
  }
  if (waits_to_be_brought(ctx.state, job)) {
    ctx.state.to_bring.insert(job.id);
    return;
  }
  ctx.state.ended.push_back(job.id);
  forget_some(ctx);
  if (!ctx.state.ended.empty() && !std::exchange(ctx.state.forgets_by_time, true)) {
    ctx.state.timers.add({ctx.now + ctx.state.settings.retention, TimerKind::kRetention, 0});
  }
}

void retention_timer(Context& ctx) {
  forget_some(ctx);
  ctx.state.forgets_by_time = !ctx.state.ended.empty();
  if (ctx.state.forgets_by_time) {
    const Instant oldest = ctx.state.jobs.at(ctx.state.ended.front()).job.result->remembered_from();
    ctx.state.timers.add({std::max(ctx.now + seconds(1), oldest + ctx.state.settings.retention),
                          TimerKind::kRetention, 0});
  }
}

}  // namespace skerry::core
