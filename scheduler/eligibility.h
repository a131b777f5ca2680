// eligibility.h: the hard constraints as predicates, each with its reason.
//
// A pair of node and variant is judged in a fixed order, and the first reason found is the one that
// is told: what holds for good (node, then variant, then both together), then what may pass with
// time, then what the prediction says.
//
// Bound to one task and fleet at a time; the fleet must not change while bound. Buffers are kept
// over bind().

#pragma once

#include <array>
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
  std::uint64_t memory_bytes = 0;
};

class Eligibility {
 public:
  void bind(const TaskView& task, const Fleet& fleet);

  std::span<const VariantMask> variants() const { return variants_; }  // ascending by id
  // The only node that may be eligible, if the task names or is pinned to one; no value in it =
  // there is no such node.
  struct OnlyNode {
    bool asked = false;
    std::optional<NodeId> node;
  };
  OnlyNode only_node() const { return only_node_; }
  bool tier_allowed(Tier tier) const { return (tiers_ >> static_cast<unsigned>(tier) & 1) != 0; }
  // Likewise the number of the only site; no value in it = nobody is there.
  struct OnlySite {
    bool asked = false;
    std::optional<std::uint32_t> site;
  };
  OnlySite only_site() const { return only_site_; }

  MaskReason lasting(NodeId node) const;
  MaskReason lasting(NodeId node, const VariantMask& variant) const;
  MaskReason passing(NodeId node) const;
  bool takes_work(NodeId node) const {  // of this task, as far as the node alone can tell
    return lasting(node) == MaskReason::kNone && passing(node) == MaskReason::kNone;
  }
  MaskReason predicted(const Prediction& prediction) const;
  // The whole chain, for a pair whose prediction is known.
  MaskReason judge(NodeId node, const VariantMask& variant, const Prediction& prediction) const;
  // True if some fleet in the same place but idle, ready and with the variant loaded could take it.
  bool possible(NodeId node, const VariantMask& variant) const;

 private:
  void bind_variants();

  const TaskView* task_ = nullptr;
  const Fleet* fleet_ = nullptr;
  const Model* model_ = nullptr;
  std::vector<VariantMask> variants_;
  OnlyNode only_node_;
  std::uint32_t tiers_ = 0;  // a bit per allowed tier
  OnlySite only_site_;
  std::uint64_t engine_ = 0;
};

}  // namespace skerry::scheduler
