// view.h: what the learned policy sees of a placement: for each candidate its exact cost and
// features, the same in the environment and in the controller.
//
// Everything is free of units. An objective is scaled by the range that it has over the
// non-dominated candidates if all were idle and had their variant loaded: what there is to choose
// between on this fleet, however loaded it is at the moment. The exact cost of a candidate is then
//   sum_k weight_k x (objective_k - ideal_k) / range_k,
// and a network adds prices, each times what it is a price of (Output). What a task takes from others
// is priced in what a second of delay costs them (trend.h), so that it means the same on every fleet.
//
// Not thread-safe; buffers are kept, so that nothing is allocated once they have grown.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "rl/fleet/trend.h"
#include "rl/net/mlp.h"
#include "scheduler/constraints.h"
#include "scheduler/objectives.h"
#include "scheduler/pareto.h"
#include "scheduler/predict.h"

namespace skerry::rl::fleet {

constexpr std::string_view kFeatureSchema = "fleet/1";
constexpr std::size_t kCandidateFeatures = 27;
constexpr std::size_t kDecisionFeatures = 22;
constexpr std::size_t kFeatures = kCandidateFeatures + kDecisionFeatures;

// What a network's outputs are prices of.
enum Output : std::size_t {
  kOwnBusy = 0,  // by objective: weight x time that a slot is held, relative to the mean, a slot
  kOwnWait = scheduler::kObjectives,  // weight of latency x predicted wait, scaled
  kOthersDelay,  // others' delay for each task that comes behind: time that a slot is held, a slot
  kOthersQueue,  // the same times the attempts a slot that are there already
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
  double nodes = 1;  // of the fleet that take work
};

// The scale of costs: as it is, but no range smaller than a share of the ideal, so that on a fleet
// where one candidate is best in everything the others still differ.
scheduler::Scale spread(scheduler::Scale scale);

class View {
 public:
  // Looks at a decision; at least one candidate. The trend takes notice of the task.
  void look(const TaskFacts& task, std::span<const Facts> candidates, Trend& trend);

  std::size_t size() const { return size_; }
  std::size_t stride() const { return stride_; }
  std::span<const float> features() const { return features_; }  // [feature][stride]
  double base(std::size_t candidate) const { return base_[candidate]; }
  // What output o is multiplied by, and then added to the base.
  float coefficient(std::size_t candidate, std::size_t output) const {
    return coefficients_[output * stride_ + candidate];
  }
  const scheduler::Scale& scale() const { return scale_; }
  // A candidate of a base cost above this is never chosen, whatever the network says.
  double limit() const { return limit_; }

  // Prices by a network: base and shadow prices; candidates beyond the limit come after all others.
  void price(const Mlp& network, std::span<double> prices);

 private:
  void make_room(std::size_t candidates);
  void measure(const TaskFacts& task, std::span<const Facts> candidates);
  void fill(std::size_t candidate, const Facts& facts, const TaskFacts& task, const Trend& trend);
  void fill_decision(const TaskFacts& task, std::span<const Facts> candidates, const Trend& trend);

  std::size_t size_ = 0;
  std::size_t stride_ = 0;
  scheduler::Front front_;
  scheduler::Scale scale_;
  std::array<double, scheduler::kObjectives> ideal_ = {};
  std::array<double, scheduler::kObjectives> inverse_range_ = {};
  double mean_service_s_ = 1;
  double mean_energy_ = 1;
  double mean_cost_ = 1;
  double slots_a_node_ = 1;
  double best_ = 0;
  std::size_t best_candidate_ = 0;
  double second_ = 0;
  double limit_ = 0;
  std::vector<float> features_, coefficients_, outputs_;
  std::vector<double> base_;
};

}  // namespace skerry::rl::fleet
