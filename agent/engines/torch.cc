#include "agent/engines/torch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/check.h"
#include "common/utf8.h"
#include "common/values.h"

namespace skerry::agent {
namespace {

constexpr double kStallFactor = 20;
constexpr std::size_t kMaxErrorBytes =
    4096;  // of what a runner says; it may be the model's own text
constexpr std::size_t kMaxDeviceBytes = 32;

std::uint64_t mib(std::uint64_t bytes) { return bytes >> 20; }

Outcome outcome_of(ErrorCode code) {
  const bool users = code == ErrorCode::kInvalidArgument || code == ErrorCode::kModelFailed ||
                     code == ErrorCode::kUnsupported || code == ErrorCode::kCorrupt ||
                     code == ErrorCode::kTooLarge;
  return users ? Outcome::kModelFailed : Outcome::kInfrastructure;
}

}  // namespace

TorchEngine::TorchEngine(TorchOptions options, Runners& runners, Log& log)
    : options_(std::move(options)), runners_(runners), log_(log) {}

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
                                   .digest = work.digest,
                                   .device = options_.device,
                                   .threads = options_.threads,
                                   .policy = options_.policy});
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
  ended.artifact_damaged = instance.artifact_damaged;
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
    on_ran(now, id, instance, std::move(*ran));
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
  log_.info("loaded {} on {} in {:.0f} ms, {} MiB", name_of(instance.key.variant),
            printable(loaded.device, kMaxDeviceBytes), to_ms(instance.run->load),
            mib(instance.memory_bytes));
  begin_run(now, id, instance);
}

// Everybody after us takes outputs for what a runner of ours encodes.
void TorchEngine::on_ran(Instant now, RunnerId id, Instance& instance, runner::Ran ran) {
  if (const Status valid = check_values(ran.outputs); !valid) {
    return kill(id, instance, Outcome::kCrashed,
                fmt::format("the runner of {} answered what is no output and was ended: {}",
                            name_of(instance.key.variant), valid.error().message));
  }
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
  Outcome outcome = outcome_of(failed.code);
  const std::string said = printable(failed.message, kMaxErrorBytes);
  if (instance.state == State::kLoading) {
    // The model is as it was; its file here is not, or is gone.
    instance.artifact_damaged = failed.code == ErrorCode::kCorrupt ||
                                failed.code == ErrorCode::kNotFound ||
                                failed.code == ErrorCode::kIo;
    outcome = instance.artifact_damaged ? Outcome::kInfrastructure : outcome;
    return kill(id, instance, outcome,
                fmt::format("{} does not load: {}", name_of(instance.key.variant), said));
  }
  end_run(instance, {.outcome = outcome, .error = said, .service = now - instance.since});
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
