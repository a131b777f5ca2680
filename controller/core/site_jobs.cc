// site_jobs.cc: takes in jobs that a site accepted while it was alone (the other side: handing_over.cc).
//
// One that ended there is recorded as it ended; one that did not is placed like any other. Each has an
// id of ours from then on, and is taken once: what a site brings again is told the same id, for as long
// as the job is remembered.

#include <fmt/format.h>

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

constexpr std::string_view kSiteKeys =
    "@site";  // no namespace of users, whose names begin alphanumeric

IdempotencyName key_of(const NodeEntry& node, JobId id) {
  const std::string& who = node.identity.empty() ? node.spec.name : node.identity;
  return {std::string(kSiteKeys), fmt::format("{} {}", who, to_string(id))};
}

Status check_ended(const SiteJobRecords& brought) {
  const bool succeeded = brought.task.state == TaskState::kSucceeded;
  const bool ended = is_terminal(brought.task.state) && brought.task.state != TaskState::kMoved;
  if (ended != brought.result.has_value() || (!ended && brought.task.state != TaskState::kReady)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a job in state {} {} a result is not brought",
                            to_string(brought.task.state), brought.result ? "with" : "without"));
  }
  if (ended && succeeded == brought.result->result.error.has_value()) {
    return fail(ErrorCode::kInvalidArgument, "a job has an error if and only if it failed");
  }
  return {};
}

Status acceptable(const State& state, const SiteJobRecords& brought, Instant now) {
  const JobSpec& spec = brought.job.spec;
  for (const auto& valid : {validate_name("namespace", spec.ns), validate_model_name(spec.model),
                            check_ended(brought)}) {
    if (!valid) {
      return valid;
    }
  }
  return brought.result ? Status() : admit_open(state, spec, now);
}

void remember_as_taken(Context& ctx, const IdempotencyName& key, JobId ours) {
  remember_key(
      ctx.state,
      {.name = key, .request_digest = {}, .jobs = {ours}, .remembered = 0, .batch = ctx.batch()});
  ctx.write(IdempotencyRecord{key.first, key.second, {}, {ours}});
}

JobId record_ended(Context& ctx, SiteJobRecords& brought, const IdempotencyName& key) {
  State& state = ctx.state;
  const JobId id = JobId::make(state.epoch, state.next_job++);
  JobEntry& entry = state.jobs.emplace_hint(state.jobs.end(), id, JobEntry{})->second;
  Job& job = entry.job;
  job.id = id;
  job.epoch = state.epoch;
  job.spec = std::move(brought.job.spec);
  job.spec.inputs = {};
  job.spec.durability = Durability::kDurable;
  job.submitted_at = std::min(brought.job.submitted_at, ctx.now);
  job.attempts = brought.task.attempts;
  job.retries = brought.task.retries;
  job.result = std::move(brought.result->result);
  job.result->ended_at = std::min(job.result->ended_at, ctx.now);  // by a clock that may be ahead
  job.result->brought_at = ctx.now;
  use_blob(state, job.result->output);
  ++state.by_state[static_cast<std::size_t>(job.state)];
  ctx.write(JobRecord{id, job.spec, job.submitted_at});
  ctx.write(ResultRecord{id, *job.result});
  store_state(ctx, entry, brought.task.state,
              {.node = job.result->node_name,
               .variant = job.result->variant_name,
               .reason = "brought by its site"});
  announce_end(ctx, job);
  remember_as_taken(ctx, key, id);
  retain(ctx, entry);  // which may forget it again, and its key with it
  return id;
}

}  // namespace

void handle(Context& ctx, SiteJobBrought& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;
  }
  node_heard(ctx, *node);
  SiteJobRecords& brought = event.job;
  const JobId theirs = brought.job.id;
  const auto tell = [&](JobId taken_as, std::string error, BatchNumber after) {
    ctx.send(event.session, TakeSiteJob{theirs, taken_as, std::move(error)}, after);
  };
  const IdempotencyName key = key_of(*node, theirs);
  if (const auto known = ctx.state.idempotency_numbers.find(key);
      known != ctx.state.idempotency_numbers.end()) {
    const IdempotencyEntry& entry = ctx.state.idempotency.at(known->second);
    return tell(entry.jobs.front(), {}, entry.batch);
  }
  if (const Status good = acceptable(ctx.state, brought, ctx.now); !good) {
    return tell({}, good.error().message, 0);
  }
  brought.job.spec.labels["skerry/site-node"] = node->spec.name;
  brought.job.spec.labels["skerry/site-job"] = to_string(theirs);
  const bool ended = brought.result.has_value();
  JobId ours;
  if (ended) {
    ours = record_ended(ctx, brought, key);
  } else {
    ours =
        accept_job(ctx, std::move(brought.job.spec), std::min(brought.job.submitted_at, ctx.now));
    remember_as_taken(ctx, key, ours);
  }
  node->brought_jobs += ended ? 1 : 0;
  tell(ours, {}, ctx.batch());
}

}  // namespace skerry::core
