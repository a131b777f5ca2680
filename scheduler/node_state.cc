// What is known of one node: its figures made safe, guesses, corrections, and what the index is
// told.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "scheduler/estimate.h"
#include "scheduler/fleet_state.h"
#include "scheduler/predict.h"

namespace skerry::scheduler {

namespace {

constexpr double kSecondsPerHour = 3600;
// Slower ones count as this one, so that what takes for ever is still a number.
constexpr double kSlowestBytesPerS = 1;
// A profile may say nothing, or 0, of a model that does next to nothing.
constexpr double kLeastReferenceSeconds = 1e-4;
// Reading, deserialising and warming up a model's weights: what an SSD and one core do, roughly.
// And starting its process.
constexpr double kLoadBytesPerSecond = 200e6;
constexpr double kStartRunnerSeconds = 0.1;
// The energy counter of a CPU moves every millisecond, a GPU's every 20 to 100.
constexpr double kLeastMeasuredSeconds = 0.1;
constexpr std::uint32_t kFullConfidence =
    10;  // measurements; more do not count more in a correction

bool known_before(const Knowledge& knowledge, VariantId variant) {
  return knowledge.variant < variant;
}

bool corrected_before(const Correction& correction, ModelId model) {
  return correction.model < model;
}

double seconds_for_byte(double bytes_per_s) { return 1 / std::max(bytes_per_s, kSlowestBytesPerS); }

double positive_or(double value, double fallback) {
  return std::isfinite(value) && value > 0 ? value : fallback;
}

}  // namespace

const Knowledge* NodeState::find(VariantId variant) const {
  const auto found = std::lower_bound(knowledge.begin(), knowledge.end(), variant, known_before);
  return found != knowledge.end() && found->variant == variant ? &*found : nullptr;
}

Knowledge& NodeState::learn(const Variant& variant) {
  auto found = std::lower_bound(knowledge.begin(), knowledge.end(), variant.id, known_before);
  if (found == knowledge.end() || found->variant != variant.id) {
    found = knowledge.insert(found, Knowledge{.variant = variant.id, .model = variant.model});
  }
  return *found;
}

void NodeState::adopt(NodeSpec new_spec) {
  const NodeSpec defaults;
  spec = std::move(new_spec);
  std::erase_if(too_large,
                [&](const MeasuredMemory& known) { return known.bytes <= spec.memory_bytes; });
  slots = std::max<double>(spec.slots, 1);
  const double old_speed = std::exchange(speed, positive_or(spec.speed, defaults.speed));
  busy_w = positive_or(spec.power.busy_w, 0);
  transfer_j_per_byte = positive_or(spec.power.transfer_j_per_byte, 0);
  price_usd_per_s = positive_or(spec.price_usd_per_hour, 0) / kSecondsPerHour;
  if (rtt_s.samples == 0) {
    rtt_s = guessed(positive_or(spec.rtt_s, 0), kGuessDeviation);
  }
  if (seconds_per_byte.samples == 0) {
    seconds_per_byte = guessed(
        seconds_for_byte(positive_or(spec.bandwidth_bytes_per_s, defaults.bandwidth_bytes_per_s)),
        kGuessDeviation);
  }
  for (Measurements& known : measured) {
    known.guess_s *= old_speed / speed;  // the guess is another one now
    known.log_ratio += std::log(speed / old_speed);
  }
  correct();
}

void NodeState::observe_bandwidth(double bytes_per_s) {
  if (bytes_per_s > 0) {
    seconds_per_byte = learned(seconds_per_byte, seconds_for_byte(bytes_per_s));
  }
}

double NodeState::guess_s(const Variant& variant) const {
  return std::max(variant.reference_s, kLeastReferenceSeconds) / speed;
}

Estimate NodeState::service(const Variant& variant, const Knowledge* known) const {
  if (known != nullptr && known->service.samples > 0) {
    return known->service;
  }
  const auto correction =
      std::lower_bound(corrections.begin(), corrections.end(), variant.model, corrected_before);
  if (correction != corrections.end() && correction->model == variant.model) {
    return guessed(guess_s(variant) * correction->factor, kCorrectedDeviation);
  }
  return guessed(guess_s(variant), kGuessDeviation);
}

Estimate NodeState::load_time(const Variant& variant, const Knowledge* known) const {
  if (known != nullptr && known->load.samples > 0) {
    return known->load;
  }
  const double fetch_s =
      rtt_s.mean + static_cast<double>(variant.artifact_bytes) * seconds_per_byte.mean;
  const double start_s =
      kStartRunnerSeconds + static_cast<double>(variant.memory_bytes) / kLoadBytesPerSecond;
  return guessed(fetch_s + start_s, kGuessDeviation);
}

Correction& NodeState::correction_of(ModelId model) {
  auto found = std::lower_bound(corrections.begin(), corrections.end(), model, corrected_before);
  if (found == corrections.end() || found->model != model) {
    found = corrections.insert(found, Correction{.model = model});
  }
  return *found;
}

Measurements& NodeState::measurements_of(const Variant& variant) {
  auto found = std::ranges::lower_bound(measured, variant.id, {}, &Measurements::variant);
  if (found == measured.end() || found->variant != variant.id) {
    found = measured.insert(found, Measurements{.variant = variant.id, .model = variant.model});
  }
  found->guess_s = guess_s(variant);
  return *found;
}

Estimate& NodeState::overhead_of(ModelId model) {
  auto found = std::ranges::lower_bound(overheads, model, {}, &Overhead::model);
  if (found == overheads.end() || found->model != model) {
    found = overheads.insert(found, Overhead{.model = model, .seconds = {}});
  }
  return found->seconds;
}

void NodeState::observe_service(const Variant& variant, double service_s) {
  Measurements& known = measurements_of(variant);
  Estimate& overhead = overhead_of(variant.model);
  if (known.tasks.samples == 0 && known.probe.samples > 0 && overhead.samples > 0) {
    known.tasks = known.service;  // what the tasks of other variants tell of this one's
    known.tasks.samples = kProbeSamples;
  }
  known.tasks = learned(known.tasks, service_s);
  if (known.probe.samples > 0) {
    overhead = learned(overhead, std::max(service_s - known.probe.mean, 0.0));
  }
  conclude(variant);
}

void NodeState::observe_probe(const Variant& variant, std::span<const double> service_s) {
  Measurements& known = measurements_of(variant);
  known.probe = probed(known.probe, service_s);
  if (const Estimate& overhead = overhead_of(variant.model);
      known.tasks.samples > 0 && overhead.samples > 0) {
    std::vector<double> as_tasks(service_s.begin(), service_s.end());
    for (double& run_s : as_tasks) {
      run_s += overhead.mean;
    }
    known.tasks = probed(known.tasks, as_tasks);
  }
  conclude(variant);
}

void NodeState::doubt(const Variant& variant) {
  Measurements& known = measurements_of(variant);
  known.tasks = doubted(known.tasks);
  known.probe = doubted(known.probe);
  conclude(variant);
}

void NodeState::forget(VariantId variant) {
  std::erase_if(knowledge, [&](const Knowledge& known) { return known.variant == variant; });
  std::erase_if(measured, [&](const Measurements& known) { return known.variant == variant; });
  std::erase_if(too_large, [&](const MeasuredMemory& known) { return known.variant == variant; });
  std::erase_if(draws, [&](const Draw& draw) { return draw.variant == variant; });
  conclude_power();
  correct();
}

void NodeState::observe_memory(VariantId variant, std::uint64_t bytes) {
  std::erase_if(too_large, [&](const MeasuredMemory& known) { return known.variant == variant; });
  if (bytes > spec.memory_bytes) {
    too_large.push_back({variant, bytes});
  }
}

bool NodeState::fits(const Variant& variant) const {
  return variant.memory_bytes <= spec.memory_bytes &&
         std::ranges::find(too_large, variant.id, &MeasuredMemory::variant) == too_large.end();
}

void NodeState::conclude(const Variant& variant) {
  learn(variant);
  const Estimate overhead = overhead_of(variant.model);
  for (Measurements& known : measured) {  // the overhead is the whole model's
    if (known.model == variant.model) {
      conclude(known, overhead);
    }
  }
  correct();
}

void NodeState::conclude(Measurements& known, const Estimate& overhead) {
  known.service = known.tasks;
  if (known.tasks.samples == 0) {
    known.service = known.probe;
    known.service.mean += overhead.mean;
    known.service.deviation = std::hypot(known.probe.deviation, overhead.deviation);
  }
  if (known.service.samples > 0) {
    known.log_ratio =
        std::log(std::max(known.service.mean, kLeastReferenceSeconds) / known.guess_s);
  }
  const auto read =
      std::lower_bound(knowledge.begin(), knowledge.end(), known.variant, known_before);
  read->service = known.service;
}

void NodeState::correct() {
  corrections.clear();
  double all_weights = 0;
  double all_logs = 0;
  for (const Measurements& known : measured) {
    const double weight = std::min(known.service.samples, kFullConfidence);
    if (weight > 0) {
      Correction& correction = correction_of(known.model);
      correction.weight += weight;
      correction.weighted_log += weight * known.log_ratio;
      correction.factor = std::exp(correction.weighted_log / correction.weight);
      all_weights += weight;
      all_logs += weight * known.log_ratio;
    }
  }
  slowness = (all_weights > 0 ? std::exp(all_logs / all_weights) : 1) / speed;
}

double NodeState::measured_w(const Knowledge* known) const {
  return known != nullptr && known->power_w > 0 ? known->power_w : power_w;
}

void NodeState::observe_energy(const Variant& variant, double energy_j, double service_s) {
  if (!std::isfinite(energy_j) || !std::isfinite(service_s) || service_s <= 0) {
    return;
  }
  Knowledge& known = learn(variant);
  auto draw = std::ranges::lower_bound(draws, variant.id, {}, &Draw::variant);
  if (draw == draws.end() || draw->variant != variant.id) {
    draw = draws.insert(draw, Draw{.variant = variant.id});
  }
  draw->pending_j += std::max(energy_j, 0.0);
  draw->pending_s += service_s;
  if (draw->pending_s < kLeastMeasuredSeconds) {
    return;
  }
  const double power = std::exchange(draw->pending_j, 0) / std::exchange(draw->pending_s, 0);
  draw->power_w = learned(draw->power_w, power);
  known.power_w = static_cast<float>(draw->power_w.mean);
  conclude_power();
}

void NodeState::conclude_power() {
  double weights = 0;
  double watts = 0;
  for (const Draw& draw : draws) {
    const double weight = std::min(draw.power_w.samples, kFullConfidence);
    weights += weight;
    watts += weight * draw.power_w.mean;
  }
  power_w = weights > 0 ? watts / weights : 0;
}

NodeFacts NodeState::facts() const {
  const double busy_w_per_slot = power_w > 0 ? power_w : busy_w / slots;
  return {
      .tier = spec.tier,
      .placeable = availability == Availability::kReady && load.outstanding < load.capacity,
      .site = site_number,
      .engines = engine_bits,
      .wait_s = wait_s(load.backlog_s, load.outstanding, slots),
      .rtt_s = rtt_s.mean,
      .seconds_per_byte = seconds_per_byte.mean,
      .seconds_per_reference_s = slowness,
      .joules_per_reference_s = busy_w_per_slot * slowness,
      .joules_per_byte = transfer_j_per_byte,
      .usd_per_reference_s = price_usd_per_s / slots * slowness,
      .queue = load.outstanding / slots,
  };
}

}  // namespace skerry::scheduler
