// The dry run: every node and variant, with its reason or its score.

#include "scheduler/eligibility.h"
#include "scheduler/pareto.h"
#include "scheduler/place.h"

namespace skerry::scheduler {

std::vector<PlanEntry> plan(const TaskView& task, const Fleet& fleet) {
  Eligibility eligibility;
  eligibility.bind(task, fleet);
  std::vector<PlanEntry> entries;
  Front front;
  Front offers;
  for (const NodeId node : fleet.nodes()) {
    for (const VariantMask& variant : eligibility.variants()) {
      PlanEntry entry{.node = node, .variant = variant.id};
      entry.prediction = predict(fleet, node, variant.id, task.input_bytes);
      entry.reason = eligibility.judge(node, variant, entry.prediction);
      if (entry.reason == MaskReason::kNone) {
        front.add(entry.prediction.objectives, static_cast<std::uint32_t>(entries.size()));
      }
      if (entry.reason == MaskReason::kNone || entry.reason == MaskReason::kNoCredit) {
        offers.add(offer(fleet.physics(node, variant.id, task.input_bytes)), 0);
      }
      entries.push_back(entry);
    }
  }
  const Scale scale = offers.wide_scale();
  for (const Front::Member& member : front.members()) {
    entries[member.candidate].non_dominated = true;
  }
  for (PlanEntry& entry : entries) {
    if (entry.reason == MaskReason::kNone) {
      entry.score = weighted_sum(task.preference, scale.normalise(entry.prediction.objectives));
    }
  }
  return entries;
}

}  // namespace skerry::scheduler
