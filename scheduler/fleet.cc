#include "scheduler/fleet.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "scheduler/estimate.h"
#include "scheduler/fleet_state.h"
#include "scheduler/predict.h"

namespace skerry::scheduler {

namespace {

// The entry at a dense id; the table grows where needed.
template <typename T>
T& entry(std::vector<T>& table, std::uint32_t id) {
  if (table.size() <= id) {
    table.resize(id + 1);
  }
  return table[id];
}

}  // namespace

NodeState& Fleet::State::node(NodeId id) {
  check(id.value < nodes.size() && nodes[id.value] != nullptr,
        "the fleet has no node with this id");
  return *nodes[id.value];
}

const Variant* Fleet::State::find_variant(VariantId id) const {
  return id.value < variants.size() && variants[id.value] ? &*variants[id.value] : nullptr;
}

void Fleet::State::refresh(NodeId id) { index.put(id, nodes[id.value]->facts()); }

void Fleet::State::refresh_models(NodeId id) {
  std::vector<ModelId> resident;
  for (const Knowledge& known : nodes[id.value]->knowledge) {
    if (known.resident) {
      resident.push_back(known.model);
    }
  }
  std::ranges::sort(resident);
  resident.erase(std::ranges::unique(resident).begin(), resident.end());
  index.set_models(id, resident);
}

void Fleet::State::forget(VariantId id) {
  variants[id.value].reset();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i] == nullptr || nodes[i]->find(id) == nullptr) {
      continue;
    }
    nodes[i]->forget(id);
    refresh(NodeId{i});
    refresh_models(NodeId{i});
  }
}

void Fleet::State::count_slots(const NodeState& node, double sign) {
  ready_slots += node.availability == Availability::kReady ? sign * node.slots : 0;
}

Fleet::Fleet() : state_(std::make_unique<State>()) {}
Fleet::~Fleet() = default;
Fleet::Fleet(Fleet&&) noexcept = default;
Fleet& Fleet::operator=(Fleet&&) noexcept = default;

void Fleet::put_node(NodeId id, NodeSpec spec) {
  std::unique_ptr<NodeState>& node = entry(state_->nodes, id.value);
  if (node == nullptr) {
    node = std::make_unique<NodeState>();
    ++state_->node_count;
  } else {
    state_->count_slots(*node, -1);
    state_->node_names.erase(node->spec.name);
    state_->index.roster.leave(id, node->spec);
  }
  state_->index.roster.enter(id, spec);
  const bool new_name = spec.name.empty() || state_->node_names.emplace(spec.name, id).second;
  check(new_name, "two nodes cannot have one name");
  node->site_number = state_->index.sites.number(spec.site);
  node->engine_bits = 0;
  for (const std::string& engine : spec.engines) {
    node->engine_bits |= engine_bit(state_->index.engines.number(engine));
  }
  node->adopt(std::move(spec));
  state_->count_slots(*node, 1);
  state_->refresh(id);
}

void Fleet::remove_node(NodeId id) {
  state_->count_slots(state_->node(id), -1);
  const NodeSpec& spec = state_->node(id).spec;
  state_->node_names.erase(spec.name);
  state_->index.roster.leave(id, spec);
  state_->index.remove(id);
  state_->nodes[id.value].reset();
  --state_->node_count;
}

void Fleet::set_availability(NodeId id, Availability availability) {
  NodeState& node = state_->node(id);
  state_->count_slots(node, -1);
  node.availability = availability;
  state_->count_slots(node, 1);
  state_->refresh(id);
}

void Fleet::set_capacity(NodeId id, std::uint32_t capacity) {
  state_->node(id).load.capacity = capacity;
  state_->refresh(id);
}

void Fleet::set_resident(NodeId id, std::span<const VariantId> resident) {
  NodeState& node = state_->node(id);
  for (Knowledge& known : node.knowledge) {
    known.resident = false;
  }
  for (const VariantId variant : resident) {
    node.learn(this->variant(variant)).resident = true;
  }
  state_->refresh_models(id);
}

void Fleet::observe_link(NodeId id, double rtt_s, std::optional<double> bandwidth_bytes_per_s) {
  NodeState& node = state_->node(id);
  node.rtt_s = learned(node.rtt_s, rtt_s);
  if (bandwidth_bytes_per_s) {
    node.observe_bandwidth(*bandwidth_bytes_per_s);
  }
  state_->refresh(id);
}

void Fleet::put_model(Model model, std::vector<Variant> variants) {
  std::optional<Model>& place = entry(state_->models, model.id.value);
  if (place) {
    state_->model_names.erase(place->name);
    for (const VariantId old : place->variants) {
      if (std::ranges::find(variants, old, &Variant::id) == variants.end()) {
        state_->forget(old);
      }
    }
  }
  model.variants.clear();
  for (Variant& variant : variants) {
    check(variant.model == model.id, "a variant belongs to the model that it comes with");
    std::optional<Variant>& known = entry(state_->variants, variant.id.value);
    check(!known || known->model == model.id, "a variant's id is not one of another model's");
    model.variants.push_back(variant.id);
    known = std::move(variant);
  }
  const bool new_name = state_->model_names.emplace(model.name, model.id).second;
  check(new_name, "two models cannot have one name");
  place = std::move(model);
}

void Fleet::remove_model(ModelId id) {
  const Model gone = model(id);
  for (const VariantId variant : gone.variants) {
    state_->forget(variant);
  }
  state_->model_names.erase(gone.name);
  state_->models[id.value].reset();
}

void Fleet::set_tripped(ModelId id, bool tripped) {
  check(id.value < state_->models.size() && state_->models[id.value].has_value(),
        "the fleet has no model with this id");
  state_->models[id.value]->tripped = tripped;
}

void Fleet::assigned(NodeId node, double service_s) {
  NodeLoad& load = state_->node(node).load;
  ++load.outstanding;
  load.backlog_s += service_s;
  state_->refresh(node);
  state_->index.rotate();
}

void Fleet::released(NodeId node, double service_s) {
  NodeLoad& load = state_->node(node).load;
  check(load.outstanding > 0, "only what was assigned is released");
  --load.outstanding;
  // Sums of what was added and taken back differ from 0 by rounding; an idle node has exactly none.
  load.backlog_s = load.outstanding == 0 ? 0 : std::max(load.backlog_s - service_s, 0.0);
  state_->refresh(node);
}

void Fleet::observe_service(NodeId node, VariantId variant, double service_s) {
  if (const Variant* known = state_->find_variant(variant)) {
    state_->node(node).observe_service(*known, service_s);
    state_->refresh(node);
  }
}

void Fleet::observe_probe(NodeId node, VariantId variant, std::span<const double> service_s) {
  if (const Variant* known = state_->find_variant(variant)) {
    state_->node(node).observe_probe(*known, service_s);
    state_->refresh(node);
  }
}

void Fleet::doubt(NodeId node, VariantId variant) {
  state_->node(node).doubt(this->variant(variant));
}

void Fleet::observe_load(NodeId node, VariantId variant, double load_s) {
  if (const Variant* known = state_->find_variant(variant)) {
    Knowledge& knowledge = state_->node(node).learn(*known);
    knowledge.load = learned(knowledge.load, load_s);
  }
}

void Fleet::observe_memory(NodeId node, VariantId variant, std::uint64_t memory_bytes) {
  if (state_->find_variant(variant) != nullptr) {
    state_->node(node).observe_memory(variant, memory_bytes);
  }
}

bool Fleet::fits(NodeId node, const Variant& variant) const {
  return state_->node(node).fits(variant);
}

void Fleet::observe_energy(NodeId id, VariantId variant, const MeasuredRun& run) {
  if (const Variant* known = state_->find_variant(variant)) {
    NodeState& node = state_->node(id);
    const double transfer_j = node.transfer_j_per_byte * run.input_bytes;
    node.observe_energy(*known, run.energy_j - transfer_j, run.service_s);
    state_->refresh(id);
  }
}

std::size_t Fleet::node_count() const { return state_->node_count; }

bool Fleet::has_node(NodeId id) const {
  return id.value < state_->nodes.size() && state_->nodes[id.value] != nullptr;
}

bool Fleet::has_variant(VariantId id) const { return state_->find_variant(id) != nullptr; }

const NodeSpec& Fleet::node(NodeId id) const { return state_->node(id).spec; }

double Fleet::ready_slots() const { return state_->ready_slots; }

Availability Fleet::availability(NodeId id) const { return state_->node(id).availability; }

const NodeLoad& Fleet::load(NodeId id) const { return state_->node(id).load; }

bool Fleet::resident(NodeId node, VariantId variant) const {
  const Knowledge* known = state_->node(node).find(variant);
  return known != nullptr && known->resident;
}

Estimate Fleet::service(NodeId node, VariantId variant) const {
  const NodeState& state = state_->node(node);
  return state.service(this->variant(variant), state.find(variant));
}

Estimate Fleet::load_time(NodeId node, VariantId variant) const {
  const NodeState& state = state_->node(node);
  return state.load_time(this->variant(variant), state.find(variant));
}

double Fleet::measured_w(NodeId node, VariantId variant) const {
  const NodeState& state = state_->node(node);
  return state.measured_w(state.find(variant));
}

double Fleet::rtt_s(NodeId id) const { return state_->node(id).rtt_s.mean; }

double Fleet::bandwidth_bytes_per_s(NodeId id) const {
  return 1 / state_->node(id).seconds_per_byte.mean;
}

Physics Fleet::physics(NodeId id, VariantId variant_id, double input_bytes) const {
  const NodeState& node = state_->node(id);
  const Variant& variant = this->variant(variant_id);
  const Knowledge* known = node.find(variant_id);
  const Estimate service = node.service(variant, known);
  const bool resident = known != nullptr && known->resident;
  const Estimate load = resident ? Estimate{} : node.load_time(variant, known);
  return {.backlog_s = node.load.backlog_s,
          .outstanding = static_cast<double>(node.load.outstanding),
          .slots = node.slots,
          .rtt_s = node.rtt_s.mean,
          .bandwidth_bytes_per_s = 1 / node.seconds_per_byte.mean,
          .input_bytes = input_bytes,
          .load_s = load.mean,
          .load_deviation_s = load.deviation,
          .service_s = service.mean,
          .service_deviation_s = service.deviation,
          .busy_w = node.busy_w,
          .measured_w = node.measured_w(known),
          .transfer_j_per_byte = node.transfer_j_per_byte,
          .price_usd_per_s = node.price_usd_per_s,
          .error = 1 - variant.accuracy};
}

std::vector<NodeId> Fleet::nodes() const {
  std::vector<NodeId> ids;
  ids.reserve(state_->node_count);
  for (std::uint32_t i = 0; i < state_->nodes.size(); ++i) {
    if (state_->nodes[i] != nullptr) {
      ids.push_back(NodeId{i});
    }
  }
  return ids;
}

std::uint32_t Fleet::node_id_limit() const {
  return static_cast<std::uint32_t>(state_->nodes.size());
}

std::optional<NodeId> Fleet::find_node(std::string_view name) const {
  const auto found = state_->node_names.find(name);
  return found == state_->node_names.end() ? std::nullopt : std::optional(found->second);
}

const Model* Fleet::find_model(std::string_view name) const {
  const auto found = state_->model_names.find(name);
  return found == state_->model_names.end() ? nullptr : &*state_->models[found->second.value];
}

const Model& Fleet::model(ModelId id) const {
  check(id.value < state_->models.size() && state_->models[id.value].has_value(),
        "the fleet has no model with this id");
  return *state_->models[id.value];
}

const Variant& Fleet::variant(VariantId id) const {
  const Variant* found = state_->find_variant(id);
  check(found != nullptr, "the fleet has no variant with this id");
  return *found;
}

const Fleet::Index& Fleet::index() const { return state_->index; }

}  // namespace skerry::scheduler
