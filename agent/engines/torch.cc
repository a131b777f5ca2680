#include "agent/engines/torch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/check.h"

namespace skerry::agent {
namespace {

constexpr double kStallFactor = 20;
constexpr Duration kUnknownLoad = seconds(2);

std::string name_of(const VariantRef& variant) {
  return fmt::format("{}/{}", variant.model, variant.variant);
}

std::uint64_t mib(std::uint64_t bytes) { return bytes >> 20; }

// 0 = not known.
std::uint64_t declared_memory(const Work& work) {
  const auto& variants = work.manifest->manifest.variants;
  const auto spec = std::ranges::find(variants, work.variant.variant, &VariantSpec::name);
  return spec == variants.end() ? 0 : spec->memory_bytes;
}

Outcome outcome_of(ErrorCode code) {
  const bool users = code == ErrorCode::kInvalidArgument || code == ErrorCode::kModelFailed ||
                     code == ErrorCode::kUnsupported || code == ErrorCode::kCorrupt ||
                     code == ErrorCode::kTooLarge;
  return users ? Outcome::kModelFailed : Outcome::kInfrastructure;
}

}  // namespace

TorchEngine::TorchEngine(TorchOptions options, Runners& runners, Log& log)
    : options_(std::move(options)), runners_(runners), log_(log) {}

TorchEngine::Key TorchEngine::key_of(const Work& work) {
  return {.variant = work.variant, .digest = work.digest};
}

bool TorchEngine::bound(const Work& work) {
  return work.manifest->manifest.stateful && !work.sequence.empty();
}

bool TorchEngine::may_serve(const Instance& instance, const Work& work) const {
  return instance.key == key_of(work) && (options_.shares_runners || work.ns.empty() ||
                                          instance.ns.empty() || instance.ns == work.ns);
}

// The idle instance to use: the sequence's own, or else a free one of its namespace, or nobody's, the one used last since
// its memory is warm.
RunnerId TorchEngine::find_idle(const Work& work) const {
  RunnerId best = 0;
  const auto rank = [](const Instance& instance) {
    return std::pair(!instance.ns.empty(), instance.since);
  };
  for (const auto& [id, instance] : instances_) {
    if (instance.state != State::kIdle || !may_serve(instance, work)) {
      continue;
    }
    if (bound(work) && instance.sequence == work.sequence) {
      return id;
    }
    if (instance.sequence.empty() && (best == 0 || rank(instance) > rank(instances_.at(best)))) {
      best = id;
    }
  }
  return best;
}

std::uint64_t TorchEngine::memory_needed(const Work& work) const {
  const auto known = known_.find(key_of(work));
  if (known != known_.end() && known->second.memory_bytes > 0) {
    return known->second.memory_bytes;
  }
  return options_.overhead_bytes + declared_memory(work);
}

std::uint64_t TorchEngine::runner_limit(const Work& work) const {
  if (options_.runner_limit_bytes > 0 || !options_.derives_limits) {
    return options_.runner_limit_bytes;
  }
  const std::uint64_t declared = declared_memory(work);
  return kLimitHeadroomBytes + (declared > 0 ? kLimitFactor * declared : options_.memory_bytes);
}

std::uint64_t TorchEngine::memory_used(Kept kept) const {
  std::uint64_t used = 0;
  for (const auto& [id, instance] : instances_) {
    const bool working = instance.state == State::kLoading || instance.state == State::kRunning;
    const bool idle = instance.state == State::kIdle;
    const bool counts =
        kept == Kept::kAll || (kept == Kept::kWorkingAndBound && !instance.sequence.empty());
    used += working || (idle && counts) ? instance.memory_bytes : 0;
  }
  return used;
}

// A second instance pays once the waiting has cost what its loading will: renting, then buying.
bool TorchEngine::may_grow(Instant now, Known& known) const {
  if (!known.grows) {
    known.contended = known.contended.value_or(now);
    known.grows = now >= growth_due(known);
  }
  return known.grows;
}

Instant TorchEngine::growth_due(const Known& known) const {
  const Duration load = known.load > Duration(0) ? known.load : kUnknownLoad;
  return known.contended ? *known.contended + load - known.waited : kNever;
}

Verdict TorchEngine::admit(Instant now, const Work& work) {
  const Key key = key_of(work);
  std::uint32_t alike = 0;
  bool any = false;  // that it could wait for
  for (const auto& [id, instance] : instances_) {
    const bool live = instance.key == key && instance.state != State::kEnding;
    alike += live ? 1 : 0;
    any = any || (live && may_serve(instance, work));
    if (live && bound(work) && instance.sequence == work.sequence &&
        instance.state != State::kIdle) {
      return {Admission::kBusy, "its sequence is busy"};
    }
  }
  const RunnerId idle = find_idle(work);
  if (bound(work) && work.sequence_step == SequenceStep::kContinues &&
      (idle == 0 || instances_.at(idle).sequence != work.sequence)) {
    return {
        Admission::kLost,
        "its process ended, a task of it was stopped while it ran, or the model was applied anew"};
  }
  if (idle != 0) {
    return {};
  }
  if (bound(work) && alike >= options_.sequence_instances) {
    return {Admission::kBusy,
            fmt::format("{} has {} sequences already", name_of(work.variant), alike)};
  }
  if (!bound(work) && any && !may_grow(now, known_[key])) {
    return {Admission::kBusy, fmt::format("{} is busy", name_of(work.variant))};
  }
  const std::uint64_t needed = memory_needed(work);
  if (needed > options_.memory_bytes) {
    return {Admission::kNever,
            fmt::format("{} needs {} MiB of memory and this node gives {} MiB to models",
                        name_of(work.variant), mib(needed), mib(options_.memory_bytes))};
  }
  if (memory_used(Kept::kWorking) + needed > options_.memory_bytes) {
    return {Admission::kFull,
            fmt::format("no memory for {} beside what runs", name_of(work.variant))};
  }
  if (memory_used(Kept::kWorkingAndBound) + needed > options_.memory_bytes) {
    return {Admission::kBusy,
            fmt::format("no memory for {} until a sequence ends", name_of(work.variant))};
  }
  return {};
}

void TorchEngine::start(Instant now, RunToken token, Work work) {
  RunnerId id = find_idle(work);
  Known& known = known_[key_of(work)];
  known.waited += known.contended ? now - *known.contended : Duration(0);
  known.contended.reset();
  if (id == 0) {
    known.waited = Duration(0);
    known.grows = false;
    const std::uint64_t needed = memory_needed(work);
    make_room(needed);
    id = ++last_id_;
    instances_[id] = {.key = key_of(work), .memory_bytes = needed, .since = now};
    runners_.spawn(id,
                   {.memory_limit_bytes = runner_limit(work), .artifact_path = work.artifact_path});
    runners_.send(id, runner::Load{.manifest_json = work.manifest->json,
                                   .artifact_path = work.artifact_path,
                                   .device = options_.device,
                                   .threads = options_.threads});
  }
  Instance& instance = instances_.at(id);
  instance.ns = instance.ns.empty() ? work.ns : instance.ns;
  bind(instance, work);
  instance.run = Run{.token = token, .work = std::move(work)};
  if (instance.state == State::kIdle) {
    begin_run(now, id, instance);
  }
}

// A runner resets its model when the name changes, so a state gets a name that was never used.
void TorchEngine::bind(Instance& instance, const Work& work) {
  const bool goes_on = instance.sequence == work.sequence && bound(work) &&
                       work.sequence_step != SequenceStep::kBegins;
  if (!goes_on) {
    instance.sequence = bound(work) ? work.sequence : "";
    instance.state_name = bound(work) ? fmt::format("{}#{}", work.sequence, ++last_state_) : "";
  }
}

void TorchEngine::make_room(std::uint64_t bytes) {
  while (memory_used(Kept::kAll) + bytes > options_.memory_bytes) {
    auto oldest = instances_.end();
    for (auto at = instances_.begin(); at != instances_.end(); ++at) {
      const bool evictable = at->second.state == State::kIdle && at->second.sequence.empty();
      if (evictable && (oldest == instances_.end() || at->second.since < oldest->second.since)) {
        oldest = at;
      }
    }
    check(oldest != instances_.end(), "admit said that there is room");
    kill(oldest->first, oldest->second, Outcome::kCrashed, "unloaded to make room");
  }
}

void TorchEngine::begin_run(Instant now, RunnerId id, Instance& instance) {
  instance.state = State::kRunning;
  instance.since = now;
  const Work& work = instance.run->work;
  runners_.send(id, runner::Run{.id = instance.run->token,
                                .sequence = instance.state_name,
                                .inputs = work.input ? *work.input : std::string()});
}

void TorchEngine::end_run(Instance& instance, RunEnded ended) {
  ended.token = instance.run->token;
  ended.load = instance.run->load;
  ended.memory_bytes = instance.memory_bytes;
  instance.run.reset();
  ended_.push_back(std::move(ended));
}

void TorchEngine::kill(RunnerId id, Instance& instance, Outcome outcome, std::string reason) {
  instance.state = State::kEnding;
  instance.end_outcome = outcome;
  instance.end_reason = std::move(reason);
  runners_.kill(id);
}

void TorchEngine::abort(Instant, RunToken token) {
  for (auto& [id, instance] : instances_) {
    if (instance.run && instance.run->token == token && instance.state != State::kEnding) {
      kill(id, instance, Outcome::kCancelled, "aborted");
    }
  }
}

std::vector<RunEnded> TorchEngine::take_ended() { return std::exchange(ended_, {}); }

void TorchEngine::received(Instant now, RunnerId id, runner::Frame frame) {
  const auto found = instances_.find(id);
  if (found == instances_.end() || found->second.state == State::kEnding) {
    return;
  }
  Instance& instance = found->second;
  const auto* loaded = std::get_if<runner::Loaded>(&frame);
  auto* ran = std::get_if<runner::Ran>(&frame);
  const auto* failed = std::get_if<runner::Failed>(&frame);
  if (loaded != nullptr && instance.state == State::kLoading) {
    on_loaded(now, id, instance, *loaded);
  } else if (ran != nullptr && instance.state == State::kRunning &&
             ran->id == instance.run->token) {
    on_ran(now, instance, std::move(*ran));
  } else if (failed != nullptr && instance.state != State::kIdle) {
    on_failed(now, id, instance, *failed);
  } else {
    kill(id, instance, Outcome::kCrashed,
         fmt::format("the runner of {} answered what was not asked and was ended",
                     name_of(instance.key.variant)));
  }
}

void TorchEngine::on_loaded(Instant now, RunnerId id, Instance& instance,
                            const runner::Loaded& loaded) {
  instance.run->load = now - instance.since;
  instance.memory_bytes = std::max(loaded.memory_bytes, std::uint64_t{1});
  known_[instance.key].memory_bytes = instance.memory_bytes;
  known_[instance.key].load = instance.run->load;
  log_.info("loaded {} on {} in {:.0f} ms, {} MiB", name_of(instance.key.variant), loaded.device,
            to_ms(instance.run->load), mib(instance.memory_bytes));
  begin_run(now, id, instance);
}

void TorchEngine::on_ran(Instant now, Instance& instance, runner::Ran ran) {
  Known& known = known_[instance.key];
  const double service_s = static_cast<double>(ran.service_us) * 1e-6;
  known.service_s = known.service_s == 0 ? service_s : known.service_s * 0.9 + service_s * 0.1;
  end_run(instance, {.output = std::make_shared<const std::string>(std::move(ran.outputs)),
                     .service = Duration(static_cast<std::int64_t>(ran.service_us))});
  instance.state = State::kIdle;
  instance.since = now;
}

void TorchEngine::on_failed(Instant now, RunnerId id, Instance& instance,
                            const runner::Failed& failed) {
  const Outcome outcome = outcome_of(failed.code);
  if (instance.state == State::kLoading) {
    return kill(id, instance, outcome,
                fmt::format("{} does not load: {}", name_of(instance.key.variant), failed.message));
  }
  end_run(instance, {.outcome = outcome, .error = failed.message, .service = now - instance.since});
  instance.state = State::kIdle;
  instance.since = now;
}

void TorchEngine::exited(Instant now, RunnerId id, const RunnerExit& exit) {
  const auto found = instances_.find(id);
  if (found == instances_.end()) {
    return;
  }
  Instance& instance = found->second;
  const std::string name = name_of(instance.key.variant);
  Outcome outcome = instance.end_outcome;
  std::string reason = instance.end_reason;
  if (instance.state != State::kEnding) {
    outcome = exit.never_started ? Outcome::kInfrastructure : Outcome::kCrashed;
    reason = exit.never_started
                 ? fmt::format("no runner for {}: {}", name, exit.how)
                 : fmt::format("the runner of {} ended {} while it was {}", name, exit.how,
                               instance.state == State::kLoading   ? "loading"
                               : instance.state == State::kRunning ? "running"
                                                                   : "idle");
    log_.warn("{}", reason);
  }
  if (instance.run) {
    const Duration spent = now - instance.since;
    end_run(instance, {.outcome = outcome, .error = std::move(reason), .service = spent});
  }
  instances_.erase(found);
}

std::vector<VariantRef> TorchEngine::resident() const {
  std::set<VariantRef> variants;
  for (const auto& [id, instance] : instances_) {
    if (instance.state == State::kIdle || instance.state == State::kRunning) {
      variants.insert(instance.key.variant);
    }
  }
  return {variants.begin(), variants.end()};
}

Instant TorchEngine::limit_of(const Instance& instance) const {
  switch (instance.state) {
    case State::kLoading:
      return instance.since + options_.load_limit;
    case State::kRunning: {
      const auto known = known_.find(instance.key);
      const double usual_s = known == known_.end() ? 0 : known->second.service_s;
      return instance.since +
             std::max(options_.stall_limit, duration_from_seconds(kStallFactor * usual_s));
    }
    case State::kIdle:
      return instance.sequence.empty() ? kNever : instance.since + options_.sequence_idle;
    case State::kEnding:
      return kNever;
  }
  return kNever;
}

Instant TorchEngine::next_timer() const {
  Instant next = kNever;
  for (const auto& [id, instance] : instances_) {
    next = std::min(next, limit_of(instance));
  }
  for (const auto& [key, known] : known_) {
    next = std::min(next, growth_due(known));
  }
  return next;
}

void TorchEngine::on_time(Instant now) {
  for (auto& [key, known] : known_) {
    if (now >= growth_due(known)) {
      known.grows = true;
      known.contended.reset();
    }
  }
  for (auto& [id, instance] : instances_) {
    if (now < limit_of(instance)) {
      continue;
    }
    if (instance.state == State::kIdle) {
      instance.sequence.clear();  // the sequence is over; the instance is anybody's
    } else {
      kill(id, instance, Outcome::kCrashed,
           fmt::format("the runner of {} gave no answer in {:.0f} s of {} and was ended",
                       name_of(instance.key.variant), to_seconds(now - instance.since),
                       instance.state == State::kLoading ? "loading" : "running"));
      log_.warn("{}", instance.end_reason);
    }
  }
}

}  // namespace skerry::agent
