// submit.cc: what clients ask of jobs: submit, wait, list, go away, cancel.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "controller/core/admission.h"
#include "controller/core/context.h"
#include "controller/core/unknown.h"

namespace skerry::core {

namespace {

// Whether a refusal says nothing against the jobs, only that there is too much of them.
bool is_for_now(ErrorCode code) {
  return code == ErrorCode::kOverloaded || code == ErrorCode::kQuotaRate ||
         code == ErrorCode::kQuotaOpenJobs || code == ErrorCode::kQuotaInputBytes ||
         code == ErrorCode::kQuotaStoredBytes;
}

Status within_quota(State& state, const Submit& event, Instant now) {
  std::uint64_t input_bytes = 0;
  for (const JobSpec& spec : event.jobs) {
    input_bytes += spec.inputs.size_bytes;
  }
  return state.quotas.admit(event.jobs.front().ns, event.jobs.size(), input_bytes, now);
}

Status has_room(const State& state, Urgency urgency, std::size_t jobs) {
  const std::size_t held = state.open_jobs + state.to_bring.size();
  const auto most = static_cast<std::uint64_t>(
      std::ceil(share_for(urgency) * static_cast<double>(state.settings.max_open_jobs)));
  if (held + jobs <= most) {
    return {};
  }
  return fail(ErrorCode::kOverloaded,
              fmt::format("{} jobs are open{}, and {} work is taken up to {}; try again when some "
                          "have ended",
                          held, state.to_bring.empty() ? "" : " or wait for the controller",
                          to_string(urgency), most));
}

Status model_takes_work(const State& state, const JobSpec& spec, const std::string& field,
                        Instant now) {
  const std::string& name = spec.model;
  const ModelEntry* model = find_model(state, spec.ns, name);
  if (model == nullptr) {
    return fail(unknown_model(name, field));
  }
  if (!model->tripped) {
    return {};
  }
  return fail(
      ErrorCode::kUnavailable,
      fmt::format("model '{}' crashed on several nodes and takes no new work for {:.0f} s, or "
                  "until it is applied again",
                  name, to_seconds(model->tripped_until - now)),
      {{field, "apply a mended model, or try again later"}});
}

Status admit(State& state, const Submit& event, Instant now) {
  if (event.jobs.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no jobs given");
  }
  if (Status room = has_room(state, urgency_of(event.jobs), event.jobs.size()); !room) {
    return room;
  }
  for (std::size_t i = 0; i < event.jobs.size(); ++i) {
    const JobSpec& spec = event.jobs[i];
    const std::string field = event.jobs.size() == 1 ? "/model" : fmt::format("/jobs/{}/model", i);
    if (auto usable = model_takes_work(state, spec, field, now); !usable) {
      return usable;
    }
    if (spec.durability == Durability::kNone && (event.jobs.size() > 1 || !event.wait_until)) {
      return fail(ErrorCode::kInvalidArgument,
                  "durability 'none' is for one job whose caller waits for it",
                  {{"/durability", "use 'durable', or send one job with 'Prefer: wait=N'"}});
    }
    if (spec.durability == Durability::kNone && event.idempotency) {
      return fail(ErrorCode::kInvalidArgument,
                  "an Idempotency-Key is for stored jobs: nothing of a job of durability 'none' is "
                  "remembered",
                  {{"/durability", "use 'durable', or send no Idempotency-Key"}});
    }
  }
  return within_quota(state, event, now);  // last: it takes off the allowance
}

JobEntry& accept(Context& ctx, JobSpec spec, Instant submitted_at) {
  State& state = ctx.state;
  const JobId id = JobId::make(state.epoch, state.next_job++);
  JobEntry& entry = state.jobs.emplace_hint(state.jobs.end(), id, JobEntry{})->second;
  entry.job.id = id;
  ++state.by_state[static_cast<std::size_t>(entry.job.state)];
  entry.job.submitted_at = submitted_at;
  entry.job.epoch = state.epoch;
  entry.job.spec = std::move(spec);
  const ModelEntry& model = *find_model(state, entry.job.spec.ns, entry.job.spec.model);
  entry.job.spec.model = model.manifest.name;
  entry.model = model.id;
  count_open(state, entry);
  if (entry.job.stored()) {
    entry.job.last_batch = ctx.batch();
    ctx.write(JobRecord{id, entry.job.spec, submitted_at});
  }
  if (const auto& deadline = entry.job.spec.constraints.deadline) {
    state.timers.add({*deadline, TimerKind::kDeadline, id.value});
  }
  if (entry.job.spec.sequence.empty()) {
    line_up(ctx, entry);
  } else {
    join_sequence(ctx, entry);
  }
  announce(ctx, entry);
  return entry;
}

void wait_for(Context& ctx, JobEntry& entry, Ticket ticket, Instant until, bool from_submit) {
  ctx.state.waiters[ticket] = {.job = entry.job.id,
                               .until = until,
                               .owns_job = from_submit && !entry.job.stored(),
                               .from_submit = from_submit};
  entry.waiters.push_back(ticket);
  ctx.state.timers.add({until, TimerKind::kWait, ticket});
}

// The key was used before: the first answer again, or a refusal.
void replay(Context& ctx, const Submit& event, const IdempotencyEntry& known) {
  if (known.request_digest != event.idempotency->request_digest) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kIdempotencyMismatch,
                    fmt::format("the Idempotency-Key '{}' was used before with another request",
                                event.idempotency->key)));
    return;
  }
  if (event.wait_until && known.jobs.size() == 1) {
    JobEntry& entry = ctx.state.jobs.at(known.jobs.front());
    if (is_terminal(entry.job.state)) {
      ctx.answer(event.ticket, Finished{entry.job}, entry.job.last_batch);
    } else {
      wait_for(ctx, entry, event.ticket, *event.wait_until, true);
    }
    return;
  }
  ctx.answer(event.ticket, Submitted{known.jobs, true}, known.batch);
}

void remember(Context& ctx, const Submit& event, const std::vector<JobId>& jobs) {
  const auto& [key, digest] = *event.idempotency;
  const std::string& ns = event.jobs.front().ns;
  remember_key(ctx.state, {.name = {ns, key},
                           .request_digest = digest,
                           .jobs = jobs,
                           .remembered = 0,
                           .batch = ctx.batch()});
  ctx.write(IdempotencyRecord{ns, key, digest, jobs});
}

JobEntry* find(State& state, const Within& within, JobId id) {
  const auto it = state.jobs.find(id);
  return it == state.jobs.end() || !within.holds(it->second.job.spec.ns) ? nullptr : &it->second;
}

bool matches(const JobFilter& filter, const Job& job) {
  return (filter.ns.empty() || filter.ns == job.spec.ns) && filter.within.holds(job.spec.ns) &&
         (filter.model.empty() || filter.model == job.spec.model) &&
         (!filter.state || *filter.state == job.state);
}

Result<Reply> time_is_up(const State::Waiter& waiter, const Job& job) {
  if (waiter.from_submit) {
    return Submitted{{job.id}, false};
  }
  return StillRunning{job};
}

}  // namespace

Status admit_open(const State& state, const JobSpec& spec, Instant now) {
  Status room = has_room(state, spec.urgency, 1);
  return room ? model_takes_work(state, spec, "/model", now) : room;
}

JobId accept_job(Context& ctx, JobSpec spec, Instant submitted_at) {
  return accept(ctx, std::move(spec), submitted_at).job.id;
}

void remember_key(State& state, IdempotencyEntry entry) {
  const std::uint64_t number = state.next_idempotency++;
  for (const auto id : entry.jobs) {
    if (const auto job = state.jobs.find(id); job != state.jobs.end()) {
      job->second.idempotency = number;
      ++entry.remembered;
    }
  }
  check(entry.remembered > 0, "a key is remembered with a job of its request");
  state.idempotency_numbers[entry.name] = number;
  state.idempotency.emplace(number, std::move(entry));
}

void handle(Context& ctx, Submit& event) {
  if (event.idempotency && !event.jobs.empty()) {
    const auto known =
        ctx.state.idempotency_numbers.find({event.jobs.front().ns, event.idempotency->key});
    if (known != ctx.state.idempotency_numbers.end()) {
      replay(ctx, event, ctx.state.idempotency.at(known->second));
      return;
    }
  }
  if (auto admitted = admit(ctx.state, event, ctx.now); !admitted) {
    if (is_for_now(admitted.error().code)) {
      ctx.happen(SubmitRefused{.ns = event.jobs.front().ns,
                               .jobs = event.jobs.size(),
                               .reason = std::string(to_string(admitted.error().code))});
    }
    ctx.answer(event.ticket, fail(std::move(admitted).error()));
    return;
  }
  std::vector<JobId> ids;
  ids.reserve(event.jobs.size());
  for (auto& spec : event.jobs) {
    ids.push_back(accept(ctx, spec, ctx.now).job.id);
  }
  if (event.idempotency) {
    remember(ctx, event, ids);
  }
  if (event.wait_until && ids.size() == 1) {
    wait_for(ctx, ctx.state.jobs.at(ids.front()), event.ticket, *event.wait_until, true);
    return;
  }
  const BatchNumber after = ctx.batch();
  ctx.answer(event.ticket, Submitted{std::move(ids), false}, after);
}

void handle(Context& ctx, Await& event) {
  JobEntry* entry = find(ctx.state, event.within, event.job);
  if (entry == nullptr) {
    ctx.answer(event.ticket, fail(unknown_job(event.job)));
  } else if (is_terminal(entry->job.state)) {
    ctx.answer(event.ticket, Finished{entry->job}, entry->job.last_batch);
  } else if (event.until <= ctx.now) {
    ctx.answer(event.ticket, StillRunning{entry->job}, entry->job.last_batch);
  } else {
    wait_for(ctx, *entry, event.ticket, event.until, false);
  }
}

// That a job ended is told only when it is durable, as everywhere.
void handle(Context& ctx, ListJobs& event) {
  check(event.limit > 0, "a page has room for a job");
  const auto& jobs = ctx.state.jobs;
  Listed page;
  BatchNumber after = 0;
  auto it = event.before ? jobs.lower_bound(*event.before) : jobs.end();
  for (std::size_t i = 0; i < kJobsPerList && page.jobs.size() < event.limit && it != jobs.begin();
       ++i) {
    --it;
    const Job& job = it->second.job;
    if (matches(event.filter, job)) {
      page.jobs.push_back(job);
      after = is_terminal(job.state) ? std::max(after, job.last_batch) : after;
    }
  }
  if (it != jobs.begin()) {
    page.next = it->first;
  }
  ctx.answer(event.ticket, std::move(page), after);
}

void handle(Context& ctx, Abandon& event) {
  const auto it = ctx.state.waiters.find(event.ticket);
  if (it == ctx.state.waiters.end()) {
    return;
  }
  const State::Waiter waiter = it->second;
  ctx.state.waiters.erase(it);
  JobEntry& entry = ctx.state.jobs.at(waiter.job);
  std::erase(entry.waiters, event.ticket);
  if (waiter.owns_job) {
    end_with_error(ctx, entry, TaskState::kCancelled, ErrorCode::kCancelled,
                   "its caller went away");
  }
}

void handle(Context& ctx, CancelJob& event) {
  JobEntry* entry = find(ctx.state, event.within, event.job);
  if (entry == nullptr) {
    ctx.answer(event.ticket, fail(unknown_job(event.job)));
    return;
  }
  if (entry->job.handing_over) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kUnavailable,
                    fmt::format("job '{}' is being handed over to the controller; try again",
                                to_string(event.job))));
    return;
  }
  const TaskState state = entry->job.state;
  const BatchNumber known = entry->job.last_batch;
  if (state == TaskState::kCancelled) {
    ctx.answer(event.ticket, Changed{false}, known);
  } else if (is_terminal(state)) {
    ctx.answer(event.ticket,
               fail(ErrorCode::kConflict, fmt::format("job '{}' has ended already: {}",
                                                      to_string(event.job), to_string(state))),
               known);
  } else {
    const BatchNumber after = ctx.batch_of(entry->job);
    end_with_error(ctx, *entry, TaskState::kCancelled, ErrorCode::kCancelled,
                   "cancelled by its owner");
    ctx.answer(event.ticket, Changed{true}, after);
  }
}

void answer_waiters(Context& ctx, JobEntry& entry) {
  for (const auto ticket : std::exchange(entry.waiters, {})) {
    ctx.state.waiters.erase(ticket);
    ctx.answer(ticket, Finished{entry.job}, entry.job.last_batch);
  }
}

void wait_timer(Context& ctx, Ticket ticket) {
  const auto it = ctx.state.waiters.find(ticket);
  if (it == ctx.state.waiters.end() || it->second.until > ctx.now) {
    return;
  }
  const State::Waiter waiter = it->second;
  JobEntry& entry = ctx.state.jobs.at(waiter.job);
  if (waiter.owns_job) {  // nothing is stored, so the end of the wait is the end of the job
    end_with_error(ctx, entry, TaskState::kExpired, ErrorCode::kDeadlineExceeded,
                   "no result within the time that the caller waits");
    return;
  }
  ctx.state.waiters.erase(it);
  std::erase(entry.waiters, ticket);
  ctx.answer(ticket, time_is_up(waiter, entry.job), entry.job.last_batch);
}

}  // namespace skerry::core
