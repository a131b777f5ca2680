// objectives.h: the four things that a placement is judged by, and how much each matters to the
// owner of a request.
//
// Preference weights sum to 1 and apply to objectives that were normalised per decision context
// (see Scale), so that a weight means the same on every fleet: 0 is the best that any node offers this
// task, 1 the worst that a non-dominated offer is.

#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "common/error.h"

namespace skerry::scheduler {

enum class Objective : std::uint8_t { kLatency, kEnergy, kCost, kError };
constexpr std::size_t kObjectives = 4;
std::string_view to_string(Objective objective);  // "latency", "energy", "cost", "error"

struct Objectives {
  double latency_s = 0;  // from submit (or from now, in a prediction) to result
  double energy_j = 0;   // spent by the node and the link on this task
  double cost_usd = 0;   // node price x busy time
  double error = 0;      // 1 - accuracy of the variant

  double operator[](Objective objective) const;
  bool operator==(const Objectives&) const = default;
};

// True if a is nowhere worse than b and somewhere better.
bool dominates(const Objectives& a, const Objectives& b);

struct Preference {
  std::array<double, kObjectives> weights = {0.25, 0.25, 0.25,
                                             0.25};  // indexed by Objective; each >= 0, sum 1

  bool operator==(const Preference&) const = default;
};

struct PreferencePreset {
  std::string_view name;
  Preference preference;
};
// balanced (the default), fast, green, cheap, accurate: 0.94 for the named objective, 0.02 for each
// other.
std::span<const PreferencePreset> presets();
std::optional<Preference> preset(std::string_view name);

// Weights as a client gave them: at least one positive, none negative or not finite; scaled to
// sum 1. kInvalidArgument names the weight.
Result<Preference> make_preference(std::array<double, kObjectives> weights);

// What there is to choose between: the range of each objective over the non-dominated candidates of a
// decision, as they would be if all nodes were idle and had every variant loaded. So a weight means
// the same however loaded the fleet is at the moment.
struct Scale {
  Objectives ideal;  // smallest
  Objectives nadir;  // largest

  // 0 at ideal, 1 at nadir (beyond 1 for dominated candidates); 0 where ideal and nadir coincide.
  Objectives normalise(const Objectives& raw) const;
};
Scale scale_of(std::span<const Objectives> candidates);

double weighted_sum(const Preference& preference, const Objectives& normalised);

// What is counted for a task whose deadline passed or that was given up, beside what it took until
// then: as much as the worst candidate of an idle fleet, several times over.
constexpr double kMissCost = 6;

}  // namespace skerry::scheduler
