// view.h: what the learned policy sees of a placement: for each candidate its exact cost and
// features, the same in the environment and in the controller.
//
// Everything is free of units. An objective is scaled by the range that it has over the
// non-dominated candidates if all were idle and had their variant loaded: what there is to choose
// between on this fleet, however loaded it is at the moment. The exact cost of a candidate is then
//   sum_k weight_k x (objective_k - ideal_k) / range_k + P(deadline missed) x kMissCost.
// What it takes from others, the externality, is added by a formula of how crowded the fleet is, in
// what a second of delay costs them (scheduler/trend.h). A network adds prices, each times what it is
// a price of (Output), and so corrects both; with all prices 0 it acts by the formula.
//
// Not thread-safe; buffers are kept, so that nothing is allocated once they have grown.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "rl/net/mlp.h"
#include "scheduler/constraints.h"
#include "scheduler/objectives.h"
#include "scheduler/predict.h"
#include "scheduler/trend.h"

namespace skerry::rl::fleet {

constexpr std::string_view kFeatureSchema = "fleet/2";
constexpr std::size_t kCandidateFeatures = 28;
constexpr std::size_t kDecisionFeatures = 30;
constexpr std::size_t kFeatures = kCandidateFeatures + kDecisionFeatures;

using scheduler::kMissCost;

// What a network's outputs are prices of; all of it is counted in what the exact cost is counted in.
enum Output : std::size_t {
  kOwn = 0,  // by objective: what this task itself pays of it, in service; of latency, by slot
  kOwnWait = scheduler::kObjectives,  // the predicted wait
  kOthersDelay,    // others' delay by a slot that is held, as far as the node has none left
  kOthersQueue,    // the same times the attempts a slot that are there already
  kOthersMiss,     // deadlines that others miss by both
  kOthersWaiting,  // both, of those who wait for a place on any node
  kOthersLoad,  // what others pay to load what goes for this one: what loading takes x share of memory
  kLate,        // predicted latency, as a share of the time that is left
  kOutputs
};

// A candidate, as the scheduler knows it.
struct Facts {
  scheduler::Prediction prediction;
  scheduler::Objectives idle;  // if its node were idle and had the variant loaded
  std::uint32_t node = 0;      // tells nodes apart; candidates of one node are neighbours
  double outstanding = 0;      // attempts on the node
  double slots = 1;
  double capacity = 1;      // attempts that the node holds at most
  double backlog_s = 0;     // their predicted service
  double memory_share = 0;  // of the node's memory for models that the variant takes
  bool resident = false;
  scheduler::Tier tier = scheduler::Tier::kEdge;
};

struct TaskFacts {
  double now_s = 0;
  scheduler::Preference preference;
  std::optional<double> deadline_left_s;
  // Of what all nodes that are ready would offer this task if they were idle and had every variant
  // loaded, those without room included (Front::wide_scale()).
  scheduler::Scale scale;
  double waiting = 0;      // other tasks that wait for a place
  scheduler::Trend trend;  // this task included
};

class View {
 public:
  // Looks at a decision; at least one candidate.
  void look(const TaskFacts& task, std::span<const Facts> candidates);

  std::size_t stride() const { return stride_; }
  std::span<const float> features() const { return features_; }  // [feature][stride]
  double base(std::size_t candidate) const { return base_[candidate]; }
  // What the candidate takes from others, by the formula.
  float externality(std::size_t candidate) const {
    return coefficient(candidate, kOthersDelay) + coefficient(candidate, kOthersQueue) +
           coefficient(candidate, kOthersWaiting) + coefficient(candidate, kOthersMiss);
  }
  // What output o is multiplied by, and then added to the base.
  float coefficient(std::size_t candidate, std::size_t output) const {
    return coefficients_[output * stride_ + candidate];
  }
  // A candidate of a base cost above this is never chosen, whatever the network says.
  double limit() const { return limit_; }

  // Prices by a network: base and shadow prices; candidates beyond the limit come after all others.
  // `shift`, if there is any, is added to the network's outputs.
  void price(const Mlp& network, std::span<double> prices, std::span<const float> shift = {});

 private:
  void make_room(std::size_t candidates);
  void measure(const TaskFacts& task, std::span<const Facts> candidates);
  void fill(std::size_t candidate, const Facts& facts, const TaskFacts& task);
  void fill_decision(const TaskFacts& task, std::span<const Facts> candidates);

  std::size_t size_ = 0;
  std::size_t stride_ = 0;
  std::array<double, scheduler::kObjectives> ideal_ = {};
  std::array<double, scheduler::kObjectives> inverse_range_ = {};
  double mean_service_s_ = 1;
  double mean_energy_ = 1;
  double mean_cost_ = 1;
  double fleet_slots_ = 1;
  double waiting_ = 0;
  double crowding_ = 0;
  double best_ = 0;
  std::size_t best_candidate_ = 0;
  double second_ = 0;
  double elsewhere_ = 0;  // the best on another node than the best one's
  double limit_ = 0;
  std::vector<float> features_, coefficients_, outputs_;
  std::vector<double> base_;
};

}  // namespace skerry::rl::fleet
