#include "scheduler/hedge.h"

#include <algorithm>

namespace skerry::scheduler {

namespace {

constexpr double kLeastDeviation = 0.1;  // of the prediction
constexpr double kLeastDeviationSeconds = 0.001;

// What a unit of the objective weighs: nothing where there is no range to judge it by.
double per_unit(Objective objective, const Scale& scale, const Preference& preference) {
  const double range = scale.nadir[objective] - scale.ideal[objective];
  return range > 0 ? preference.weights[static_cast<std::size_t>(objective)] / range : 0;
}

}  // namespace

double Running::unit_s() const {
  return std::max({deviation_s, kLeastDeviation * predicted_s, kLeastDeviationSeconds});
}

HedgeWorth worth_of(const Running& first, const Candidate& second, const Tail& tail,
                    const Scale& scale, const Preference& preference,
                    std::optional<double> deadline_left_s) {
  const Objectives& added = second.prediction.objectives;
  const double so_far = first.overrun();
  const double still_runs = tail.beyond(so_far);
  const double when_second_ends = first.overrun_at(first.elapsed_s + added.latency_s);
  HedgeWorth worth;
  worth.saved_s = first.unit_s() * tail.excess(so_far, when_second_ends);
  worth.chance_earlier = tail.beyond(when_second_ends) / still_runs;
  if (deadline_left_s) {
    const double missed =
        tail.beyond(first.overrun_at(first.elapsed_s + *deadline_left_s)) / still_runs;
    const Running alike{.predicted_s = added.latency_s,
                        .deviation_s = second.prediction.latency_deviation_s};
    worth.miss_averted = missed * (1 - tail.beyond(alike.overrun_at(*deadline_left_s)));
  }
  worth.gain = worth.saved_s * per_unit(Objective::kLatency, scale, preference) +
               worth.miss_averted * kMissCost;
  worth.price = added.energy_j * per_unit(Objective::kEnergy, scale, preference) +
                added.cost_usd * per_unit(Objective::kCost, scale, preference) +
                worth.chance_earlier * (added.error - first.error) *
                    per_unit(Objective::kError, scale, preference);
  return worth;
}

}  // namespace skerry::scheduler
