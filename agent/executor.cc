#include "agent/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace skerry::agent {
namespace {

// A ticket names the attempt (or probe) and which of its two materials.
BlobTicket input_ticket(RunToken token) { return token << 1; }
BlobTicket artifact_ticket(RunToken token) { return (token << 1) | 1; }

bool has_variant(const ModelManifest& manifest, const std::string& variant) {
  return std::ranges::find(manifest.variants, variant, &VariantSpec::name) !=
         manifest.variants.end();
}

// Why it cannot be taken up after a restart; empty if it can. Run anew, the first task of a sequence
// would leave a state that lacks what its later tasks had added, under the same name.
std::string lost_with_the_process(const AcceptedAttempt& held, const Engine* engine) {
  if (engine == nullptr) {
    return "this node no longer has the engine";
  }
  if (!held.assign.sequence.empty() && held.manifest->manifest.stateful) {
    return "the state of its sequence ended with the agent's process";
  }
  return {};
}

}  // namespace

Executor::Executor(ExecutorOptions options, std::vector<Engine*> engines, Blobs& blobs,
                   Journal& journal, EnergyMeter& meter, Log& log)
    : options_(options),
      engines_(std::move(engines)),
      blobs_(blobs),
      journal_(journal),
      meter_(meter),
      log_(log),
      ledger_(options_.physics) {}

void Executor::restore(Instant now) {
  for (AcceptedAttempt& held : journal_.accepted()) {
    Engine* engine = engine_of(*held.manifest);
    std::string reason = lost_with_the_process(held, engine);
    if (reason.empty()) {
      admit(now, std::move(held.assign), std::move(held.manifest), engine, held.received);
    } else {
      // The hello does not name it then, so that it is placed again.
      journal_.forget(held.assign.attempt.uid);
      give_back(held.assign.attempt, std::move(reason));
    }
  }
}

Engine* Executor::engine_of(const KnownManifest& manifest) const {
  const auto engine = std::ranges::find(engines_, manifest.manifest.engine, &Engine::name);
  return engine == engines_.end() ? nullptr : *engine;
}

std::uint32_t Executor::capacity() const {
  return draining_ ? 0 : options_.slots + options_.queue_depth;
}

std::uint32_t Executor::queued() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(attempts_, [](const auto& held) {
    return held.second.stage == Stage::kFetching || held.second.stage == Stage::kWaiting;
  }));
}

bool Executor::spool_full() const {
  return journal_.full() || journal_.spooled_count() >= options_.spool_limit ||
         journal_.spooled_bytes() >= options_.spool_limit_bytes;
}

// Who looks at the node alone learns of it, too.
void Executor::note_spool() {
  if (const bool full = spool_full(); full != spool_was_full_) {
    spool_was_full_ = full;
    if (full) {
      log_.warn(
          "the spool is full, with {} results of {} bytes inline: no new work is taken until "
          "some are delivered",
          journal_.spooled_count(), journal_.spooled_bytes());
    } else {
      log_.info("the spool has room again: new work is taken");
    }
  }
}

std::string Executor::refusal() const {
  if (draining_) {
    return "the node is draining";
  }
  if (attempts_.size() >= capacity()) {
    return fmt::format("over capacity: {} attempts are here", attempts_.size());
  }
  if (journal_.full()) {
    return "the disk for results is full";
  }
  if (spool_full()) {
    return fmt::format("{} results wait to be acknowledged", journal_.spooled_count());
  }
  return {};
}

// A duplicate changes nothing; it gets the answer again if that could have been lost.
bool Executor::repeated(const AttemptRef& attempt) {
  if (const Attempt* held = find(attempt.uid)) {
    if (held->stage != Stage::kFetching && held->stage != Stage::kWaiting) {
      messages_.emplace_back(Started{.attempt = attempt});
    }
    return true;
  }
  if (journal_.holds(attempt.uid)) {
    return true;
  }
  const auto known = remembered_.find(attempt.uid);
  if (known != remembered_.end() && known->second) {
    messages_.emplace_back(Returned{.attempt = attempt, .reason = "it was given back before"});
  }
  return known != remembered_.end();
}

void Executor::assign(Instant now, Assign assign) {
  if (repeated(assign.attempt)) {
    return;
  }
  if (std::string reason = refusal(); !reason.empty()) {
    return give_back(assign.attempt, std::move(reason));
  }
  Result<ManifestPtr> manifest =
      manifests_.resolve(assign.model, assign.manifest_revision, assign.manifest_json);
  if (!manifest) {
    return give_back(assign.attempt, manifest.error().message);
  }
  Engine* engine = engine_of(**manifest);
  if (engine == nullptr) {
    return give_back(assign.attempt,
                     fmt::format("this node has no engine '{}'", (*manifest)->manifest.engine));
  }
  if (!has_variant((*manifest)->manifest, assign.variant)) {
    return give_back(assign.attempt,
                     fmt::format("model '{}' has no variant '{}'", assign.model, assign.variant));
  }
  assign.manifest_json.clear();
  journal_.accept({.assign = assign, .manifest = *manifest, .received = now});
  admit(now, std::move(assign), *std::move(manifest), engine, now);
}

void Executor::admit(Instant now, Assign assign, ManifestPtr manifest, Engine* engine,
                     Instant received) {
  const RunToken token = ++last_token_;
  by_uid_[assign.attempt.uid] = token;
  Attempt& attempt = attempts_[token];
  attempt.token = token;
  attempt.assign = std::move(assign);
  attempt.manifest = std::move(manifest);
  attempt.engine = engine;
  attempt.received = received;
  attempt.input = attempt.assign.input.bytes;
  if (attempt.assign.remaining > Duration(0)) {
    attempt.deadline = received + attempt.assign.remaining;
    watch(attempt.deadline, token);
  }
  if (Status fine = engine->needs_artifact()
                        ? check_artifact(attempt.manifest->manifest, attempt.assign.variant,
                                         attempt.assign.artifact, options_.trust)
                        : Status();
      !fine) {
    log_.warn("refused: {}", fine.error().message);
    return end_unstarted(attempt, Outcome::kInfrastructure, fine.error().message);
  }
  fetch_materials(now, attempt);
}

void Executor::fetch_materials(Instant now, Attempt& attempt) {
  attempt.holds_blobs = true;
  attempt.input_missing = !attempt.assign.input.blob.empty();
  attempt.artifact_missing = attempt.engine->needs_artifact();
  if (attempt.input_missing) {
    blobs_.fetch(input_ticket(attempt.token), attempt.assign.input.blob, true);
  }
  if (attempt.artifact_missing) {
    blobs_.fetch(artifact_ticket(attempt.token), attempt.assign.artifact, false);
  }
  if (!attempt.input_missing && !attempt.artifact_missing) {
    materials_arrived(now, attempt);
  }
}

void Executor::fetched(Instant now, Fetched fetched) {
  const RunToken token = fetched.ticket >> 1;
  const bool is_input = fetched.ticket == input_ticket(token);
  if (probes_.owns(token)) {
    return probe_ended(probes_.fetched(token, fetched.status, fetched.path, fetched.took), token);
  }
  Attempt* attempt = find(token);
  if (attempt == nullptr || attempt->stage != Stage::kFetching) {
    return;  // it ended meanwhile
  }
  if (!fetched.status) {
    return end_unstarted(*attempt, Outcome::kInfrastructure,
                         fmt::format("the {} could not be had: {}", is_input ? "input" : "artifact",
                                     fetched.status.error().message));
  }
  if (is_input) {
    attempt->input_missing = false;
    attempt->input = std::move(fetched.bytes);
    attempt->input_fetch = fetched.took;
  } else {
    attempt->artifact_missing = false;
    attempt->artifact_bytes = fetched.transferred_bytes;
    attempt->artifact_fetch = fetched.took;
    attempt->artifact_path = std::move(fetched.path);
  }
  if (!attempt->input_missing && !attempt->artifact_missing) {
    materials_arrived(now, *attempt);
  }
}

void Executor::materials_arrived(Instant now, Attempt& attempt) {
  attempt.stage = Stage::kWaiting;
  attempt.ready = now;
  waiting_.insert({.batch = !attempt.assign.interactive, .token = attempt.token});
}

void Executor::stored(Instant, Stored stored) {
  Attempt* attempt = find(stored.ticket >> 1);
  if (attempt == nullptr || attempt->stage != Stage::kStoring) {
    return;
  }
  Ended result = *std::move(attempt->unstored);
  if (stored.digest) {
    result.output = Payload::stored(*stored.digest, result.output.size_bytes);
  } else {
    result.outcome = Outcome::kInfrastructure;
    result.error = fmt::format("the result of {} bytes could not be stored: {}",
                               result.output.size_bytes, stored.digest.error().message);
    result.output = {};
  }
  finish(*attempt, std::move(result));
}

void Executor::cancel(Instant now, const Cancel& cancel) {
  Attempt* attempt = find(cancel.attempt.uid);
  if (attempt == nullptr || attempt->ending || attempt->stage == Stage::kStoring) {
    return;
  }
  const std::string reason =
      cancel.reason.empty() ? "cancelled" : fmt::format("cancelled: {}", cancel.reason);
  if (attempt->stage == Stage::kRunning) {
    end_soon(now, *attempt, Outcome::kCancelled, reason, grace_of(*attempt));
  } else {
    end_unstarted(*attempt, Outcome::kCancelled, reason);
  }
}

Duration Executor::grace_of(const Attempt& attempt) const {
  const auto load = loads_.find(attempt.assign.model + '/' + attempt.assign.variant);
  return load == loads_.end() ? options_.grace
                              : std::clamp(load->second, options_.grace, options_.longest_grace);
}

void Executor::probe(Instant, const Probe& probe) {
  const VariantRef variant{probe.model, probe.variant, probe.manifest_revision};
  const auto refuse = [&](std::string reason) {
    messages_.emplace_back(ProbeResult{.variant = variant, .error = std::move(reason)});
  };
  Result<ManifestPtr> manifest =
      manifests_.resolve(probe.model, probe.manifest_revision, probe.manifest_json);
  if (!manifest) {
    return refuse(manifest.error().message);
  }
  Engine* engine = engine_of(**manifest);
  if (engine == nullptr || !has_variant((*manifest)->manifest, probe.variant)) {
    return refuse(fmt::format("this node has no engine '{}' or the model no such variant",
                              (*manifest)->manifest.engine));
  }
  if (Status fine = engine->needs_artifact() ? check_artifact((*manifest)->manifest, probe.variant,
                                                              probe.artifact, options_.trust)
                                             : Status();
      !fine) {
    return refuse(fine.error().message);
  }
  if (probe.resident_only && !is_loaded(*engine, variant)) {
    return refuse("it is not loaded any more");
  }
  const RunToken token = ++last_token_;
  if (probes_.add(probe, token, *std::move(manifest), engine) && engine->needs_artifact()) {
    probe_artifacts_[token] = probe.artifact;
    blobs_.fetch(artifact_ticket(token), probe.artifact, false);
  }
}

void Executor::set_draining(Instant, bool draining) {
  if (draining == draining_) {
    return;
  }
  draining_ = draining;
  messages_.emplace_back(Credits{.capacity = capacity()});
  std::vector<RunToken> unstarted;
  for (const auto& [token, attempt] : attempts_) {
    if (attempt.stage == Stage::kFetching || attempt.stage == Stage::kWaiting) {
      unstarted.push_back(token);
    }
  }
  for (const RunToken token : draining ? unstarted : std::vector<RunToken>{}) {
    give_back(*find(token), "the node is draining");
  }
}

void Executor::abort_running(Instant now, const std::string& reason) {
  for (auto& [token, attempt] : attempts_) {
    if (attempt.stage == Stage::kRunning) {
      end_soon(now, attempt, Outcome::kInfrastructure, reason, Duration(0));
    }
  }
  on_time(now);
}

void Executor::give_back(const AttemptRef& attempt, std::string reason) {
  log_.debug("given back: {}{}", reason,
             fields({{"job", to_string(attempt.job)}, {"attempt", to_string(attempt.uid)}}));
  messages_.emplace_back(Returned{.attempt = attempt, .reason = std::move(reason)});
}

void Executor::give_back(Attempt& attempt, std::string reason) {
  give_back(attempt.assign.attempt, std::move(reason));
  journal_.forget(attempt.assign.attempt.uid);
  forget(attempt, true);
}

void Executor::end_unstarted(Attempt& attempt, Outcome outcome, std::string reason) {
  Ended result{.attempt = attempt.assign.attempt, .outcome = outcome, .error = std::move(reason)};
  result.usage.energy_source = meter_.source();
  finish(attempt, std::move(result));
}

void Executor::end_soon(Instant now, Attempt& attempt, Outcome outcome, std::string reason,
                        Duration grace) {
  attempt.ending = outcome;
  attempt.ending_reason = std::move(reason);
  attempt.abort_at = now + grace;
  watch(attempt.abort_at, attempt.token);
}

void Executor::watch(Instant at, RunToken token) { timers_.emplace(at, token); }

Instant Executor::next_timer() const {
  Instant next = timers_.empty() ? kNever : timers_.begin()->first;
  for (const Engine* engine : engines_) {
    next = std::min(next, engine->next_timer());
  }
  return next;
}

void Executor::on_time(Instant now) {
  for (Engine* engine : engines_) {
    engine->on_time(now);
  }
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Attempt* attempt = find(timers_.begin()->second);
    timers_.erase(timers_.begin());
    if (attempt == nullptr || attempt->stage == Stage::kStoring) {
      continue;
    }
    if (attempt->stage != Stage::kRunning) {
      end_unstarted(*attempt, Outcome::kExpired, "its time ran out before it started");
    } else if (now >= attempt->abort_at) {
      attempt->abort_at = kNever;
      attempt->engine->abort(now, attempt->token);
    } else if (now >= attempt->deadline && !attempt->ending) {
      end_soon(now, *attempt, Outcome::kExpired, "its time ran out while it ran", options_.grace);
    }
  }
}

Attempt* Executor::find(RunToken token) {
  const auto found = attempts_.find(token);
  return found == attempts_.end() ? nullptr : &found->second;
}

Attempt* Executor::find(AttemptUid uid) {
  const auto found = by_uid_.find(uid);
  return found == by_uid_.end() ? nullptr : find(found->second);
}

std::vector<ToController> Executor::take_messages() { return std::exchange(messages_, {}); }

}  // namespace skerry::agent
