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

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/policy.h"

namespace skerry::scheduler {

constexpr std::size_t kShortlistNodes = 16;

// Why candidates were left out, counted over all (node, variant) pairs that were looked at.
using MaskCounts = std::array<std::uint32_t, kMaskReasons>;

// What would take a task that nobody can take now, were its variant only loaded there.
struct WarmUp {
  NodeId node;
  VariantId variant;
};

struct Decision {
  std::optional<std::size_t> chosen;  // into candidates; empty = nowhere to go now
  std::vector<Candidate> candidates;  // eligible, ordered by node, then variant
  std::vector<double> scores;         // one per candidate
  Scale scale;
  MaskCounts masked{};
  bool satisfiable =
      true;  // false: no node and variant of this fleet can ever meet the constraints
  // Set if nothing was chosen, and on an idle node only the time, joules or dollars of loading a
  // variant are in the way. The quickest of those seen.
  std::optional<WarmUp> warm_up;
  std::string policy;  // whose scores these are
  std::string policy_version;
  std::string fallback_reason;  // set if the policy's answer was refused and greedy decided
};

class Placer {
 public:
  // Takes the policy over; greedy stands by as the breaker's fallback.
  Placer(std::unique_ptr<Policy> policy, Random random);
  ~Placer();

  // Reuses internal buffers; the result stays valid until the next call.
  const Decision& decide(const TaskView& task, const Fleet& fleet);

  void set_policy(std::unique_ptr<Policy> policy);
  std::string_view policy_name() const;

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
