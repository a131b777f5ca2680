// jobs.cc: changes of a job that several handlers share: its records, its attempts, its end.

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

StoredAttempt stored(const Attempt& attempt) {
  return {.number = attempt.number,
          .uid = attempt.uid,
          .node_name = attempt.node_name,
          .variant_name = attempt.variant_name,
          .leased_at = attempt.leased_at,
          .predicted = attempt.predicted};
}

TaskRecord task_record(const State& state, const Job& job) {
  TaskRecord record{.id = job.id,
                    .state = job.state,
                    .attempts = job.attempts,
                    .live = {},
                    .excluded_nodes = {},
                    .retries = job.retries,
                    .ready_at = job.ready_at,
                    .version = job.version};
  for (const auto& attempt : job.live) {
    record.live.push_back(stored(attempt));
  }
  for (const auto node : job.excluded) {
    record.excluded_nodes.push_back(state.node_names.at(node.value));
  }
  return record;
}

void cancel_losers(Context& ctx, JobEntry& entry) {
  while (!entry.job.live.empty()) {
    const Attempt loser = entry.job.live.back();
    const auto& node = node_by_id(ctx.state, loser.node);
    if (node.session && !loser.silent) {
      ctx.send(*node.session,
               CancelAttempt{ref_of(entry, loser), ctx.state.epoch,
                             std::string(to_string(entry.job.state))},
               entry.job.last_batch);
    }
    drop_attempt(ctx, entry, loser.uid);
  }
}

}  // namespace

void count_state(State& state, JobEntry& entry, TaskState to) {
  --state.by_state[static_cast<std::size_t>(entry.job.state)];
  entry.job.state = to;
  ++state.by_state[static_cast<std::size_t>(to)];
}

void set_state(Context& ctx, JobEntry& entry, TaskState to, const Told& told) {
  if (entry.job.state != to) {
    count_state(ctx.state, entry, to);
    ++entry.job.version;
    announce(ctx, entry, told);
  }
}

void store_state(Context& ctx, JobEntry& entry, TaskState to, const Told& told) {
  count_state(ctx.state, entry, to);
  job_changed(ctx, entry);
  announce(ctx, entry, told);
}

void job_changed(Context& ctx, JobEntry& entry) {
  Job& job = entry.job;
  ++job.version;
  if (job.spec.durability == Durability::kDurable) {
    job.last_batch = ctx.batch();
    ctx.write(task_record(ctx.state, job));
  }
}

void announce(Context& ctx, const JobEntry& entry, const Told& told) {
  const Job& job = entry.job;
  ctx.happen(JobChanged{.job = job.id,
                        .ns = job.spec.ns,
                        .model = job.spec.model,
                        .state = job.state,
                        .attempt = job.attempts,
                        .node = std::string(told.node),
                        .variant = std::string(told.variant),
                        .reason = std::string(told.reason)},
             job.last_batch);
}

void line_up(Context& ctx, JobEntry& entry) {
  check(!is_terminal(entry.job.state), "a terminal job is never placed");
  entry.ready_order = ctx.state.ready.push(entry.job.id, entry.job.spec);
  entry.ready_since = ctx.now;
}

Attempt* find_attempt(JobEntry& entry, AttemptUid uid) {
  const auto it = std::ranges::find(entry.job.live, uid, &Attempt::uid);
  return it == entry.job.live.end() ? nullptr : &*it;
}

AttemptRef ref_of(const JobEntry& entry, const Attempt& attempt) {
  return {.job = entry.job.id, .number = attempt.number, .uid = attempt.uid};
}

void drop_attempt(Context& ctx, JobEntry& entry, AttemptUid uid) {
  Attempt* attempt = find_attempt(entry, uid);
  check(attempt != nullptr, "only a live attempt is dropped");
  const NodeId node = attempt->node;
  ctx.state.fleet.released(node, attempt->variant, attempt->predicted_service_s);
  ctx.state.ready.unblock_all();
  entry.job.live.erase(entry.job.live.begin() + (attempt - entry.job.live.data()));
  NodeEntry& owner = node_by_id(ctx.state, node);
  if (std::ranges::find(entry.job.live, node, &Attempt::node) == entry.job.live.end()) {
    owner.jobs.erase(entry.job.id);
  }
  drained_if_empty(ctx, owner);
}

void end_job(Context& ctx, JobEntry& entry, TaskState state, TaskResult result) {
  check(is_terminal(state) && !is_terminal(entry.job.state), "a job ends once");
  Job& job = entry.job;
  entry.ready_order = 0;
  result.ended_at = ctx.now;
  job.result = std::move(result);
  const TaskResult& ended = *job.result;
  auto live = std::exchange(job.live, {});  // the record of an ended job names no live attempts
  store_state(ctx, entry, state,
              {.node = ended.node_name,
               .variant = ended.variant_name,
               .reason = ended.error ? std::string_view(ended.error->message) : ""});
  job.live = std::move(live);
  if (job.spec.durability == Durability::kDurable) {
    ctx.write(ResultRecord{job.id, *job.result});
  }
  cancel_losers(ctx, entry);
  ctx.happen(
      JobEnded{.job = job.id,
               .ns = job.spec.ns,
               .model = job.spec.model,
               .node = ended.node_name,
               .variant = ended.variant_name,
               .preference = job.spec.preference_name.empty() ? "custom" : job.spec.preference_name,
               .state = state,
               .total = ctx.now - job.submitted_at,
               .usage = ended.usage,
               .predicted = ended.predicted,
               .actual = ended.actual},
      job.last_batch);
  sequence_task_ended(ctx, entry);
  --ctx.state.models.at(job.spec.model).open_jobs;
  --ctx.state.open_jobs;
  if (!job.spec.inputs.blob.empty()) {
    drop_blob(ctx, job.spec.inputs.blob);
  }
  job.spec.inputs = {};
  answer_waiters(ctx, entry);
  retain(ctx, entry);  // last: it may forget the job
}

void end_with_error(Context& ctx, JobEntry& entry, TaskState state, ErrorCode code,
                    std::string message) {
  TaskResult result;
  result.error = Error{code, std::move(message)};
  if (!entry.job.live.empty()) {
    const Attempt& last = entry.job.live.back();
    result.attempt = last.number;
    result.node_name = last.node_name;
    result.variant_name = last.variant_name;
    result.predicted = last.predicted;
  }
  end_job(ctx, entry, state, std::move(result));
}

void use_blob(State& state, const Payload& payload) {
  if (!payload.blob.empty()) {
    ++state.blob_uses[payload.blob];
  }
}

void drop_blob(Context& ctx, const std::string& digest) {
  const auto it = ctx.state.blob_uses.find(digest);
  check(it != ctx.state.blob_uses.end() && it->second > 0,
        "a blob is dropped as often as it was used");
  if (--it->second == 0) {
    ctx.state.blob_uses.erase(it);
    ctx.effects.dropped_blobs.push_back(digest);
  }
}

}  // namespace skerry::core
