#include "scheduler/eligibility.h"

#include <algorithm>

#include "common/check.h"
#include "scheduler/index.h"

namespace skerry::scheduler {

namespace {

constexpr std::uint32_t kAllTiers = (1U << kTiers) - 1;

bool labels_match(const NodeSpec& node, const std::map<std::string, std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& label) {
    const auto found = node.labels.find(label.first);
    return found != node.labels.end() && found->second == label.second;
  });
}

bool has_engine(const NodeSpec& node, const std::string& engine) {
  return std::ranges::find(node.engines, engine) != node.engines.end();
}

bool exceeds(double value, const std::optional<double>& limit) { return limit && value > *limit; }

MaskReason variant_reason(const Variant& variant, const TaskView& task) {
  const Constraints& constraints = *task.constraints;
  if (task.pinned_variant && *task.pinned_variant != variant.id) {
    return MaskReason::kVariant;
  }
  if (!constraints.variants.empty() &&
      std::ranges::find(constraints.variants, variant.name) == constraints.variants.end()) {
    return MaskReason::kVariant;
  }
  return constraints.min_accuracy && variant.accuracy < *constraints.min_accuracy
             ? MaskReason::kAccuracy
             : MaskReason::kNone;
}

}  // namespace

void Eligibility::bind(const TaskView& task, const Fleet& fleet) {
  check(task.constraints != nullptr, "a task has constraints, if only empty ones");
  task_ = &task;
  fleet_ = &fleet;
  model_ = &fleet.model(task.model);
  const Constraints& constraints = *task.constraints;

  tiers_ = constraints.tiers.empty() ? kAllTiers : 0;
  for (const Tier tier : constraints.tiers) {
    tiers_ |= 1U << static_cast<unsigned>(tier);
  }
  const Fleet::Index& index = fleet.index();
  confines_.reset();
  bind_node();
  site_asked_ = !constraints.site.empty();
  if (site_asked_) {
    site_ = index.sites.find(constraints.site);
    confine(index.roster.at_site(constraints.site));
  }
  for (const auto& [key, value] : constraints.labels) {
    confine(index.roster.labelled(key, value));
  }
  const auto engine = index.engines.find(model_->engine);
  engine_ = engine ? engine_bit(*engine) : 0;
  bind_variants();
}

void Eligibility::bind_node() {
  const std::string& name = task_->constraints->node;
  const std::optional<NodeId> pinned = task_->pinned_node;
  only_node_asked_ = !name.empty() || pinned;
  if (!only_node_asked_) {
    return;
  }
  only_node_ = name.empty() ? pinned : fleet_->find_node(name);
  const bool contradiction = pinned && only_node_ != pinned;
  if (contradiction || !only_node_ || !fleet_->has_node(*only_node_)) {
    only_node_.reset();
    confine({});
  } else {
    confine({&*only_node_, 1});
  }
}

void Eligibility::confine(std::span<const NodeId> nodes) {
  if (!confines_ || nodes.size() < confines_->size()) {
    confines_ = nodes;
  }
}

void Eligibility::bind_variants() {
  variants_.clear();
  for (const VariantId id : model_->variants) {
    const Variant& variant = fleet_->variant(id);
    variants_.push_back({id, variant_reason(variant, *task_), &variant});
  }
  if (!std::ranges::is_sorted(variants_, {}, &VariantMask::id)) {
    std::ranges::sort(variants_, {}, &VariantMask::id);
  }
}

MaskReason Eligibility::lasting(NodeId node) const {
  const NodeFacts& facts = fleet_->index().facts(node);
  if (only_node_asked_ && only_node_ != node) {
    return MaskReason::kNode;
  }
  if (!tier_allowed(facts.tier)) {
    return MaskReason::kTier;
  }
  if (site_asked_ && site_ != facts.site) {
    return MaskReason::kSite;
  }
  const auto& labels = task_->constraints->labels;
  if (!labels.empty() && !labels_match(fleet_->node(node), labels)) {
    return MaskReason::kLabels;
  }
  const bool engine_may_be_there = (facts.engines & engine_) != 0;
  if (!engine_may_be_there ||
      (engine_ == kOtherEngines && !has_engine(fleet_->node(node), model_->engine))) {
    return MaskReason::kEngine;
  }
  return MaskReason::kNone;
}

MaskReason Eligibility::lasting(NodeId node, const VariantMask& variant) const {
  if (variant.reason != MaskReason::kNone) {
    return variant.reason;
  }
  return fleet_->fits(node, *variant.variant) ? MaskReason::kNone : MaskReason::kMemory;
}

MaskReason Eligibility::passing(NodeId node) const {
  if (model_->tripped) {
    return MaskReason::kTripped;
  }
  if (!fleet_->index().facts(node).placeable) {
    switch (fleet_->availability(node)) {
      case Availability::kNotReady:
        return MaskReason::kNotReady;
      case Availability::kCordoned:
        return MaskReason::kCordoned;
      case Availability::kReady:
        return MaskReason::kNoCredit;
    }
  }
  if (task_->idle_slot_only &&
      fleet_->load(node).outstanding >= std::max(fleet_->node(node).slots, 1U)) {
    return MaskReason::kNoCredit;
  }
  return std::ranges::find(task_->excluded, node) != task_->excluded.end() ? MaskReason::kExcluded
                                                                           : MaskReason::kNone;
}

MaskReason Eligibility::predicted(const Objectives& objectives) const {
  const Constraints& constraints = *task_->constraints;
  if (constraints.deadline) {
    const std::chrono::duration<double> left = *constraints.deadline - task_->now;
    if (!(objectives.latency_s <= left.count())) {
      return MaskReason::kDeadline;
    }
  }
  if (exceeds(objectives.energy_j, constraints.max_energy_j)) {
    return MaskReason::kEnergy;
  }
  return exceeds(objectives.cost_usd, constraints.max_cost_usd) ? MaskReason::kCost
                                                                : MaskReason::kNone;
}

MaskReason Eligibility::judge(NodeId node, const VariantMask& variant,
                              const Prediction& prediction) const {
  for (const MaskReason reason : {lasting(node), lasting(node, variant), passing(node)}) {
    if (reason != MaskReason::kNone) {
      return reason;
    }
  }
  return predicted(prediction.objectives);
}

bool Eligibility::possible(NodeId node, const VariantMask& variant) const {
  if (lasting(node) != MaskReason::kNone || lasting(node, variant) != MaskReason::kNone) {
    return false;
  }
  return predicted(offer(fleet_->physics(node, variant.id, task_->input_bytes))) ==
         MaskReason::kNone;
}

}  // namespace skerry::scheduler
