// policy.h: the function that ranks candidates. Heuristics and the learned policy implement the
// same interface.
//
// A policy sees only candidates that meet every constraint, and can therefore never break one. It
// is called on the core's strand, must be deterministic given its inputs, and must not block. Its
// answer is checked: greedy decides in place of a policy that fails (ranking.h, breaker.h).

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "scheduler/fleet.h"
#include "scheduler/predict.h"
#include "scheduler/trend.h"

namespace skerry::scheduler {

// What a decision is about.
struct TaskView {
  ModelId model;
  double input_bytes = 0;
  Preference preference;
  const Constraints* constraints = nullptr;  // never null in a decision
  std::span<const NodeId> excluded;          // nodes where an attempt of this task failed
  std::optional<NodeId> pinned_node;         // a sequence stays where it started
  std::optional<VariantId> pinned_variant;
  bool idle_slot_only = false;  // a node whose slots are all taken does not do
  std::size_t waiting = 0;      // other tasks that wait for a place
  Instant now;
};

struct Candidate {
  NodeId node;
  VariantId variant;
  Prediction prediction;
  Objectives offer;       // if the node were idle and had the variant loaded
  Objectives normalised;  // the prediction's, by the decision's Scale
};

struct RankInput {
  const TaskView& task;
  const Fleet& fleet;
  const Scale& scale;
  const Trend& trend;
  std::span<const Candidate> candidates;  // not empty; ordered by node, then variant
  Random& random;                         // this policy's own stream
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view version() const = 0;
  // Writes one score per candidate; smaller is better. Of equal ones a candidate that dominates the
  // other wins, then the smaller node, then variant. kUnsupported: these candidates are outside what
  // the policy knows; any other error: it cannot.
  virtual Status rank(const RankInput& input, std::span<double> scores) = 0;
};

// "greedy", "jsq", "round-robin", "random"; nullptr for another name.
std::unique_ptr<Policy> make_heuristic(std::string_view name);
std::span<const std::string_view> heuristic_names();

}  // namespace skerry::scheduler
