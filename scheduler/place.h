// place.h: decides where one waiting task runs: shortlist, mask, predict, rank, choose.
//
// Pure: no I/O, no clock, no globals. The same task and fleet always yield the same decision.
// Deciding changes nothing: the core applies the choice to the fleet (Fleet::assigned).
//
// The shortlist is bounded (kShortlistNodes), so a decision's time does not grow with the fleet;
// where a task's constraints leave few nodes, or none, in the shortlist, the whole fleet is scanned
// before saying that nobody can take it. A fleet of no more nodes than that is looked at as a
// whole.
//
// A deadline is met if the predicted mean finish does not pass it. Whether a task can ever be
// placed is judged as if every node were ready and idle and had the variant loaded.

#pragma once

#include <memory>
#include <vector>

#include "scheduler/decision.h"

namespace skerry::scheduler {

constexpr std::size_t kShortlistNodes = 16;

class Ranking;  // ranking.h

class Placer {
 public:
  // Takes the policy over; greedy stands by as its fallback.
  Placer(std::unique_ptr<Policy> policy, Random random, Clock* stopwatch = nullptr);
  ~Placer();

  // Reuses internal buffers; the result stays valid until the next call.
  const Decision& decide(const TaskView& task, const Fleet& fleet);
  // Who could take the task, without a scale and a choice: no policy is asked, and it counts as no
  // arrival. Valid as above.
  const Decision& candidates(const TaskView& task, const Fleet& fleet);

  // The policies: the active one, its breaker, the shadows.
  Ranking& ranking();
  const Ranking& ranking() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The dry run: every node and variant of the fleet is looked at, nothing is shortlisted.
struct PlanEntry {
  NodeId node;
  VariantId variant;
  MaskReason reason = MaskReason::kNone;  // kNone: eligible
  Prediction prediction;                  // filled for excluded ones too
  bool non_dominated = false;             // among the eligible
  double score = 0;                       // greedy's weighted sum; eligible only
};
std::vector<PlanEntry> plan(const TaskView& task, const Fleet& fleet);

}  // namespace skerry::scheduler
