#include "rl/fleet/view.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/check.h"

namespace skerry::rl::fleet {

namespace {

using scheduler::kObjectives;
using scheduler::Objective;
using scheduler::Objectives;

// How far a candidate's exact cost may lie above the best one's: this many times the larger of the
// best one's own cost and half the scale.
constexpr double kGuard = 2;
constexpr double kLeastGuardedCost = 0.25;

float log1(double x) { return static_cast<float>(std::log1p(std::max(x, 0.0))); }

std::array<double, kObjectives> as_array(const Objectives& objectives) {
  return {objectives.latency_s, objectives.energy_j, objectives.cost_usd, objectives.error};
}

// A ratio's logarithm, bounded: 0 where one of the two is not known.
float log_ratio(double value, double reference) {
  return value > 0 && reference > 0
             ? static_cast<float>(std::clamp(std::log(value / reference), -5.0, 5.0))
             : 0.0f;
}

}  // namespace

void View::make_room(std::size_t candidates) {
  size_ = candidates;
  stride_ = Mlp::padded(candidates);
  if (features_.size() < kFeatures * stride_) {
    features_.resize(kFeatures * stride_);
    outputs_.resize(kOutputs * stride_);
  }
  if (base_.size() < candidates) {
    base_.resize(candidates);
    coefficients_.resize(candidates * kOutputs);
  }
}

// Scale, means and exact costs.
void View::measure(const TaskFacts& task, std::span<const Facts> candidates) {
  front_.clear();
  double service_s = 0;
  double power = 0;
  double price = 0;
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    front_.add(candidates[i].idle, i);
    service_s += candidates[i].prediction.service_s;
    power += candidates[i].idle.energy_j;
    price += candidates[i].idle.cost_usd;
  }
  scale_ = front_.scale();
  const auto count = static_cast<double>(candidates.size());
  mean_service_s_ = std::max(service_s / count, 1e-9);
  mean_power_ = power / count;
  mean_price_ = price / count;
  best_ = std::numeric_limits<double>::infinity();
  second_ = best_;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    base_[i] = scheduler::weighted_sum(task.preference,
                                       scale_.normalise(candidates[i].prediction.objectives));
    if (base_[i] < best_) {
      second_ = best_;
      best_ = base_[i];
    } else {
      second_ = std::min(second_, base_[i]);
    }
  }
  limit_ = best_ + kGuard * std::max(best_, kLeastGuardedCost);
}

void View::fill(std::size_t candidate, const Facts& facts, const TaskFacts& task) {
  const scheduler::Prediction& p = facts.prediction;
  const auto now = as_array(scale_.normalise(p.objectives));
  const auto idle = as_array(scale_.normalise(facts.idle));
  const double range_s = std::max(scale_.nadir.latency_s - scale_.ideal.latency_s, 1e-9);
  const double slots = std::max(facts.slots, 1.0);
  std::size_t f = 0;
  const auto put = [&](float value) { features_[f++ * stride_ + candidate] = value; };
  put(log1(base_[candidate]));
  put(log1(4 * (base_[candidate] - best_)));
  for (std::size_t k = 0; k < kObjectives; ++k) {
    put(log1(now[k]));
  }
  for (std::size_t k = 0; k < kObjectives; ++k) {
    put(log1(idle[k]));
  }
  put(log1(p.wait_s / range_s));
  put(log1(p.transfer_s / range_s));
  put(log1(p.load_s / range_s));
  put(log1(p.service_s / range_s));
  put(log1(p.latency_deviation_s / range_s));
  put(log1(facts.outstanding / slots));
  put(log1(facts.backlog_s / slots / mean_service_s_));
  put(static_cast<float>(
      std::clamp(1 - facts.outstanding / std::max(facts.capacity, 1.0), 0.0, 1.0)));
  put(facts.outstanding < slots ? 1.0f : 0.0f);
  put(facts.resident ? 1.0f : 0.0f);
  put(log_ratio(p.service_s, mean_service_s_));
  put(log_ratio(facts.idle.energy_j, mean_power_));
  put(log_ratio(facts.idle.cost_usd, mean_price_));
  put(static_cast<float>(std::log(slots)) / 2);
  put(static_cast<float>(std::clamp(facts.memory_share, 0.0, 1.0)));
  put(facts.tier == scheduler::Tier::kCloud ? 1.0f : 0.0f);
  check(f == kCandidateFeatures, "every feature of a candidate is filled");

  const double busy = (p.load_s + p.service_s) / mean_service_s_ / slots;
  const double load = p.load_s / mean_service_s_ / slots;
  for (std::size_t k = 0; k < kObjectives; ++k) {
    const double weight = task.preference.weights[k];
    // Bounded: a load of a minute among services of a millisecond must not drown all else.
    coefficients_[candidate * kOutputs + k] = static_cast<float>(weight * std::min(busy, 10.0));
    coefficients_[candidate * kOutputs + kObjectives + k] =
        static_cast<float>(weight * std::min(load, 10.0));
  }
}

void View::fill_decision(const TaskFacts& task, std::span<const Facts> candidates) {
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
  const double range_s = std::max(scale_.nadir.latency_s - scale_.ideal.latency_s, 1e-9);
  const double gap = candidates.size() > 1 ? std::min(second_ - best_, 10.0) : 0;
  const bool timed = task.deadline_left_s.has_value();
  const std::array<float, kDecisionFeatures> values = {
      static_cast<float>(task.preference.weights[0]),
      static_cast<float>(task.preference.weights[1]),
      static_cast<float>(task.preference.weights[2]),
      static_cast<float>(task.preference.weights[3]),
      log1(count) / 4,
      log1(queue / count),
      log1(wait_s / count / range_s),
      static_cast<float>(idle / count),
      static_cast<float>(cold / count),
      log1(best_),
      log1(4 * gap),
      log_ratio(mean_service_s_, range_s),
      timed ? 1.0f : 0.0f,
      timed ? log1(*task.deadline_left_s / range_s) : 0.0f,
  };
  for (std::size_t f = 0; f < kDecisionFeatures; ++f) {
    std::fill_n(&features_[(kCandidateFeatures + f) * stride_], size_, values[f]);
  }
}

void View::look(const TaskFacts& task, std::span<const Facts> candidates) {
  check(!candidates.empty(), "a decision has a candidate");
  make_room(candidates.size());
  measure(task, candidates);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    fill(i, candidates[i], task);
  }
  fill_decision(task, candidates);
}

void View::price(const Mlp& network, std::span<double> prices) {
  network.forward(features_, outputs_, stride_, stride_);
  for (std::size_t i = 0; i < size_; ++i) {
    double price = base_[i];
    for (std::size_t o = 0; o < kOutputs; ++o) {
      price += static_cast<double>(coefficient(i, o) * outputs_[o * stride_ + i]);
    }
    constexpr double kBeyond = 1e6;
    prices[i] = base_[i] <= limit_ ? price : kBeyond + base_[i];
  }
}

}  // namespace skerry::rl::fleet
