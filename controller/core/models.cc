// models.cc: models come and go, and are tripped when they crash on too many nodes.

#include <fmt/format.h>

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"
#include "controller/core/unknown.h"

namespace skerry::core {

namespace {

std::vector<scheduler::Variant> variants_of(State& state, ModelEntry& entry) {
  std::vector<scheduler::Variant> variants;
  for (const auto& spec : entry.manifest.variants) {
    const scheduler::VariantId next{static_cast<std::uint32_t>(state.variant_names.size())};
    const auto [it, fresh] = entry.variants.try_emplace(spec.name, next);
    if (fresh) {
      state.variant_names.push_back({entry.manifest.name, spec.name});
    }
    variants.push_back({.id = it->second,
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

void install_model(State& state, const ModelManifest& manifest, std::uint64_t revision) {
  auto [it, fresh] = state.models.try_emplace(manifest.name);
  ModelEntry& entry = it->second;
  if (fresh) {
    entry.id.value = static_cast<std::uint32_t>(state.model_names.size());
    state.model_names.push_back(manifest.name);
  }
  entry.revision = revision;
  entry.manifest = manifest;
  entry.tripped = false;
  entry.crashes.clear();
  for (const auto& variant : manifest.variants) {
    use_blob(state, Payload::stored(variant.digest, variant.artifact_bytes));
  }
  state.fleet.put_model({.id = entry.id,
                         .name = manifest.name,
                         .engine = manifest.engine,
                         .tripped = false,
                         .variants = {}},
                        variants_of(state, entry));
}

void handle(Context& ctx, PutModel& event) {
  State& state = ctx.state;
  const std::string& name = event.manifest.name;
  if (const auto it = state.models.find(name); it != state.models.end()) {
    const bool same = manifest_to_json(it->second.manifest) == manifest_to_json(event.manifest);
    if (same && !it->second.tripped) {
      ctx.answer(event.ticket, Changed{false}, state.batches);
      return;
    }
    for (const auto& variant : it->second.manifest.variants) {
      if (!variant.digest.empty()) {
        drop_blob(ctx, variant.digest);
      }
    }
  }
  const std::uint64_t revision = ++state.last_revision;
  install_model(state, event.manifest, revision);
  ctx.write(ModelRecord{revision, event.manifest});
  ctx.write(meta_record(state));
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  ctx.happen(ModelChanged{name, "applied"}, ctx.batch());
  state.ready.reopen_held();
  for (auto& [node_name, node] : state.nodes) {
    probe_next(ctx, node);
  }
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
  for (const auto& variant : it->second.manifest.variants) {
    if (!variant.digest.empty()) {
      drop_blob(ctx, variant.digest);
    }
  }
  state.fleet.remove_model(it->second.id);
  state.models.erase(it);
  ctx.write(DeleteModelRecord{event.name});
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
  ctx.happen(ModelChanged{event.name, "deleted"}, ctx.batch());
}

void set_resident(State& state, NodeEntry& node, const std::vector<VariantName>& variants) {
  node.resident = {variants.begin(), variants.end()};
  std::vector<scheduler::VariantId> ids;
  for (const auto& name : node.resident) {
    const auto model = state.models.find(name.model);
    if (model == state.models.end()) {
      continue;
    }
    const auto current =
        std::ranges::find(model->second.manifest.variants, name.variant, &VariantSpec::name);
    if (current != model->second.manifest.variants.end()) {
      ids.push_back(model->second.variants.at(name.variant));
    }
  }
  state.fleet.set_resident(node.id, ids);
}

void model_crashed_on(Context& ctx, ModelEntry& model, NodeId node) {
  model.crashes[node] = ctx.now;
  const Instant since = ctx.now - ctx.state.settings.trip_window;
  const auto recent = std::ranges::count_if(
      model.crashes, [&](const auto& crash) { return crash.second >= since; });
  if (!model.tripped && recent >= ctx.state.settings.trip_nodes) {
    model.tripped = true;
    model.tripped_at = ctx.now;
    ctx.state.timers.add(
        {ctx.now + ctx.state.settings.trip_time, TimerKind::kTrip, model.id.value});
    ctx.state.fleet.set_tripped(model.id, true);
    ctx.happen(ModelChanged{model.manifest.name, "tripped"});
  }
}

void model_worked_on(ModelEntry& model, NodeId node) { model.crashes.erase(node); }

// The breaker closes again: if the model still crashes everywhere, it trips again.
void trip_timer(Context& ctx, scheduler::ModelId id) {
  const auto it = ctx.state.models.find(ctx.state.model_names.at(id.value));
  if (it == ctx.state.models.end() || it->second.id != id || !it->second.tripped ||
      it->second.tripped_at + ctx.state.settings.trip_time > ctx.now) {
    return;
  }
  it->second.tripped = false;
  it->second.crashes.clear();
  ctx.state.fleet.set_tripped(id, false);
  ctx.state.ready.unblock_all();
  ctx.happen(ModelChanged{it->first, "restored"});
}

}  // namespace skerry::core
