// attempts.cc: what agents report of attempts: started, ended, given back.
//
// The first result of a live attempt wins; whatever comes later, or from an attempt that is not
// live, gets a definite refusal (AckResult committed = false) and changes nothing.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

struct Found {
  JobEntry* entry = nullptr;
  Attempt* attempt = nullptr;
};

// The live attempt that the node speaks of; empty if there is none or it is another node's.
Found find_live(Context& ctx, const NodeEntry& node, const AttemptRef& ref) {
  const auto it = ctx.state.jobs.find(ref.job);
  if (it == ctx.state.jobs.end()) {
    return {};
  }
  Attempt* attempt = find_attempt(it->second, ref.uid);
  if (attempt == nullptr || attempt->node != node.id) {
    return {};
  }
  return {&it->second, attempt};
}

// A result that was sent again because its acknowledgement got lost is still the committed one.
bool was_committed(const Context& ctx, const AttemptRef& ref) {
  const auto it = ctx.state.jobs.find(ref.job);
  return it != ctx.state.jobs.end() && it->second.job.result &&
         it->second.job.result->uid == ref.uid;
}

TaskResult result_of(const Context& ctx, const Attempt& attempt, AttemptEnded& event) {
  return {.attempt = attempt.number,
          .uid = attempt.uid,
          .node_name = attempt.node_name,
          .variant_name = attempt.variant_name,
          .output = std::move(event.output),
          .error = std::nullopt,
          .usage = event.usage,
          .predicted = attempt.predicted,
          .actual = {.latency_s = to_seconds(since(attempt.leased_at, ctx.now)),
                     .energy_j = event.usage.energy_j,
                     .cost_usd = event.usage.cost_usd,
                     .error = attempt.predicted.error},
          .ended_at = ctx.now};
}

bool measured(const Usage& usage) {
  return !usage.energy_source.empty() && usage.energy_source != "modelled";
}

// What the outcome teaches about the node's speed and power. Its cost follows from its time.
void learn(Context& ctx, const JobEntry& entry, const Attempt& attempt, const AttemptEnded& event) {
  if (event.outcome != AttemptOutcome::kSucceeded) {
    return;
  }
  model_worked_on(ctx.state.models.at(entry.job.spec.model), attempt.node);
  ctx.state.fleet.observe_service(attempt.node, attempt.variant, to_seconds(event.usage.service));
  if (ctx.state.fleet.has_variant(attempt.variant)) {  // its model may have lost it since
    node_by_id(ctx.state, attempt.node).measured_at[attempt.variant] = ctx.now;
  }
  if (event.usage.load.count() > 0) {
    ctx.state.fleet.observe_load(attempt.node, attempt.variant, to_seconds(event.usage.load));
  } else if (measured(event.usage)) {
    ctx.state.fleet.observe_energy(
        attempt.node, attempt.variant,
        {.energy_j = event.usage.energy_j,
         .service_s = to_seconds(event.usage.service),
         .input_bytes = static_cast<double>(entry.job.spec.inputs.size_bytes)});
  }
}

void succeed(Context& ctx, JobEntry& entry, TaskResult result) {
  use_blob(ctx.state, result.output);
  end_job(ctx, entry, TaskState::kSucceeded, std::move(result));
}

void back_off(Context& ctx, JobEntry& entry, std::uint32_t tries, const Attempt& attempt,
              std::string_view reason) {
  const Settings& settings = ctx.state.settings;
  const double ceiling =
      std::min(to_seconds(settings.backoff_cap),
               to_seconds(settings.backoff_base) * std::exp2(std::min<double>(tries, 30)));
  entry.job.ready_at = ctx.now + duration_from_seconds(ctx.state.jitter.uniform(0, ceiling));
  ctx.state.timers.add({entry.job.ready_at, TimerKind::kBackoff, entry.job.id.value});
  store_state(ctx, entry, TaskState::kBackoff,
              {.attempt = attempt.number,
               .node = attempt.node_name,
               .variant = attempt.variant_name,
               .reason = reason});
}

void exclude(JobEntry& entry, NodeId node) {
  if (std::ranges::find(entry.job.excluded, node) == entry.job.excluded.end()) {
    entry.job.excluded.push_back(node);
  }
}

void failed_by_infrastructure(Context& ctx, JobEntry& entry, const Attempt& attempt,
                              const std::string& error) {
  exclude(entry, attempt.node);
  if (++entry.job.retries.infrastructure > ctx.state.settings.max_infrastructure_retries) {
    end_with_error(ctx, entry, TaskState::kFailed, ErrorCode::kUnavailable,
                   fmt::format("gave up after {} attempts; the last, on {}, failed: {}",
                               entry.job.attempts, attempt.node_name, error));
    return;
  }
  back_off(ctx, entry, entry.job.retries.infrastructure, attempt, error);
}

void crashed(Context& ctx, JobEntry& entry, const Attempt& attempt, const std::string& error) {
  const bool another_node =
      std::ranges::find(entry.job.excluded, attempt.node) == entry.job.excluded.end();
  exclude(entry, attempt.node);
  entry.job.retries.crashes += 1;
  const auto& settings = ctx.state.settings;
  // The same node may have crashed it alone (bad memory, say), so that counts once more before it
  // is held against the task.
  const bool enough = entry.job.retries.crashes > settings.max_crashes ||
                      (another_node && entry.job.retries.crashes >= settings.max_crashes);
  if (enough) {  // another attempt would crash as well
    end_with_error(ctx, entry, TaskState::kQuarantined, ErrorCode::kQuarantined,
                   fmt::format("it crashed the model's process {} times, last on {}: {}",
                               entry.job.retries.crashes, attempt.node_name, error));
    return;
  }
  if (goes_on_elsewhere(entry)) {
    job_changed(ctx, entry);
    return;
  }
  back_off(ctx, entry, entry.job.retries.crashes, attempt, error);
}

// Decides what becomes of the task. The job may be forgotten afterwards.
void attempt_failed(Context& ctx, JobEntry& entry, const Attempt& attempt, AttemptEnded& event) {
  if (event.outcome == AttemptOutcome::kCrashed) {
    model_crashed_on(ctx, ctx.state.models.at(entry.job.spec.model), attempt.node);
  }
  if (event.outcome == AttemptOutcome::kCrashed && keeps_state(ctx.state, entry.job.spec)) {
    sequence_lost(ctx, entry.sequence,
                  "the process that held this sequence's state crashed; start a new sequence");
    return;
  }
  if (event.outcome == AttemptOutcome::kSequenceLost && entry.sequence != 0) {
    sequence_lost(ctx, entry.sequence,
                  fmt::format("this sequence's state is not on {} any more, since {}; start a new "
                              "sequence",
                              attempt.node_name, event.error));
    return;
  }
  if (event.outcome == AttemptOutcome::kModelFailed) {
    TaskResult result = result_of(ctx, attempt, event);
    result.output = {};
    result.error = Error{ErrorCode::kModelFailed, event.error};
    end_job(ctx, entry, TaskState::kFailed, std::move(result));
    return;
  }
  if (event.outcome == AttemptOutcome::kCrashed) {
    crashed(ctx, entry, attempt, event.error);
    return;
  }
  if (goes_on_elsewhere(entry)) {
    job_changed(ctx, entry);
    return;
  }
  switch (event.outcome) {
    case AttemptOutcome::kExpired:
      if (entry.job.spec.constraints.deadline) {
        end_with_error(ctx, entry, TaskState::kExpired, ErrorCode::kDeadlineExceeded,
                       "its deadline passed while it ran");
        return;
      }
      [[fallthrough]];
    default:
      failed_by_infrastructure(ctx, entry, attempt, event.error);
  }
}

// Once it is decided what becomes of the task.
void tell_failure(Context& ctx, JobId id, const Attempt& attempt, std::string_view reason,
                  BatchNumber after) {
  const auto it = ctx.state.jobs.find(id);
  ctx.happen(
      AttemptFailed{.job = id,
                    .model = ctx.state.variant_names.at(attempt.variant.value).model,
                    .node = attempt.node_name,
                    .reason = std::string(reason),
                    .retried = it != ctx.state.jobs.end() && !is_terminal(it->second.job.state)},
      after);
}

}  // namespace

void handle(Context& ctx, AttemptStarted& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;
  }
  node_heard(ctx, *node);
  const auto [entry, attempt] = find_live(ctx, *node, event.attempt);
  if (entry == nullptr) {
    return;
  }
  if (!attempt->started_at) {
    attempt->started_at = ctx.now;
    ++entry->job.version;
  }
  resume(ctx, *entry, *attempt, true);
}

void handle(Context& ctx, AttemptEnded& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;  // the stream is gone; the agent will send it again on the next
  }
  node_heard(ctx, *node);
  const auto [entry, attempt] = find_live(ctx, *node, event.attempt);
  if (entry == nullptr) {
    cancelled_is_over(ctx, *node, event.attempt.uid);
    // The agent forgets the result on this word, so whatever it rests on must be durable.
    ctx.send(event.session, AckResult{event.attempt, was_committed(ctx, event.attempt)},
             ctx.state.batches);
    return;
  }
  learn(ctx, *entry, *attempt, event);
  const Attempt ended = *attempt;
  const AttemptRef ref = event.attempt;
  const BatchNumber after = ctx.batch_of(entry->job);
  drop_attempt(ctx, *entry, ended.uid);
  const bool succeeded = event.outcome == AttemptOutcome::kSucceeded;
  hedge_ended(ctx, *entry, ended, succeeded);
  if (succeeded) {
    learn_tail(ctx, *entry, ended);
    TaskResult result = result_of(ctx, ended, event);
    judge_outcome(ctx, entry->job, ended, result.actual);
    succeed(ctx, *entry, std::move(result));  // may forget the job
  } else {
    attempt_failed(ctx, *entry, ended, event);
    tell_failure(ctx, ref.job, ended, to_string(event.outcome), after);
  }
  ctx.send(event.session, AckResult{ref, true}, after);
}

void handle(Context& ctx, AttemptReturned& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;
  }
  node_heard(ctx, *node);
  const auto [entry, attempt] = find_live(ctx, *node, event.attempt);
  if (entry == nullptr) {
    cancelled_is_over(ctx, *node, event.attempt.uid);
    return;
  }
  const Attempt returned = *attempt;
  drop_attempt(ctx, *entry, returned.uid);
  hedge_ended(ctx, *entry, returned, false);
  if (goes_on_elsewhere(*entry)) {
    job_changed(ctx, *entry);
  } else {
    if (!node->draining) {
      exclude(*entry, node->id);  // it may say so for ever, of this task
    }
    back_off(ctx, *entry, ++entry->job.retries.returned, returned, event.reason);
  }
  tell_failure(ctx, entry->job.id, returned, "returned", entry->job.last_batch);
}

}  // namespace skerry::core
