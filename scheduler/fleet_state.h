// fleet_state.h: what a Fleet holds. Included by fleet.cc and its parts only.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scheduler/fleet.h"
#include "scheduler/index.h"

namespace skerry::scheduler {

// What is known of a variant on one node, beyond its profile, as predictions read it. One cache
// line.
struct Knowledge {
  VariantId variant;
  ModelId model;
  bool resident = false;
  float power_w = 0;  // that a run draws, as measured; 0 = not yet
  Estimate service;   // what a task takes, by the measurements below; valid if samples > 0
  Estimate load;      // valid if samples > 0
};

// What was measured of a variant's service on one node; each valid if samples > 0.
struct Measurements {
  VariantId variant;
  ModelId model;
  double guess_s = 0;    // by the profile
  double log_ratio = 0;  // ln(service / guess)
  Estimate service;      // what a task takes, as concluded from the two below
  Estimate tasks;        // as measured with tasks
  Estimate probe;        // as measured with probes
};

struct MeasuredMemory {
  VariantId variant;
  std::uint64_t bytes = 0;
};

// How much longer a task of a model takes on a node than a probe of the same variant: its input is
// decoded, and caches have gone cold since the last one. The same for all variants, nearly.
struct Overhead {
  ModelId model;
  Estimate seconds;
};

// How much slower than guessed a model runs on a node, by the variants measured there.
struct Correction {
  ModelId model;
  double weight =
      0;  // measurements that speak, and the sum of ln(measured / guessed) that they weigh
  double weighted_log = 0;
  double factor = 1;  // geometric mean of measured / guessed
};

// What runs of a variant draw on one node, by its sensors.
struct Draw {
  VariantId variant;
  Estimate power_w;
  double pending_j =
      0;  // of the runs since the last measurement, until they are long enough for one
  double pending_s = 0;
};

struct NodeState {
  // Read by every prediction: the spec's figures, made safe, and what was measured of the link.
  double slots = 1;
  double speed = 1;
  double busy_w = 0;
  double transfer_j_per_byte = 0;
  double price_usd_per_s = 0;
  Estimate rtt_s;
  Estimate seconds_per_byte;
  NodeLoad load;
  double slowness = 1;            // seconds per reference second, as measured over all models
  double power_w = 0;             // that a run draws, as measured over all variants; 0 = not yet
  std::uint32_t site_number = 0;  // see Fleet::Index
  std::uint64_t engine_bits = 0;
  Availability availability = Availability::kNotReady;
  std::vector<Knowledge> knowledge;       // ascending by variant
  std::vector<Measurements> measured;     // ascending by variant
  std::vector<MeasuredMemory> too_large;  // than this node's memory, though declared smaller
  std::vector<Overhead> overheads;        // ascending by model
  std::vector<Correction> corrections;    // ascending by model
  std::vector<Draw> draws;                // ascending by variant
  NodeSpec spec;

  const Knowledge* find(VariantId variant) const;
  Knowledge& learn(const Variant& variant);  // finds or adds
  void adopt(NodeSpec new_spec);
  void observe_bandwidth(double bytes_per_s);
  double guess_s(const Variant& variant) const;  // of the service, by the profile alone
  Estimate service(const Variant& variant, const Knowledge* known) const;
  Estimate load_time(const Variant& variant, const Knowledge* known) const;
  Correction& correction_of(ModelId model);  // finds or adds
  void observe_service(const Variant& variant, double service_s);
  void observe_memory(VariantId variant, std::uint64_t bytes);
  bool fits(const Variant& variant) const;
  void observe_probe(const Variant& variant, std::span<const double> service_s);
  void doubt(const Variant& variant);
  void forget(VariantId variant);
  Measurements& measurements_of(const Variant& variant);  // finds or adds
  Estimate& overhead_of(ModelId model);                   // finds or adds
  // Recomputes what predictions read from what was measured.
  void conclude(const Variant& variant);
  void conclude(Measurements& known, const Estimate& overhead);
  void correct();  // corrections and slowness
  double measured_w(const Knowledge* known) const;
  void observe_energy(const Variant& variant, double energy_j, double service_s);
  void conclude_power();  // power_w
  NodeFacts facts() const;
};

struct Fleet::State {
  std::vector<std::unique_ptr<NodeState>> nodes;  // by id; null = no such node
  std::size_t node_count = 0;
  double ready_slots = 0;
  std::map<std::string, NodeId, std::less<>> node_names;
  std::vector<std::optional<Model>> models;  // by id
  std::map<std::string, ModelId, std::less<>> model_names;
  std::vector<std::optional<Variant>> variants;  // by id
  Index index;

  NodeState& node(NodeId id);
  const Variant* find_variant(VariantId id) const;       // nullptr if it is gone
  void refresh(NodeId id);                               // tells the index
  void count_slots(const NodeState& node, double sign);  // into ready_slots, if it is ready
  void refresh_models(NodeId id);  // tells the index which models are resident
  void forget(VariantId id);
};

}  // namespace skerry::scheduler
