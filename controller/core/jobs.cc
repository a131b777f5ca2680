// jobs.cc: changes of a job that several handlers share: its state, its attempts, its end.

#include <fmt/format.h>

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

void cancel_losers(Context& ctx, JobEntry& entry) {
  while (!entry.job.live.empty()) {
    const Attempt loser = entry.job.live.back();
    auto& node = node_by_id(ctx.state, loser.node);
    if (node.session) {  // though it is silent: if it is heard of again, nothing comes before this
      // It holds its slot until its agent says that it has ended: it has a moment to end by itself.
      node.ending[loser.uid] = loser.predicted_service_s;
      ctx.state.fleet.assigned(loser.node, loser.predicted_service_s);
      ctx.send(*node.session,
               CancelAttempt{ref_of(entry, loser), ctx.state.epoch,
                             std::string(to_string(entry.job.state))},
               entry.job.last_batch);
    }
    learn_cut_short(ctx, entry, loser);
    hedge_dropped(ctx, entry, loser);
    drop_attempt(ctx, entry, loser.uid);
  }
}

}  // namespace

void count_state(State& state, JobEntry& entry, TaskState to) {
  const bool ran = is_with_a_node(entry.job.state);
  --state.by_state[static_cast<std::size_t>(entry.job.state)];
  entry.job.state = to;
  ++state.by_state[static_cast<std::size_t>(to)];
  if (ran != is_with_a_node(to)) {
    const std::string& ns = entry.job.spec.ns;
    ran ? state.quotas.rests(ns) : state.quotas.runs(ns);
    state.ready.cap(ns, state.quotas.is_full(ns));
  }
}

void count_open(State& state, const JobEntry& entry) {
  ++state.models.at(entry.job.spec.model).open_jobs;
  ++state.open_jobs;
  state.quotas.opened(entry.job.spec.ns, entry.job.spec.inputs.size_bytes);
  use_blob(state, entry.job.spec.inputs);
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
  if (job.stored()) {
    job.last_batch = ctx.batch();
    ctx.write(record_of(ctx.state, job));
  }
}

void announce(Context& ctx, const JobEntry& entry, const Told& told) {
  const Job& job = entry.job;
  ctx.happen(JobChanged{.job = job.id,
                        .ns = job.spec.ns,
                        .model = job.spec.model,
                        .state = job.state,
                        .attempt = told.attempt != 0 ? told.attempt : job.attempts,
                        .node = std::string(told.node),
                        .variant = std::string(told.variant),
                        .reason = std::string(told.reason),
                        .same_state = told.same_state},
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
  ctx.state.fleet.released(node, attempt->predicted_service_s);
  ctx.state.ready.unblock_all();
  entry.job.live.erase(entry.job.live.begin() + (attempt - entry.job.live.data()));
  NodeEntry& owner = node_by_id(ctx.state, node);
  if (std::ranges::find(entry.job.live, node, &Attempt::node) == entry.job.live.end()) {
    owner.jobs.erase(entry.job.id);
  }
  drained_if_empty(ctx, owner);
}

void cancelled_is_over(Context& ctx, NodeEntry& node, AttemptUid uid) {
  if (const auto found = node.ending.find(uid); found != node.ending.end()) {
    ctx.state.fleet.released(node.id, found->second);
    ctx.state.ready.unblock_all();
    node.ending.erase(found);
  }
}

void forget_cancelled(Context& ctx, NodeEntry& node) {
  while (!node.ending.empty()) {
    cancelled_is_over(ctx, node, node.ending.begin()->first);
  }
}

bool goes_on_elsewhere(const JobEntry& entry) {
  return std::ranges::find(entry.job.live, false, &Attempt::silent) != entry.job.live.end();
}

void settle(Context& ctx, JobEntry& entry, std::string_view reason) {
  Job& job = entry.job;
  if (is_terminal(job.state) || job.state == TaskState::kReady ||
      job.state == TaskState::kBackoff || goes_on_elsewhere(entry)) {
    return;
  }
  const bool wait = std::ranges::any_of(job.live, [&](const Attempt& attempt) {
    const NodeEntry& node = node_by_id(ctx.state, attempt.node);
    return !node.given_up &&
           (job.spec.urgency != Urgency::kInteractive || !node.suspect || ctx.state.braking);
  });
  if (!wait) {
    retry_after_loss(ctx, entry, reason);
  } else {
    set_state(ctx, entry, TaskState::kUnknown, {.reason = reason});
  }
}

void resume(Context& ctx, JobEntry& entry, Attempt& attempt, bool running) {
  check(!is_terminal(entry.job.state), "only an open job is resumed");
  attempt.silent = false;
  entry.ready_order = 0;  // if it was in line for another node, it is not any more
  if (entry.job.state != TaskState::kRunning) {
    set_state(
        ctx, entry, running ? TaskState::kRunning : TaskState::kLeased,
        {.attempt = attempt.number, .node = attempt.node_name, .variant = attempt.variant_name});
  }
}

void retry_after_loss(Context& ctx, JobEntry& entry, std::string_view reason) {
  if (++entry.job.retries.infrastructure > ctx.state.settings.max_infrastructure_retries) {
    end_with_error(ctx, entry, TaskState::kFailed, ErrorCode::kNodeLost,
                   fmt::format("gave up after {} attempts, the last of which was lost: {}",
                               entry.job.attempts, reason));
    return;
  }
  store_state(ctx, entry, TaskState::kReady, {.reason = reason});
  line_up(ctx, entry);
}

void announce_end(Context& ctx, const Job& job) {
  const TaskResult& ended = *job.result;
  ctx.state.quotas.kept_output(job.spec.ns, ended.output.size_bytes);
  ctx.happen(
      JobEnded{.job = job.id,
               .ns = job.spec.ns,
               .model = job.spec.model,
               .node = ended.node_name,
               .variant = ended.variant_name,
               .preference = job.spec.preference_name.empty() ? "custom" : job.spec.preference_name,
               .state = job.state,
               .total = since(job.submitted_at, ended.ended_at),
               .usage = ended.usage,
               .predicted = ended.predicted,
               .actual = ended.actual},
      job.last_batch);
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
              {.attempt = ended.attempt,
               .node = ended.node_name,
               .variant = ended.variant_name,
               .reason = ended.error ? std::string_view(ended.error->message) : ""});
  job.live = std::move(live);
  if (job.stored()) {
    ctx.write(ResultRecord{job.id, *job.result});
  }
  cancel_losers(ctx, entry);
  announce_end(ctx, job);
  sequence_task_ended(ctx, entry);
  --ctx.state.models.at(job.spec.model).open_jobs;
  --ctx.state.open_jobs;
  ctx.state.quotas.closed(job.spec.ns, job.spec.inputs.size_bytes);
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

void deadline_timer(Context& ctx, JobId id) {
  const auto it = ctx.state.jobs.find(id);
  if (it != ctx.state.jobs.end() && !is_terminal(it->second.job.state) &&
      !it->second.job.handing_over) {
    end_with_error(ctx, it->second, TaskState::kExpired, ErrorCode::kDeadlineExceeded,
                   "its deadline passed before there was a result");
  }
}

void backoff_timer(Context& ctx, JobId id) {
  const auto it = ctx.state.jobs.find(id);
  if (it == ctx.state.jobs.end() || it->second.job.state != TaskState::kBackoff ||
      it->second.job.ready_at > ctx.now) {
    return;
  }
  set_state(ctx, it->second, TaskState::kReady);
  line_up(ctx, it->second);
}

void use_blob(State& state, const Payload& payload) {
  if (!payload.blob.empty()) {
    state.blob_uses.use(payload.blob);
  }
}

void drop_blob(Context& ctx, const std::string& digest) { ctx.state.blob_uses.drop(digest); }

}  // namespace skerry::core
