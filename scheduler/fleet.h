// fleet.h: what the scheduler knows: nodes, models, how loaded and how fast each node is. The input
// of every decision.
//
// A Fleet is owned and changed by the core, on its strand; it holds no clock and does no I/O. The
// candidate index (index.h) lives inside and is kept current by the mutators, so that a decision
// looks at a bounded number of nodes.
//
// NodeId and VariantId are dense numbers given by the caller (the core) in any order, starting at
// 0. Unknown ids are programmer errors (check). Mutators are O(log nodes) or better, except for
// put_model and remove_model, which walk the nodes once to forget the variants that are gone;
// predictions are O(1). References that are handed out stay valid until the next mutator.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/time.h"
#include "scheduler/constraints.h"

namespace skerry::scheduler {

struct Physics;  // predict.h

using ModelId = Id<struct ModelIdTag, std::uint32_t>;
using VariantId = Id<struct VariantIdTag, std::uint32_t>;  // over all models

struct PowerModel {
  double idle_w = 0;
  double busy_w = 0;               // with every slot busy
  double transfer_j_per_byte = 0;  // of the node's link

  bool operator==(const PowerModel&) const = default;
};

// What a node is, as its agent declares it; changes only with a new hello.
struct NodeSpec {
  std::string name;
  Tier tier = Tier::kEdge;
  std::string site;
  std::map<std::string, std::string> labels;
  std::vector<std::string> engines;  // "torch", "noop", ...
  std::uint32_t slots = 1;           // attempts that run at the same time
  std::uint64_t memory_bytes = 0;    // for models
  double speed = 1;  // relative to the reference core of the manifests, per slot; first guess
  PowerModel power;
  double price_usd_per_hour = 0;  // of the whole node
  double rtt_s = 0;               // declared link, until measured
  double bandwidth_bytes_per_s = 125e6;

  bool operator==(const NodeSpec&) const = default;
};

// Why a node takes no new work; kReady means it does, as far as it has credit.
enum class Availability : std::uint8_t { kReady, kNotReady, kCordoned };

struct Variant {
  VariantId id;
  ModelId model;
  std::string name;
  double accuracy = 0;
  double reference_s = 0;  // service time on the reference core
  std::uint64_t artifact_bytes = 0;
  std::uint64_t memory_bytes = 0;
};

struct Model {
  ModelId id;
  std::string name;
  std::string engine;
  bool tripped = false;             // crashed on several nodes: no new work
  std::vector<VariantId> variants;  // order of the manifest
};

// Measured against predicted: a running mean and deviation of a figure per node and variant. Starts
// from a guess with a wide deviation; the first measurements count most (estimate.h says how).
// Where a node has measured some variants of a model, the guesses of the others are corrected by
// the same factor.
struct Estimate {
  double mean = 0;
  double deviation = 0;
  std::uint32_t samples = 0;
};

struct MeasuredRun {
  double energy_j = 0;
  double service_s = 0;
  double input_bytes = 0;
};

struct NodeLoad {
  std::uint32_t outstanding = 0;  // attempts assigned and not ended
  std::uint32_t capacity = 0;     // most attempts it holds at once: slots plus a short queue
  double backlog_s = 0;           // sum of the predicted service time of the outstanding attempts
};

class Fleet {
 public:
  Fleet();
  ~Fleet();
  Fleet(Fleet&&) noexcept;
  Fleet& operator=(Fleet&&) noexcept;

  // Nodes. put_node adds one, not ready and without capacity, or replaces its spec; what was
  // measured stays. Figures of a spec that make no sense (no slots, speed or bandwidth of 0 or
  // less, not finite) count as the defaults above.
  void put_node(NodeId id, NodeSpec spec);
  void remove_node(NodeId id);
  void set_availability(NodeId id, Availability availability);
  void set_capacity(NodeId id, std::uint32_t capacity);
  void set_resident(NodeId id, std::span<const VariantId> resident);  // replaces the set
  void observe_link(NodeId id, double rtt_s, std::optional<double> bandwidth_bytes_per_s);

  // Models. put_model adds one or replaces its variants (ids of unchanged variants stay the
  // caller's business).
  void put_model(Model model, std::vector<Variant> variants);
  void remove_model(ModelId id);
  void set_tripped(ModelId id, bool tripped);

  // Load: assigned adds one outstanding attempt, released takes it back; service_s must be the same
  // in both calls.
  void assigned(NodeId node, double service_s);
  void released(NodeId node, double service_s);
  // Outcomes: how long a forward, or loading the variant, really took. Of a variant that is gone by
  // then, nothing is learned; so with all observe_*.
  void observe_service(NodeId node, VariantId variant, double service_s);
  void observe_load(NodeId node, VariantId variant, double load_s);
  // A probe: forwards in a row on synthetic inputs. Tasks take longer; how much so on this node is
  // learned from the model's variants that both were measured of, and added for those of which only
  // probes tell.
  void observe_probe(NodeId node, VariantId variant, std::span<const double> service_s);
  // What a loaded instance of the variant takes there; its profile's figure is the least.
  void observe_memory(NodeId node, VariantId variant, std::uint64_t memory_bytes);
  // What was measured of the service is old: the next measurements count as the first ones do.
  void doubt(NodeId node, VariantId variant);
  // What a run without a load took by the node's sensors, its input's transfer as modelled included.
  // Only for measured energy: a modelled one would teach the model itself. Sensors count in steps of
  // milliseconds or more, so short runs count together.
  void observe_energy(NodeId node, VariantId variant, const MeasuredRun& run);

  // Reading.
  std::size_t node_count() const;
  bool has_node(NodeId id) const;
  bool has_variant(VariantId id) const;
  const NodeSpec& node(NodeId id) const;
  Availability availability(NodeId id) const;
  const NodeLoad& load(NodeId id) const;
  bool resident(NodeId node, VariantId variant) const;
  Estimate service(NodeId node,
                   VariantId variant) const;  // seconds; a profile's guess until measured
  Estimate load_time(NodeId node, VariantId variant) const;
  bool fits(NodeId node, const Variant& variant) const;  // into what the node gives to models
  // What a run draws as measured, W; of the node's other variants where this one was not measured;
  // 0 where nothing was, and the power model has the word.
  double measured_w(NodeId node, VariantId variant) const;
  double rtt_s(NodeId id) const;
  double bandwidth_bytes_per_s(NodeId id) const;
  Physics physics(NodeId node, VariantId variant,
                  double input_bytes) const;  // all of the above, as predict() needs it
  std::vector<NodeId> nodes() const;          // ascending
  double ready_slots() const;                 // of all nodes that are ready, full ones too
  std::uint32_t node_id_limit() const;        // all ids of nodes are smaller
  std::optional<NodeId> find_node(std::string_view name) const;
  const Model* find_model(std::string_view name) const;  // nullptr if none
  const Model& model(ModelId id) const;
  const Variant& variant(VariantId id) const;

  // The candidate index; for place() and tests.
  class Index;
  const Index& index() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skerry::scheduler
