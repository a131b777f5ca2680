// models.cc: models come and go, and are tripped when they crash on too many nodes.

#include <fmt/format.h>

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"
#include "controller/core/unknown.h"

namespace skerry::core {

namespace {

const VariantSpec* find_variant(const ModelManifest& manifest, std::string_view name) {
  const auto found = std::ranges::find(manifest.variants, name, &VariantSpec::name);
  return found == manifest.variants.end() ? nullptr : &*found;
}

scheduler::VariantId new_variant(State& state, const VariantName& name) {
  for (auto& [node_name, node] : state.nodes) {
    node.probed.erase(name);
  }
  state.variant_names.push_back(name);
  return {static_cast<std::uint32_t>(state.variant_names.size() - 1)};
}

// Sequences stay where they are, whatever runs there now: their agents know what became of the
// state.
void move_sequences(State& state, scheduler::VariantId old, scheduler::VariantId fresh) {
  for (auto& [number, sequence] : state.sequences) {
    if (sequence.variant == old) {
      sequence.variant = fresh;
    }
  }
}

// The ids of the new manifest's variants: an artifact that stays keeps its own.
std::map<std::string, scheduler::VariantId> ids_for(State& state, const ModelEntry& entry,
                                                    const ModelManifest& manifest) {
  std::map<std::string, scheduler::VariantId> ids;
  for (const auto& spec : manifest.variants) {
    const VariantName name{manifest.name, spec.name};
    const VariantSpec* before = find_variant(entry.manifest, spec.name);
    if (before == nullptr) {
      ids[spec.name] = new_variant(state, name);
    } else if (const auto id = entry.variants.at(spec.name); before->digest == spec.digest) {
      ids[spec.name] = id;
    } else {
      ids[spec.name] = new_variant(state, name);
      move_sequences(state, id, ids[spec.name]);
    }
  }
  return ids;
}

std::vector<scheduler::Variant> variants_of(const ModelEntry& entry) {
  std::vector<scheduler::Variant> variants;
  variants.reserve(entry.manifest.variants.size());
  for (const auto& spec : entry.manifest.variants) {
    variants.push_back({.id = entry.variants.at(spec.name),
                        .model = entry.id,
                        .name = spec.name,
                        .accuracy = spec.accuracy,
                        .reference_s = spec.reference_ms * 1e-3,
                        .artifact_bytes = spec.artifact_bytes,
                        .memory_bytes = spec.memory_bytes});
  }
  return variants;
}

}  // namespace

std::uint64_t artifact_bytes(const ModelManifest& manifest) {
  std::uint64_t bytes = 0;
  for (const auto& variant : manifest.variants) {
    if (!variant.digest.empty()) {  // else there is nothing here, whatever it declares
      bytes += variant.artifact_bytes;
    }
  }
  return bytes;
}

const ModelEntry* find_model(const State& state, std::string_view ns, std::string_view name) {
  const std::string_view owner = namespace_of_model(name);
  if (!owner.empty() && owner != ns) {
    return nullptr;
  }
  auto found = state.models.find(whole_model_name(ns, bare_model_name(name)));
  if (found == state.models.end() && owner.empty()) {
    found = state.models.find(std::string(name));
  }
  return found == state.models.end() ? nullptr : &found->second;
}

void install_model(State& state, const ModelManifest& manifest, std::uint64_t revision) {
  auto [it, fresh] = state.models.try_emplace(manifest.name);
  ModelEntry& entry = it->second;
  if (fresh) {
    entry.id.value = static_cast<std::uint32_t>(state.model_names.size());
    state.model_names.push_back(manifest.name);
  }
  entry.variants = ids_for(state, entry, manifest);
  entry.revision = revision;
  entry.manifest = manifest;
  entry.tripped = false;
  entry.trips = 0;
  entry.crashes.clear();
  for (const auto& variant : manifest.variants) {
    use_blob(state, Payload::stored(variant.digest, variant.artifact_bytes));
  }
  if (const auto ns = namespace_of_model(manifest.name); !ns.empty()) {
    state.quotas.kept_artifacts(ns, artifact_bytes(manifest));
  }
  state.fleet.put_model({.id = entry.id,
                         .name = manifest.name,
                         .engine = manifest.engine,
                         .tripped = false,
                         .variants = {}},
                        variants_of(entry));
  for (auto& [name, node] : state.nodes) {  // no runner is shared between revisions
    set_loaded(state, node, std::move(node.loaded));
  }
}

namespace {

// A model has fewer variants than before, or is gone.
void variants_left(State& state) {
  sequences_lost_with_variants(state);
  for (auto& [name, node] : state.nodes) {
    std::erase_if(node.measured_at,
                  [&](const auto& measured) { return !state.fleet.has_variant(measured.first); });
  }
}

void drop_artifacts(Context& ctx, const ModelManifest& manifest) {
  for (const auto& variant : manifest.variants) {
    if (!variant.digest.empty()) {
      drop_blob(ctx, variant.digest);
    }
  }
  if (const auto ns = namespace_of_model(manifest.name); !ns.empty()) {
    ctx.state.quotas.dropped_artifacts(ns, artifact_bytes(manifest));
  }
}

Status admit_artifacts(const State& state, const ModelManifest& manifest) {
  const auto ns = namespace_of_model(manifest.name);
  const auto before = state.models.find(manifest.name);
  return ns.empty()
             ? Status()
             : state.quotas.admit_artifacts(
                   ns, artifact_bytes(manifest),
                   before == state.models.end() ? 0 : artifact_bytes(before->second.manifest));
}

}  // namespace

void handle(Context& ctx, PutModel& event) {
  State& state = ctx.state;
  const std::string& name = event.manifest.name;
  if (const auto it = state.models.find(name); it != state.models.end()) {
    const bool same = manifest_to_json(it->second.manifest) == manifest_to_json(event.manifest) &&
                      (event.revision == 0 || event.revision == it->second.revision);
    if (same && !it->second.tripped) {
      ctx.answer(event.ticket, Changed{false}, state.batches);
      return;
    }
  }
  if (Status room = admit_artifacts(state, event.manifest); !room) {
    ctx.answer(event.ticket, fail(std::move(room).error()));
    return;
  }
  if (const auto it = state.models.find(name); it != state.models.end()) {
    drop_artifacts(ctx, it->second.manifest);
  }
  const std::uint64_t revision = event.revision != 0 ? event.revision : state.last_revision + 1;
  state.last_revision = std::max(state.last_revision, revision);
  install_model(state, event.manifest, revision);
  variants_left(state);
  ctx.write(ModelRecord{revision, event.manifest});
  ctx.write(meta_record(state));
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  ctx.happen(ModelChanged{name, "applied"}, ctx.batch());
  state.ready.reopen_held();
  for (auto& [node_name, node] : state.nodes) {
    probe_next(ctx, node);
  }
  orders_changed(ctx);
}

void handle(Context& ctx, DeleteModel& event) {
  State& state = ctx.state;
  const auto it = state.models.find(event.name);
  if (it == state.models.end()) {
    ctx.answer(event.ticket, fail(unknown_model(event.name)));
    return;
  }
  if (it->second.open_jobs > 0) {
    ctx.answer(event.ticket, fail(ErrorCode::kConflict,
                                  fmt::format("{} jobs of model '{}' are open; cancel them or wait",
                                              it->second.open_jobs, event.name)));
    return;
  }
  drop_artifacts(ctx, it->second.manifest);
  state.fleet.remove_model(it->second.id);
  state.models.erase(it);
  variants_left(state);
  ctx.write(DeleteModelRecord{event.name});
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  ctx.happen(ModelChanged{event.name, "deleted"}, ctx.batch());
  orders_changed(ctx);
}

void set_loaded(State& state, NodeEntry& node, std::vector<LoadedVariant> loaded) {
  node.loaded = std::move(loaded);
  node.resident.clear();
  std::vector<scheduler::VariantId> ids;
  for (const auto& [name, revision] : node.loaded) {
    const auto model = state.models.find(name.model);
    if (model == state.models.end() || (revision != 0 && revision != model->second.revision)) {
      continue;
    }
    const auto id = model->second.variants.find(name.variant);
    if (id != model->second.variants.end() && node.resident.insert(name).second) {
      ids.push_back(id->second);
    }
  }
  state.fleet.set_resident(node.id, ids);
}

namespace {

// A few tasks that crash whatever runs them trip a model that is well, so the first rest is short; each
// further one is twice as long, until a task of it succeeds.
Duration rest_of(const Settings& settings, std::uint32_t trips_before) {
  constexpr std::uint32_t kMostDoublings = 20;
  return std::min(settings.trip_time,
                  settings.trip_first * (1 << std::min(trips_before, kMostDoublings)));
}

}  // namespace

void model_crashed_on(Context& ctx, ModelEntry& model, NodeId node) {
  model.crashes[node] = ctx.now;
  const Instant since = ctx.now - ctx.state.settings.trip_window;
  const auto recent = std::ranges::count_if(
      model.crashes, [&](const auto& crash) { return crash.second >= since; });
  if (!model.tripped && recent >= ctx.state.settings.trip_nodes) {
    model.tripped = true;
    model.tripped_until = ctx.now + rest_of(ctx.state.settings, model.trips++);
    ctx.state.timers.add({model.tripped_until, TimerKind::kTrip, model.id.value});
    ctx.state.fleet.set_tripped(model.id, true);
    ctx.happen(ModelChanged{model.manifest.name, "tripped"});
  }
}

void model_worked_on(ModelEntry& model, NodeId node) {
  model.crashes.erase(node);
  model.trips = 0;
}

// The breaker closes again: if the model still crashes everywhere, it trips again.
void trip_timer(Context& ctx, scheduler::ModelId id) {
  const auto it = ctx.state.models.find(ctx.state.model_names.at(id.value));
  if (it == ctx.state.models.end() || it->second.id != id || !it->second.tripped ||
      it->second.tripped_until > ctx.now) {
    return;
  }
  it->second.tripped = false;
  it->second.crashes.clear();
  ctx.state.fleet.set_tripped(id, false);
  ctx.state.ready.unblock_all();
  ctx.happen(ModelChanged{it->first, "restored"});
}

}  // namespace skerry::core
