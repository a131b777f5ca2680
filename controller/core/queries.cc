// queries.cc: what others may read of the core. Nothing here changes anything.

#include <algorithm>
#include <ranges>

#include "controller/core/context.h"
#include "controller/core/unknown.h"
#include "scheduler/ranking.h"

namespace skerry::core {

namespace {

std::optional<Instant> certified_at(const State& state, const std::string& node) {
  const auto known = state.identities.find(node);
  return known == state.identities.end() || known->second.revoked
             ? std::nullopt
             : std::optional(known->second.renewed_at);
}

NodeView view_of(const State& state, const NodeEntry& node) {
  return {.id = node.id,
          .spec = node.spec,
          .state = state_of(node),
          .connected = node.session.has_value(),
          .cordoned = node.cordoned || node.draining,
          .incarnation = node.incarnation,
          .energy_source = node.energy_source,
          .devices = node.devices,
          .software_version = node.software_version,
          .enrolled_at = node.enrolled_at,
          .last_heartbeat = node.last_heard,
          .certified_at = certified_at(state, node.spec.name),
          .alone = node.alone,
          .brought = node.brought,
          .brought_jobs = node.brought_jobs,
          .telemetry = node.telemetry,
          .rtt_s = state.fleet.rtt_s(node.id),
          .bandwidth_bytes_per_s = state.fleet.bandwidth_bytes_per_s(node.id),
          .capacity = node.capacity,
          .outstanding = state.fleet.load(node.id).outstanding,
          .resident = {node.resident.begin(), node.resident.end()}};
}

ModelView view_of(const State& state, const ModelEntry& model) {
  ModelView view{.manifest = model.manifest,
                 .revision = model.revision,
                 .tripped = model.tripped,
                 .estimates = {}};
  for (const auto& [name, node] : state.nodes) {
    for (const auto& variant : model.manifest.variants) {
      const auto id = model.variants.at(variant.name);
      view.estimates.push_back({.node = name,
                                .variant = variant.name,
                                .resident = state.fleet.resident(node.id, id),
                                .service = state.fleet.service(node.id, id),
                                .load = state.fleet.load_time(node.id, id)});
    }
  }
  return view;
}

std::optional<BreakerView> breaker_view(const State& state) {
  const scheduler::Breaker* breaker = state.placer.ranking().breaker();
  if (breaker == nullptr) {
    return std::nullopt;
  }
  return BreakerView{
      .state = breaker->state(),
      .trips = breaker->trips(),
      .fault = breaker->trips() > 0 ? std::string(to_string(breaker->last_fault())) : "",
      .reason = breaker->reason(),
      .rests_until = breaker->rests_until(),
      .drift = breaker->drift().last_mean(),
      .drift_limit = breaker->drift().limit()};
}

template <typename Map>
std::vector<typename Map::mapped_type> values_of(const Map& map) {
  const auto values = map | std::views::values;
  return {values.begin(), values.end()};
}

}  // namespace

std::vector<Token> Core::tokens() const { return values_of(state_->tokens); }
std::vector<JoinToken> Core::join_tokens() const { return values_of(state_->join_tokens); }
std::vector<NodeIdentity> Core::identities() const { return values_of(state_->identities); }

const Settings& Core::settings() const { return state_->settings; }
Epoch Core::epoch() const { return state_->epoch; }
const scheduler::Fleet& Core::fleet() const { return state_->fleet; }
bool Core::blob_in_use(std::string_view digest) const { return state_->blob_uses.in_use(digest); }

bool Core::is_artifact(std::string_view digest) const {
  return std::ranges::any_of(state_->models, [&](const auto& model) {
    const auto& variants = model.second.manifest.variants;
    return std::ranges::find(variants, digest, &VariantSpec::digest) != variants.end();
  });
}

bool Core::may_fetch(const std::string& node, std::string_view digest) const {
  const auto it = state_->nodes.find(node);
  return is_artifact(digest) ||
         (it != state_->nodes.end() && std::ranges::any_of(it->second.jobs, [&](JobId id) {
            const auto job = state_->jobs.find(id);
            return job != state_->jobs.end() && job->second.job.spec.inputs.blob == digest;
          }));
}

const Job* Core::find_job(JobId id) const {
  const auto it = state_->jobs.find(id);
  return it == state_->jobs.end() ? nullptr : &it->second.job;
}

std::optional<scheduler::MaskCounts> Core::waiting_for(JobId id) const {
  const Job* job = find_job(id);
  if (job == nullptr || job->state != TaskState::kReady) {
    return std::nullopt;
  }
  return state_->ready.blocked_because(job->id, job->spec);
}

PoliciesView Core::policies() const {
  const PolicyTable& table = state_->policies;
  PoliciesView view{.active = table.active,
                    .previous = table.previous,
                    .operator_chose = table.operator_chose,
                    .items = {},
                    .breaker = breaker_view(*state_)};
  const auto add = [&](PolicyView item) {
    item.active = item.ref == table.active;
    item.previous = item.ref == table.previous;
    const auto shadow = std::ranges::find(table.shadows, item.ref, &ShadowEntry::ref);
    if (shadow != table.shadows.end()) {
      item.shadow = shadow->stats;
    }
    view.items.push_back(std::move(item));
  };
  for (const std::string_view name : scheduler::heuristic_names()) {
    add({.ref = *table.find(name), .builtin = true});
  }
  for (const auto& [ref, held] : table.bundles()) {
    add({.ref = ref,
         .newest = table.find(ref.name) == ref,
         .applied_at = held.applied_at,
         .bundle = held.bytes});
  }
  return view;
}

std::vector<NodeView> Core::nodes() const {
  std::vector<NodeView> views;
  for (const auto& [name, node] : state_->nodes) {
    views.push_back(view_of(*state_, node));
  }
  return views;
}

std::optional<NodeView> Core::node(std::string_view name) const {
  const auto it = state_->nodes.find(std::string(name));
  return it == state_->nodes.end() ? std::nullopt : std::optional(view_of(*state_, it->second));
}

std::vector<ModelView> Core::models() const {
  std::vector<ModelView> views;
  for (const auto& [name, model] : state_->models) {
    views.push_back(view_of(*state_, model));
  }
  return views;
}

std::optional<ModelView> Core::model(std::string_view name) const {
  const auto it = state_->models.find(std::string(name));
  return it == state_->models.end() ? std::nullopt : std::optional(view_of(*state_, it->second));
}

const ModelManifest* Core::manifest_for(std::string_view ns, std::string_view name) const {
  const ModelEntry* model = find_model(*state_, ns, name);
  return model == nullptr ? nullptr : &model->manifest;
}

const ModelManifest* Core::manifest(std::string_view model, std::uint64_t revision) const {
  const auto it = state_->models.find(std::string(model));
  return it == state_->models.end() || it->second.revision != revision ? nullptr
                                                                       : &it->second.manifest;
}

QueueStats Core::queue_stats(Instant now) const {
  const State& state = *state_;
  const auto count = [&](TaskState task) { return state.by_state[static_cast<std::size_t>(task)]; };
  QueueStats stats{.ready = count(TaskState::kReady),
                   .backoff = count(TaskState::kBackoff),
                   .leased = count(TaskState::kLeased),
                   .running = count(TaskState::kRunning),
                   .unknown = count(TaskState::kUnknown),
                   .braking = state.braking,
                   .retained = state.ended.size(),
                   .oldest_ready = {}};
  for (const auto id : state.ready.heads()) {
    const auto it = state.jobs.find(id);
    if (it != state.jobs.end() && it->second.job.state == TaskState::kReady) {
      stats.oldest_ready = std::max(stats.oldest_ready, now - it->second.ready_since);
    }
  }
  return stats;
}

std::vector<QuotaView> Core::quotas() const {
  std::vector<QuotaView> views;
  for (const auto& [ns, quota] : state_->settings.quotas.named) {
    const Quotas::Use use = state_->quotas.use(ns);
    views.push_back({.ns = ns,
                     .quota = quota,
                     .open_jobs = use.open_jobs,
                     .running = use.running,
                     .input_bytes = use.input_bytes,
                     .stored_bytes = use.stored_bytes()});
  }
  return views;
}

Result<std::vector<scheduler::PlanEntry>> Core::plan(const JobSpec& spec, Instant now) const {
  const ModelEntry* model = find_model(*state_, spec.ns, spec.model);
  if (model == nullptr) {
    return fail(unknown_model(spec.model, "/model"));
  }
  return scheduler::plan({.model = model->id,
                          .input_bytes = static_cast<double>(spec.inputs.size_bytes),
                          .preference = spec.preference,
                          .constraints = &spec.constraints,
                          .excluded = {},
                          .pinned_node = std::nullopt,
                          .pinned_variant = std::nullopt,
                          .now = now},
                         state_->fleet);
}

}  // namespace skerry::core
