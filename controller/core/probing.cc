// probing.cc: variants are measured on nodes, so that predictions are true.
//
// First each variant once on every new node, one after the other, and what a node had loaded before
// its agent started anew: it would look slow to load, and stay unused for ever. Then again what an idle node has
// loaded and little is known of, or nothing new: one unlucky measurement would otherwise stand for
// ever, since a variant that looks slow is never chosen and so never measured again. At most one
// such probe per node and probe_interval, never a load, never while the node has work.
//
// And a task that only the loading of a variant keeps from its limits (a deadline shorter than any
// load, say) has it loaded on an idle node by a probe of one run: if it is too late for that task,
// the next one finds it warm.

#include <algorithm>
#include <tuple>

#include "controller/core/context.h"
#include "scheduler/estimate.h"

namespace skerry::core {

namespace {

// Of a node: two variants that do not fit together must not push each other out all the time.
constexpr Duration kBetweenWarmUps = seconds(1);
constexpr Duration kAfterFailure = seconds(10);

struct ProbeKind {
  std::uint32_t runs = 1;
  bool resident_only = false;
};

bool supports(const NodeEntry& node, const std::string& engine) {
  return std::ranges::find(node.spec.engines, engine) != node.spec.engines.end();
}

// Never measured there, or not loaded any more after a new start.
std::optional<VariantName> unprobed(const State& state, const NodeEntry& node) {
  for (const auto& [name, model] : state.models) {
    if (model.tripped || !supports(node, model.manifest.engine)) {
      continue;
    }
    for (const auto& variant : model.manifest.variants) {
      VariantName candidate{name, variant.name};
      const auto id = model.variants.at(variant.name);
      const bool fits = state.fleet.fits(node.id, state.fleet.variant(id));
      const bool measured = state.fleet.service(node.id, id).samples > 0;
      const bool cold = node.cold.contains(candidate) && !node.resident.contains(candidate);
      if (fits && (!measured || cold) && !node.probed.contains(candidate)) {
        return candidate;
      }
    }
  }
  return std::nullopt;
}

// The variant's id, if it is one of the model's current ones.
std::optional<scheduler::VariantId> current(const State& state, const VariantName& name) {
  const auto model = state.models.find(name.model);
  if (model == state.models.end()) {
    return std::nullopt;
  }
  const auto& variants = model->second.manifest.variants;
  return std::ranges::find(variants, name.variant, &VariantSpec::name) == variants.end()
             ? std::nullopt
             : std::optional(model->second.variants.at(name.variant));
}

// What was probed is of the manifest that is applied now.
bool is_newest(const State& state, const ProbeEnded& event) {
  const auto model = state.models.find(event.variant.model);
  return model != state.models.end() &&
         (event.revision == 0 || event.revision == model->second.revision);
}

Instant measured_at(const NodeEntry& node, scheduler::VariantId variant) {
  const auto found = node.measured_at.find(variant);
  return found == node.measured_at.end() ? Instant() : found->second;
}

// The loaded variant that most deserves to be measured again: the one of fewest measurements, then
// the one whose last is longest ago.
std::optional<VariantName> doubtful(const State& state, const NodeEntry& node, Instant now) {
  const Instant old = now - state.settings.probe_max_age;
  std::optional<VariantName> worst;
  std::tuple<std::uint32_t, Instant> least;
  for (const VariantName& name : node.resident) {
    const auto variant = current(state, name);
    if (!variant || state.models.at(name.model).tripped) {
      continue;
    }
    const Instant at = measured_at(node, *variant);
    scheduler::Estimate service = state.fleet.service(node.id, *variant);
    if (at <= old) {
      service = scheduler::doubted(service);
    }
    const std::tuple rank{service.samples, at};
    if (!scheduler::settled(service) && (!worst || rank < least)) {
      worst = name;
      least = rank;
    }
  }
  return worst;
}

void probe(Context& ctx, NodeEntry& node, VariantName variant, ProbeKind kind) {
  const ModelEntry& model = ctx.state.models.at(variant.model);
  ctx.send(*node.session,
           ProbeVariant{.model = variant.model,
                        .variant = variant.variant,
                        .manifest_revision = model.revision,
                        .runs = kind.runs,
                        .resident_only = kind.resident_only},
           ctx.batch_so_far());
  node.probing = std::move(variant);
}

void learn(Context& ctx, NodeEntry& node, const ProbeEnded& event, scheduler::VariantId variant) {
  std::vector<double> service_s;
  std::ranges::transform(event.service, std::back_inserter(service_s), to_seconds);
  ctx.state.fleet.observe_probe(node.id, variant, service_s);
  if (event.load.count() > 0) {
    ctx.state.fleet.observe_load(node.id, variant, to_seconds(event.load));
  }
  ctx.state.fleet.observe_memory(node.id, variant, event.memory_bytes);
  node.measured_at[variant] = ctx.now;
}

}  // namespace

void probe_next(Context& ctx, NodeEntry& node) {
  if (!node.session || node.probing || ctx.state.settings.probe_runs == 0) {
    return;
  }
  if (auto variant = unprobed(ctx.state, node)) {
    probe(ctx, node, *std::move(variant), {.runs = ctx.state.settings.probe_runs});
  }
}

void probe_again(Context& ctx, NodeEntry& node) {
  State& state = ctx.state;
  const double interval_s = to_seconds(state.settings.probe_interval);
  if (ctx.now < node.probe_again_at || interval_s == 0 || state.settings.probe_runs == 0) {
    return;
  }
  if (!node.session || node.probing || !node.jobs.empty() || state_of(node) != NodeState::kReady) {
    return;
  }
  // Spread out, so that nodes which enrolled together do not measure together: they may share a
  // machine.
  node.probe_again_at =
      ctx.now + duration_from_seconds(state.jitter.uniform(0.5 * interval_s, 1.5 * interval_s));
  if (auto variant = doubtful(state, node, ctx.now)) {
    const auto id = *current(state, *variant);
    if (measured_at(node, id) <= ctx.now - state.settings.probe_max_age) {
      state.fleet.doubt(node.id, id);
    }
    probe(ctx, node, *std::move(variant),
          {.runs = state.settings.probe_runs, .resident_only = true});
  }
}

void warm_up(Context& ctx, const scheduler::WarmUp& wanted) {
  NodeEntry& node = node_by_id(ctx.state, wanted.node);
  const VariantName& variant = ctx.state.variant_names.at(wanted.variant.value);
  if (!node.session || node.probing || ctx.now < node.warm_up_at) {
    return;
  }
  node.warm_up_at = ctx.now + kBetweenWarmUps;
  probe(ctx, node, variant, {.runs = 1, .resident_only = false});
}

void handle(Context& ctx, ProbeEnded& event) {
  NodeEntry* node = node_of(ctx.state, event.session);
  if (node == nullptr) {
    return;
  }
  node_heard(ctx, *node);
  if (!event.error.empty()) {
    node->warm_up_at = std::max(node->warm_up_at, ctx.now + kAfterFailure);
  }
  const bool newest = is_newest(ctx.state, event);
  if (node->probing == event.variant) {
    node->probing.reset();
    if (newest) {
      node->probed.insert(event.variant);  // a failed probe is not tried again on this stream
    }
  }
  if (const auto variant = current(ctx.state, event.variant);
      variant && newest && event.error.empty()) {
    learn(ctx, *node, event, *variant);
    ctx.state.ready.unblock_all();  // what was predicted to be too slow may not be
  }
  probe_next(ctx, *node);
}

}  // namespace skerry::core
