// eligibility.h: the hard constraints as predicates, each with its reason.
//
// A pair of node and variant is judged in a fixed order, and the first reason found is the one that
// is told: what holds for good (node, then variant, then both together), then what may pass with
// time, then what the prediction says.
//
// Bound to one task and fleet at a time; the fleet must not change while bound. Buffers are kept
// over bind().

#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/policy.h"

namespace skerry::scheduler {

// A variant of the task's model, and whether the task may use it at all (kVariant, kAccuracy or
// kNone).
struct VariantMask {
  VariantId id;
  MaskReason reason = MaskReason::kNone;
  const Variant* variant = nullptr;  // the fleet's
};

class Eligibility {
 public:
  void bind(const TaskView& task, const Fleet& fleet);

  std::span<const VariantMask> variants() const { return variants_; }  // ascending by id
  bool any_variant() const {                                           // that the task may use
    return std::ranges::find(variants_, MaskReason::kNone, &VariantMask::reason) != variants_.end();
  }
  // If the task names a node, a site or labels: the nodes that meet the most selective of these, in
  // no particular order. Nobody else can take it.
  std::optional<std::span<const NodeId>> confines() const { return confines_; }
  bool tier_allowed(Tier tier) const { return (tiers_ >> static_cast<unsigned>(tier) & 1) != 0; }

  MaskReason lasting(NodeId node) const;
  MaskReason lasting(NodeId node, const VariantMask& variant) const;
  MaskReason passing(NodeId node) const;
  bool takes_work(NodeId node) const {  // of this task, as far as the node alone can tell
    return lasting(node) == MaskReason::kNone && passing(node) == MaskReason::kNone;
  }
  MaskReason predicted(const Objectives& objectives) const;
  // The whole chain, for a pair whose prediction is known.
  MaskReason judge(NodeId node, const VariantMask& variant, const Prediction& prediction) const;
  // True if some fleet in the same place but idle, ready and with the variant loaded could take it.
  bool possible(NodeId node, const VariantMask& variant) const;

 private:
  void bind_node();
  void bind_variants();
  void confine(std::span<const NodeId> nodes);

  const TaskView* task_ = nullptr;
  const Fleet* fleet_ = nullptr;
  const Model* model_ = nullptr;
  std::vector<VariantMask> variants_;
  bool only_node_asked_ = false;
  std::optional<NodeId> only_node_;  // no value though asked: there is no such node
  std::uint32_t tiers_ = 0;          // a bit per allowed tier
  bool site_asked_ = false;
  std::optional<std::uint32_t> site_;  // its number; no value though asked: nobody is there
  std::optional<std::span<const NodeId>> confines_;
  std::uint64_t engine_ = 0;
};

}  // namespace skerry::scheduler
