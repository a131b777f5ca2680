#include "scheduler/objectives.h"

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "common/check.h"
#include "scheduler/pareto.h"

namespace skerry::scheduler {

namespace {

constexpr std::array<std::string_view, kObjectives> kNames = {"latency", "energy", "cost", "error"};

// Latency, energy, cost, error; the objective in the name weighs 0.94: the others break
// ties and stop waste, and an eighth of their range does not outweigh it.
constexpr std::array<PreferencePreset, 5> kPresets = {{
    {"balanced", {{0.25, 0.25, 0.25, 0.25}}},
    {"fast", {{0.94, 0.02, 0.02, 0.02}}},
    {"green", {{0.02, 0.94, 0.02, 0.02}}},
    {"cheap", {{0.02, 0.02, 0.94, 0.02}}},
    {"accurate", {{0.02, 0.02, 0.02, 0.94}}},
}};

// A range narrower than rounding errors is no range.
constexpr double kRelativeRounding = 1e-12;

double normalised(double raw, double ideal, double nadir) {
  const double range = nadir - ideal;
  return range > kRelativeRounding * std::abs(nadir) ? (raw - ideal) / range : 0.0;
}

}  // namespace

std::string_view to_string(Objective objective) {
  return kNames[static_cast<std::size_t>(objective)];
}

double Objectives::operator[](Objective objective) const {
  switch (objective) {
    case Objective::kLatency:
      return latency_s;
    case Objective::kEnergy:
      return energy_j;
    case Objective::kCost:
      return cost_usd;
    case Objective::kError:
      return error;
  }
  check(false, "an objective is one of the four");
  return 0;
}

bool dominates(const Objectives& a, const Objectives& b) {
  const bool nowhere_worse = a.latency_s <= b.latency_s && a.energy_j <= b.energy_j &&
                             a.cost_usd <= b.cost_usd && a.error <= b.error;
  return nowhere_worse && a != b;
}

std::span<const PreferencePreset> presets() { return kPresets; }

std::optional<Preference> preset(std::string_view name) {
  for (const PreferencePreset& candidate : kPresets) {
    if (candidate.name == name) {
      return candidate.preference;
    }
  }
  return std::nullopt;
}

Result<Preference> make_preference(std::array<double, kObjectives> weights) {
  double largest = 0;
  for (std::size_t i = 0; i < kObjectives; ++i) {
    if (!std::isfinite(weights[i]) || weights[i] < 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the weight of {} is {}; weights are numbers from 0 up", kNames[i],
                              weights[i]),
                  {{fmt::format("/preference/{}", kNames[i]), "must be a number from 0 up"}});
    }
    largest = std::max(largest, weights[i]);
  }
  if (largest == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "all weights are 0; at least one objective must have a positive weight",
                {{"/preference", "needs at least one positive weight"}});
  }
  // Dividing by the largest first keeps the sum finite whatever the weights are.
  double sum = 0;
  for (double& weight : weights) {
    weight /= largest;
    sum += weight;
  }
  for (double& weight : weights) {
    weight /= sum;
  }
  return Preference{weights};
}

Objectives Scale::normalise(const Objectives& raw) const {
  return {.latency_s = normalised(raw.latency_s, ideal.latency_s, nadir.latency_s),
          .energy_j = normalised(raw.energy_j, ideal.energy_j, nadir.energy_j),
          .cost_usd = normalised(raw.cost_usd, ideal.cost_usd, nadir.cost_usd),
          .error = normalised(raw.error, ideal.error, nadir.error)};
}

Scale scale_of(std::span<const Objectives> candidates) {
  Front front;
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    front.add(candidates[i], i);
  }
  return front.scale();
}

double weighted_sum(const Preference& preference, const Objectives& normalised) {
  const auto& weights = preference.weights;
  return weights[0] * normalised.latency_s + weights[1] * normalised.energy_j +
         weights[2] * normalised.cost_usd + weights[3] * normalised.error;
}

}  // namespace skerry::scheduler
