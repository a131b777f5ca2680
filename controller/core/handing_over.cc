// handing_over.cc: a site's core gives its jobs to the controller (the other side: site_jobs.cc).
//
// What ended here is brought, and only then retained like other ended jobs. What has not begun is held
// back from placement once it is named to the controller, until the controller has said what became of
// it: else it could end twice. Held back, it is MOVED when the controller has it, and in line again when
// it is refused.

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

// Whoever submitted it and waits for its result gets that here; and a sequence's state is on this node.
bool may_be_handed_over(const State& state, const JobEntry& entry) {
  const Job& job = entry.job;
  return job.state == TaskState::kReady && job.stored() && !job.handing_over && !job.kept_here &&
         job.live.empty() && job.spec.sequence.empty() &&
         job.spec.urgency != Urgency::kInteractive &&
         std::ranges::none_of(entry.waiters,
                              [&](Ticket ticket) { return state.waiters.at(ticket).from_submit; });
}

void move(Context& ctx, JobEntry& entry) {
  entry.job.handing_over = false;
  end_job(ctx, entry, TaskState::kMoved, {});
}

void take_back(Context& ctx, JobEntry& entry) {
  entry.job.handing_over = false;
  entry.job.kept_here =
      true;  // it is not tried again: what the controller refuses once, it does again
  job_changed(ctx, entry);
  line_up(ctx, entry);
  if (const auto& deadline = entry.job.spec.constraints.deadline) {
    ctx.state.timers.add({*deadline, TimerKind::kDeadline, entry.job.id.value});
  }
}

}  // namespace

void handle(Context& ctx, HandOver& event) {
  State& state = ctx.state;
  check(state.settings.brings_jobs, "only a site hands jobs over");
  std::optional<JobId> last;
  std::size_t marked = 0;
  for (auto it = state.jobs.upper_bound(event.after); it != state.jobs.end() && marked < event.most;
       ++it) {
    JobEntry& entry = it->second;
    if (!may_be_handed_over(state, entry)) {
      continue;
    }
    entry.job.handing_over = true;
    entry.ready_order = 0;
    state.to_bring.insert(entry.job.id);
    job_changed(ctx, entry);
    last = entry.job.id;
    ++marked;
  }
  ctx.answer(event.ticket, HandedOver{.last = last}, ctx.batch_so_far());
}

void handle(Context& ctx, SiteJobSettled& event) {
  State& state = ctx.state;
  const auto it = state.jobs.find(event.job);
  if (it == state.jobs.end() || state.to_bring.erase(event.job) == 0) {
    return;  // settled before
  }
  JobEntry& entry = it->second;
  const bool taken = event.taken_as.value != 0;
  if (taken) {
    entry.job.taken_as = event.taken_as;
  }
  if (!is_terminal(entry.job.state)) {
    return taken ? move(ctx, entry) : take_back(ctx, entry);
  }
  entry.job.kept_here = !taken;
  job_changed(ctx, entry);
  retain(ctx, entry);
}

// Ended jobs wait for the controller first, and are retained like others afterwards.
bool waits_to_be_brought(const State& state, const Job& job) {
  return state.settings.brings_jobs && job.stored() && job.taken_as.value == 0 && !job.kept_here;
}

std::vector<Job> Core::jobs_to_bring(JobId after, std::size_t most) const {
  std::vector<Job> jobs;
  for (auto it = state_->to_bring.upper_bound(after);
       it != state_->to_bring.end() && jobs.size() < most; ++it) {
    jobs.push_back(state_->jobs.at(*it).job);
  }
  return jobs;
}

std::size_t Core::to_bring() const { return state_->to_bring.size(); }

}  // namespace skerry::core
