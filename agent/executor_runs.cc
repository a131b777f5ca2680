// The half of the executor that gives slots away and takes results in.

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "agent/executor.h"
#include "common/check.h"

namespace skerry::agent {

void Executor::settle(Instant now) {
  for (bool changed = true; changed;) {
    changed = false;
    for (Engine* engine : engines_) {
      for (RunEnded& run : engine->take_ended()) {
        ended(now, std::move(run));
        changed = true;
      }
    }
    // A probe holds no slot against a task: it may be loading for a second.
    const auto busy = [this] { return running_ - (probes_.running() ? 1 : 0); };
    while ((busy() < options_.slots && start_next(now)) || start_probe(now)) {
      changed = true;
    }
  }
  tell_resident();
  note_spool();
}

// Starts the first waiting attempt that fits. One that has waited long for room is not passed any
// more.
bool Executor::start_next(Instant now) {
  for (const QueuePlace place : waiting_) {
    Attempt& attempt = attempts_.at(place.token);
    Work work{
        .variant = {attempt.assign.model, attempt.assign.variant, attempt.assign.manifest_revision},
        .manifest = attempt.manifest,
        .digest = attempt.assign.artifact,
        .artifact_path = attempt.artifact_path,
        .input = attempt.input,
        .ns = attempt.assign.ns,
        .sequence = attempt.assign.sequence,
        .sequence_step = attempt.assign.sequence_step};
    const Verdict verdict = attempt.engine->admit(now, work);
    if (verdict.admission == Admission::kNow) {
      start(now, attempt, std::move(work));
      return true;
    }
    if (verdict.admission == Admission::kNever) {
      give_back(attempt, verdict.reason);
      return true;
    }
    if (verdict.admission == Admission::kLost) {
      end_unstarted(attempt, Outcome::kSequenceLost, verdict.reason);
      return true;
    }
    if (verdict.admission == Admission::kFull && now - attempt.ready > options_.patience) {
      return false;
    }
  }
  return false;
}

void Executor::start(Instant now, Attempt& attempt, Work work) {
  waiting_.erase({.batch = !attempt.assign.interactive, .token = attempt.token});
  count_running(now, 1);
  attempt.stage = Stage::kRunning;
  attempt.started = now;
  attempt.ledger_j = ledger_.share_j();
  messages_.emplace_back(Started{.attempt = attempt.assign.attempt});
  attempt.engine->start(now, attempt.token, std::move(work));
}

bool Executor::is_loaded(const Engine& engine, const VariantRef& variant) {
  const std::vector<VariantRef> loaded = engine.resident();
  return std::ranges::binary_search(loaded, variant);
}

bool Executor::start_probe(Instant now) {
  if (running_ > 0 || !waiting_.empty()) {
    return false;
  }
  std::optional<Probes::Step> step = probes_.next();
  if (!step) {
    return false;
  }
  if (step->resident_only && !is_loaded(*step->engine, step->work.variant)) {
    probe_ended(probes_.fail_front("it is not loaded any more"), step->token);
    return true;
  }
  const Verdict verdict = step->engine->admit(now, step->work);
  if (verdict.admission == Admission::kNever) {
    probe_ended(probes_.fail_front(verdict.reason), step->token);
    return true;
  }
  if (verdict.admission != Admission::kNow) {
    return false;
  }
  probes_.started();
  count_running(now, 1);
  step->engine->start(now, step->token, std::move(step->work));
  return true;
}

void Executor::ended(Instant now, RunEnded run) {
  count_running(now, -1);
  if (run.artifact_damaged) {
    const auto probed = probe_artifacts_.find(run.token);
    blobs_.distrust(probed != probe_artifacts_.end() ? probed->second
                                                     : attempts_.at(run.token).assign.artifact);
  }
  if (probes_.owns(run.token)) {
    return probe_ended(probes_.ended(run), run.token);
  }
  Attempt* attempt = find(run.token);
  check(attempt != nullptr && attempt->stage == Stage::kRunning, "only what runs can end");
  if (run.load.count() > 0) {
    loads_[attempt->assign.model + '/' + attempt->assign.variant] = run.load;
  }
  Ended result{.attempt = attempt->assign.attempt, .outcome = run.outcome, .error = run.error};
  result.usage = usage(now, *attempt, run);
  const bool early = run.outcome == Outcome::kCancelled || attempt->ending == Outcome::kExpired;
  if (early &&
      attempt->ending == Outcome::kInfrastructure) {  // at a stop, which costs the task nothing
    return give_back(*attempt, attempt->ending_reason);
  }
  if (early) {
    result.outcome = attempt->ending.value_or(Outcome::kInfrastructure);
    result.error = attempt->ending_reason;
  }
  if (result.outcome != Outcome::kSucceeded) {
    return finish(*attempt, std::move(result));
  }
  check(run.output != nullptr, "a run that succeeded has an output");
  result.output = {.bytes = run.output, .blob = {}, .size_bytes = run.output->size()};
  if (run.output->size() <= kInlineLimitBytes) {
    return finish(*attempt, std::move(result));
  }
  attempt->stage = Stage::kStoring;
  attempt->unstored = std::move(result);
  blobs_.store(attempt->token << 1, std::move(run.output), attempt->assign.attempt.master);
}

void Executor::finish(Attempt& attempt, Ended result) {
  log_.debug("attempt ended: {}{}{}", to_string(result.outcome),
             result.error.empty() ? "" : ": " + result.error,
             fields({{"job", to_string(result.attempt.job)},
                     {"number", std::to_string(result.attempt.number)},
                     {"attempt", to_string(result.attempt.uid)}}));
  journal_.finish(std::move(result));
  forget(attempt, false);
}

void Executor::forget(Attempt& attempt, bool returned) {
  if (attempt.holds_blobs && !attempt.assign.input.blob.empty()) {
    blobs_.release(attempt.assign.input.blob);
  }
  if (attempt.holds_blobs && attempt.engine->needs_artifact()) {
    blobs_.release(attempt.assign.artifact);
  }
  const AttemptUid uid = attempt.assign.attempt.uid;
  remembered_[uid] = returned;
  remembered_order_.push_back(uid);
  if (remembered_order_.size() > options_.remembered) {
    remembered_.erase(remembered_order_.front());
    remembered_order_.pop_front();
  }
  waiting_.erase({.batch = !attempt.assign.interactive, .token = attempt.token});
  timers_.erase({attempt.deadline, attempt.token});
  by_uid_.erase(uid);
  attempts_.erase(attempt.token);
}

Usage Executor::usage(Instant now, const Attempt& attempt, const RunEnded& run) {
  // Both materials are fetched at the same time; the artifact counts with what it took longer.
  const Duration artifact = std::max(attempt.artifact_fetch - attempt.input_fetch, Duration(0));
  const Duration before = attempt.started - attempt.received;
  Usage usage{.queue = std::max(before - attempt.input_fetch - artifact, Duration(0)),
              .fetch = attempt.input_fetch,
              .load = run.load + artifact,
              .service = run.service,
              .energy_source = meter_.source()};
  const Duration busy = usage.load + usage.service;
  const double moved_bytes =
      static_cast<double>(attempt.assign.input.size_bytes + attempt.artifact_bytes);
  usage.energy_j = modelled_energy_j(options_.physics, busy, moved_bytes);
  if (meter_.total_j(now)) {
    usage.energy_j =
        ledger_.share_j() - attempt.ledger_j + options_.physics.transfer_j_per_byte * moved_bytes;
  }
  usage.cost_usd = cost_usd(options_.physics, busy);
  return usage;
}

// Measured joules are shared among those who ran until now.
void Executor::count_running(Instant now, int change) {
  if (const auto total_j = meter_.total_j(now)) {
    ledger_.advance(now, *total_j, running_);
  }
  running_ = static_cast<std::uint32_t>(static_cast<int>(running_) + change);
}

void Executor::probe_ended(std::optional<ProbeResult> result, RunToken token) {
  if (!result) {
    return;
  }
  if (const auto artifact = probe_artifacts_.find(token); artifact != probe_artifacts_.end()) {
    blobs_.release(artifact->second);
    probe_artifacts_.erase(artifact);
  }
  if (result->load.count() > 0) {
    loads_[result->variant.model + '/' + result->variant.variant] = result->load;
  }
  messages_.emplace_back(*std::move(result));
}

void Executor::tell_resident() {
  std::vector<VariantRef> now_resident;
  for (const Engine* engine : engines_) {
    std::ranges::copy(engine->resident(), std::back_inserter(now_resident));
  }
  if (now_resident != resident_) {
    resident_ = now_resident;
    messages_.emplace_back(Resident{.variants = std::move(now_resident)});
  }
}

}  // namespace skerry::agent
