#include "agent/probes.h"

#include <algorithm>
#include <numeric>

namespace skerry::agent {
namespace {

bool enough(const std::vector<Duration>& service, std::uint32_t runs) {
  const Duration spent = std::accumulate(service.begin(), service.end(), Duration(0));
  return service.size() >= runs || (service.size() >= Probes::kHandful && spent >= Probes::kEnough);
}

}  // namespace

bool Probes::add(const Probe& probe, RunToken token, ManifestPtr manifest, Engine* engine) {
  const VariantRef variant{probe.model, probe.variant, probe.manifest_revision};
  const bool queued = std::ranges::any_of(
      queue_, [&](const Entry& entry) { return entry.work.variant == variant; });
  if (queued) {
    return false;
  }
  queue_.push_back(
      {.token = token,
       .engine = engine,
       .work = {.variant = variant, .manifest = std::move(manifest), .digest = probe.artifact},
       .runs = std::clamp(probe.runs, 1u, kMostRuns),
       .resident_only = probe.resident_only,
       .present = !engine->needs_artifact(),
       .result = {.variant = variant}});
  return true;
}

std::optional<Probes::Step> Probes::next() const {
  if (running_ || queue_.empty() || !queue_.front().present) {
    return std::nullopt;
  }
  const Entry& front = queue_.front();
  return Step{.token = front.token,
              .engine = front.engine,
              .work = front.work,
              .resident_only = front.resident_only};
}

bool Probes::owns(RunToken token) const {
  return std::ranges::find(queue_, token, &Entry::token) != queue_.end();
}

std::optional<ProbeResult> Probes::fetched(RunToken token, const Status& status,
                                           const std::string& path, Duration took) {
  const auto entry = std::ranges::find(queue_, token, &Entry::token);
  if (entry == queue_.end()) {
    return std::nullopt;
  }
  if (!status) {
    entry->result.error = status.error().message;
    return finish(entry);
  }
  entry->present = true;
  entry->work.artifact_path = path;
  entry->result.load = took;
  return std::nullopt;
}

std::optional<ProbeResult> Probes::ended(const RunEnded& run) {
  Entry& front = queue_.front();
  running_ = false;
  front.result.load += run.load;
  if (run.outcome != Outcome::kSucceeded) {
    front.result.error = run.error;
    return finish(queue_.begin());
  }
  front.result.service.push_back(run.service);
  front.result.memory_bytes = run.memory_bytes;
  return enough(front.result.service, front.runs) ? std::optional(finish(queue_.begin()))
                                                  : std::nullopt;
}

std::optional<ProbeResult> Probes::fail_front(std::string reason) {
  queue_.front().result.error = std::move(reason);
  return finish(queue_.begin());
}

std::optional<ProbeResult> Probes::finish(const std::deque<Entry>::iterator& entry) {
  ProbeResult result = std::move(entry->result);
  queue_.erase(entry);
  return result;
}

}  // namespace skerry::agent
