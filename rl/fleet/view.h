// view.h: what the learned policy sees of a placement: for each candidate its exact cost and
// features, the same in the environment and in the controller.
//
// Everything is free of units. An objective is scaled by the range that it has over the
// non-dominated candidates if all were idle and had their variant loaded: what there is to choose
// between on this fleet, however loaded it is at the moment. The exact cost of a candidate is then
//   sum_k weight_k x (objective_k - ideal_k) / range_k,
// and what a network adds to it,
//   sum_k weight_k x (busy x o_k + load x o'_k),
// are shadow prices of holding a slot and of loading a variant: `busy` is the time that the slot is
// held, `load` the part of it that loads, both relative to the mean service time of the candidates
// and divided by the node's slots.
//
// Not thread-safe; buffers are kept, so that nothing is allocated once they have grown.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "rl/net/mlp.h"
#include "scheduler/constraints.h"
#include "scheduler/objectives.h"
#include "scheduler/pareto.h"
#include "scheduler/predict.h"

namespace skerry::rl::fleet {

constexpr std::string_view kFeatureSchema = "fleet/1";
constexpr std::size_t kCandidateFeatures = 26;
constexpr std::size_t kDecisionFeatures = 14;
constexpr std::size_t kFeatures = kCandidateFeatures + kDecisionFeatures;
constexpr std::size_t kOutputs = 2 * scheduler::kObjectives;

// A candidate, as the scheduler knows it.
struct Facts {
  scheduler::Prediction prediction;
  scheduler::Objectives idle;  // if its node were idle and had the variant loaded
  double outstanding = 0;      // attempts on the node
  double slots = 1;
  double capacity = 1;   // attempts that the node holds at most
  double backlog_s = 0;  // their predicted service
  double rtt_s = 0;
  double memory_share = 0;  // of the node's memory for models that the variant takes
  bool resident = false;
  scheduler::Tier tier = scheduler::Tier::kEdge;
};

struct TaskFacts {
  scheduler::Preference preference;
  double input_bytes = 0;
  std::optional<double> deadline_left_s;
};

class View {
 public:
  // Looks at a decision; at least one candidate.
  void look(const TaskFacts& task, std::span<const Facts> candidates);

  std::size_t size() const { return size_; }
  std::size_t stride() const { return stride_; }
  std::span<const float> features() const { return features_; }  // [feature][stride]
  double base(std::size_t candidate) const { return base_[candidate]; }
  // What output o is multiplied by, and then added to the base.
  float coefficient(std::size_t candidate, std::size_t output) const {
    return coefficients_[candidate * kOutputs + output];
  }
  const scheduler::Scale& scale() const { return scale_; }
  // A candidate of a base cost above this is never chosen, whatever the network says.
  double limit() const { return limit_; }

  // Prices by a network: base and shadow prices; candidates beyond the limit come after all others.
  void price(const Mlp& network, std::span<double> prices);

 private:
  void make_room(std::size_t candidates);
  void measure(const TaskFacts& task, std::span<const Facts> candidates);
  void fill(std::size_t candidate, const Facts& facts, const TaskFacts& task);
  void fill_decision(const TaskFacts& task, std::span<const Facts> candidates);

  std::size_t size_ = 0;
  std::size_t stride_ = 0;
  scheduler::Front front_;
  scheduler::Scale scale_;
  double mean_service_s_ = 1;
  double mean_power_ = 1;
  double mean_price_ = 1;
  double best_ = 0;
  double second_ = 0;
  double limit_ = 0;
  std::vector<float> features_, coefficients_, outputs_;
  std::vector<double> base_;
};

}  // namespace skerry::rl::fleet
