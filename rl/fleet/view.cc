#include "rl/fleet/view.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "common/check.h"
#include "rl/net/columns.h"

namespace skerry::rl::fleet {

namespace {

using scheduler::kObjectives;
using scheduler::Objectives;
using Values = std::array<double, kObjectives>;

// How far a candidate's exact cost may lie above the best one's: the larger of the best one's own cost
// and a share of the scale, so many times; and what the best one takes from others, if so many tasks
// come behind it.
constexpr double kGuard = 2;
constexpr double kLeastGuardedCost = 0.03;
constexpr double kMostBehind = 10;

// Features come in three runs, so that each is computed as one column: logarithms of 1 + x,
// logarithms of ratios, and numbers as they are.
constexpr std::size_t kLog1 = 19;
constexpr std::size_t kRatios = 3;
constexpr std::size_t kPlain = kCandidateFeatures - kLog1 - kRatios;

// Where all candidates are about as good as the ideal, small differences are all that there is.
constexpr double kFine = 64;

// How many tasks come behind one that takes a node's last slot, by the share of slots in use: fitted
// on fleets that are neither trained on nor reported.
constexpr double kCrowding = 2.5;
constexpr double kCrowdingPower = 1.5;

// Bounded: a load of a minute among services of a millisecond must not drown all else.
constexpr double kMostOwn = 10;
constexpr double kMostDelay = 100;
constexpr double kMostWaiting = 50;
constexpr double kMostWaitingTasks = 20;  // a slot

Values as_array(const Objectives& objectives) {
  return {objectives.latency_s, objectives.energy_j, objectives.cost_usd, objectives.error};
}

// That the latency is longer than this, if it is normally distributed.
double chance_of_more(const scheduler::Prediction& prediction, double latency_s) {
  const double deviation_s = std::max(prediction.latency_deviation_s, 1e-9);
  return 0.5 * std::erfc((latency_s - prediction.objectives.latency_s) /
                         (std::numbers::sqrt2 * deviation_s));
}

float log1(double x) { return static_cast<float>(std::log1p(std::max(x, 0.0))); }

float log_ratio(double value, double reference) {
  return value > 0 && reference > 0
             ? static_cast<float>(std::clamp(std::log(value / reference), -5.0, 5.0))
             : 0.0f;
}

double ratio(double value, double reference) {
  return value > 0 && reference > 0 ? value / reference : 1;
}

}  // namespace

void View::make_room(std::size_t candidates) {
  size_ = candidates;
  stride_ = Mlp::padded(candidates);
  if (features_.size() < kFeatures * stride_) {
    features_.resize(kFeatures * stride_);
    outputs_.resize(kOutputs * stride_);
    coefficients_.resize(kOutputs * stride_);
    base_.resize(stride_);
  }
}

// Scale, means and exact costs.
void View::measure(const TaskFacts& task, std::span<const Facts> candidates) {
  double service_s = 0;
  double energy = 0;
  double cost = 0;
  for (const Facts& facts : candidates) {
    service_s += facts.prediction.service_s;
    energy += facts.idle.energy_j;
    cost += facts.idle.cost_usd;
  }
  ideal_ = as_array(task.scale.ideal);
  const Values nadir = as_array(task.scale.nadir);
  for (std::size_t k = 0; k < kObjectives; ++k) {
    const double range = nadir[k] - ideal_[k];
    inverse_range_[k] = range > 0 ? 1 / range : 0;
  }
  const auto count = static_cast<double>(candidates.size());
  mean_service_s_ = std::max(service_s / count, 1e-9);
  mean_energy_ = energy / count;
  mean_cost_ = cost / count;
  fleet_slots_ = task.trend.slots;
  waiting_ = std::min(task.waiting, kMostWaitingTasks * fleet_slots_);
  best_ = std::numeric_limits<double>::infinity();
  second_ = best_;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Values now = as_array(candidates[i].prediction.objectives);
    base_[i] = 0;
    for (std::size_t k = 0; k < kObjectives; ++k) {
      base_[i] += task.preference.weights[k] * (now[k] - ideal_[k]) * inverse_range_[k];
    }
    if (task.deadline_left_s) {
      base_[i] += kMissCost * chance_of_more(candidates[i].prediction, *task.deadline_left_s);
    }
    if (base_[i] < best_) {
      second_ = best_;
      best_ = base_[i];
      best_candidate_ = i;
    } else {
      second_ = std::min(second_, base_[i]);
    }
  }
  elsewhere_ = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].node != candidates[best_candidate_].node) {
      elsewhere_ = std::min(elsewhere_, base_[i]);
    }
  }
}

void View::fill(std::size_t candidate, const Facts& facts, const TaskFacts& task) {
  const scheduler::Trend& trend = task.trend;
  const scheduler::Prediction& p = facts.prediction;
  const Values now = as_array(p.objectives);
  const Values idle = as_array(facts.idle);
  const double per_range = inverse_range_[0];
  const double per_service = 1 / mean_service_s_;
  const double per_slot = 1 / std::max(facts.slots, 1.0);
  float* at = &features_[candidate];
  const auto put = [&](double value) {
    *at = static_cast<float>(value);
    at += stride_;
  };
  put(base_[candidate]);
  put(4 * (base_[candidate] - best_));
  put(kFine * (base_[candidate] - best_));
  for (std::size_t k = 0; k < kObjectives; ++k) {
    put((now[k] - ideal_[k]) * inverse_range_[k]);
  }
  for (std::size_t k = 0; k < kObjectives; ++k) {
    put((idle[k] - ideal_[k]) * inverse_range_[k]);
  }
  put(p.wait_s * per_range);
  put(p.transfer_s * per_range);
  put(p.load_s * per_range);
  put(p.service_s * per_range);
  put(p.latency_deviation_s * per_range);
  put(facts.outstanding * per_slot);
  put(facts.backlog_s * per_slot * per_service);
  put(facts.slots - 1);
  // Ratios.
  put(p.service_s * per_service);
  put(ratio(facts.idle.energy_j, mean_energy_));
  put(ratio(facts.idle.cost_usd, mean_cost_));
  // As they are.
  const double late =
      task.deadline_left_s ? p.objectives.latency_s / std::max(*task.deadline_left_s, 1e-9) : 0;
  put(std::clamp(1 - facts.outstanding / std::max(facts.capacity, 1.0), 0.0, 1.0));
  put(facts.outstanding < facts.slots ? 1 : 0);
  put(facts.resident ? 1 : 0);
  put(std::clamp(facts.memory_share, 0.0, 1.0));
  put(facts.tier == scheduler::Tier::kCloud ? 1 : 0);
  put(std::clamp(late, 0.0, 1.5));
  static_assert(kPlain == 6);

  const double service_s = p.load_s + p.service_s;
  // Nobody waits for a slot of this node as long as one is free after this task.
  const double full = std::min((facts.outstanding + 1) * per_slot, 1.0);
  const double held_s = crowding_ * full * full * service_s * per_slot;
  const double queue = facts.outstanding * per_slot;
  const double miss_price = trend.urgency * kMissCost;
  // What loading takes, as those weigh it who may have to load what goes for this variant.
  const double load = trend.preference[0] * p.load_s * per_range +
                      trend.preference[1] * (now[1] - idle[1]) * inverse_range_[1] +
                      trend.preference[2] * (now[2] - idle[2]) * inverse_range_[2];
  const double room = facts.resident ? 0 : std::clamp(facts.memory_share, 0.0, 1.0);
  const auto price_of = [&](std::size_t output, double value) {
    coefficients_[output * stride_ + candidate] = static_cast<float>(value);
  };
  const Values own = {service_s * per_slot * per_range, idle[1] * inverse_range_[1],
                      idle[2] * inverse_range_[2], (idle[3] - ideal_[3]) * inverse_range_[3]};
  for (std::size_t k = 0; k < kObjectives; ++k) {
    price_of(kOwn + k, task.preference.weights[k] * std::min(own[k], kMostOwn));
  }
  price_of(kOwnWait, task.preference.weights[0] * std::min(p.wait_s * per_range, kMostOwn));
  const double delay = std::min(held_s * trend.delay_price, kMostDelay);
  price_of(kOthersDelay, delay);
  price_of(kOthersQueue, delay * queue);
  price_of(kOthersMiss, std::min(held_s * miss_price * (1 + queue), kMostDelay));
  price_of(kOthersWaiting,
           std::min(service_s / fleet_slots_ * (trend.delay_price + miss_price) * waiting_,
                    kMostWaiting));
  price_of(kOthersLoad, std::min(load, kMostDelay) * room);
  price_of(kLate, std::clamp(late, 0.0, 1.5));
}

void View::fill_decision(const TaskFacts& task, std::span<const Facts> candidates) {
  const scheduler::Trend& trend = task.trend;
  double queue = 0;
  double wait_s = 0;
  double idle = 0;
  double cold = 0;
  for (const Facts& facts : candidates) {
    queue += facts.outstanding / std::max(facts.slots, 1.0);
    wait_s += facts.prediction.wait_s;
    idle += facts.outstanding < facts.slots ? 1 : 0;
    cold += facts.resident ? 0 : 1;
  }
  const auto count = static_cast<double>(candidates.size());
  const double range_s = inverse_range_[0] > 0 ? 1 / inverse_range_[0] : 1e-9;
  const double gap = candidates.size() > 1 ? std::min(second_ - best_, 10.0) : 0;
  const bool timed = task.deadline_left_s.has_value();
  std::array<float, kDecisionFeatures> values{};
  std::size_t f = 0;
  const auto put = [&](double value) { values[f++] = static_cast<float>(value); };
  for (const double weight : task.preference.weights) {
    put(weight);
  }
  put(log1(count) / 4);
  put(log1(queue / count));
  put(log1(wait_s / count / range_s));
  put(idle / count);
  put(cold / count);
  put(log1(best_));
  put(log1(4 * gap));
  put(log_ratio(mean_service_s_, range_s));
  put(timed ? 1 : 0);
  put(timed ? log1(*task.deadline_left_s / range_s) : 0);
  for (const double weight : trend.preference) {
    put(weight);
  }
  put(log1(trend.slow_load));
  put(log1(trend.fast_load));
  put(log1(4 * trend.delay_price * mean_service_s_));
  put(trend.timed);
  put(log1(trend.least_load));
  put(log1(trend.slow_taken));
  put(log1(trend.fast_taken));
  put(log1(4 * trend.urgency * mean_service_s_));
  put(log1(4 * std::min(elsewhere_ - best_, 10.0)));
  put(log1(kFine * best_));
  put(log1(kFine * gap));
  put(log1(waiting_ / fleet_slots_));
  check(f == kDecisionFeatures, "every feature of a decision is filled");
  for (f = 0; f < kDecisionFeatures; ++f) {
    std::fill_n(&features_[(kCandidateFeatures + f) * stride_], size_, values[f]);
  }
}

void View::look(const TaskFacts& task, std::span<const Facts> candidates) {
  check(!candidates.empty(), "a decision has a candidate");
  make_room(candidates.size());
  measure(task, candidates);
  crowding_ = kCrowding * std::pow(std::min(task.trend.slow_taken, 1.0), kCrowdingPower);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    fill(i, candidates[i], task);
  }
  limit_ = best_ + kGuard * std::max(best_, kLeastGuardedCost) +
           kMostBehind * static_cast<double>(externality(best_candidate_) +
                                             coefficient(best_candidate_, kOthersLoad));
  // Lanes beyond the candidates hold what they held: numbers, which nobody reads.
  log1p_all(std::span(features_).first(kLog1 * stride_));
  log_all(std::span(features_).subspan(kLog1 * stride_, kRatios * stride_));
  fill_decision(task, candidates);
}

void View::price(const Mlp& network, std::span<double> prices, std::span<const float> shift) {
  network.forward(features_, outputs_, stride_, stride_);
  for (std::size_t o = 0; o < shift.size(); ++o) {
    for (std::size_t i = 0; i < size_; ++i) {
      outputs_[o * stride_ + i] += shift[o];
    }
  }
  for (std::size_t i = 0; i < size_; ++i) {
    float price = externality(i);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      price += coefficients_[o * stride_ + i] * outputs_[o * stride_ + i];
    }
    constexpr double kBeyond = 1e6;
    prices[i] = base_[i] <= limit_ ? base_[i] + static_cast<double>(price) : kBeyond + base_[i];
  }
}

}  // namespace skerry::rl::fleet
