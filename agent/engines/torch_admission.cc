// The half of the torch engine that says what fits: which instance a run may use, whether there may be another, what has to
// make room.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/engines/torch.h"
#include "common/check.h"

namespace skerry::agent {
namespace {

constexpr Duration kUnknownLoad = seconds(2);

std::uint64_t mib(std::uint64_t bytes) { return bytes >> 20; }

// 0 = not known.
std::uint64_t declared_memory(const Work& work) {
  const auto& variants = work.manifest->manifest.variants;
  const auto spec = std::ranges::find(variants, work.variant.variant, &VariantSpec::name);
  return spec == variants.end() ? 0 : spec->memory_bytes;
}

}  // namespace

std::string name_of(const VariantRef& variant) {
  return fmt::format("{}/{}", variant.model, variant.variant);
}

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

}  // namespace skerry::agent
