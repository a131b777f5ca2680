#include "scheduler/predict.h"

#include <algorithm>
#include <cmath>

#include "common/charge.h"

namespace skerry::scheduler {

namespace {

constexpr double kSecondsPerHour = 3600;

double square(double x) { return x * x; }

NodeCharges charges_of(const NodeSpec& node) {
  return {.busy_w = node.power.busy_w,
          .transfer_j_per_byte = node.power.transfer_j_per_byte,
          .price_usd_per_s = node.price_usd_per_hour / kSecondsPerHour,
          .slots = std::max<double>(node.slots, 1)};
}

}  // namespace

Prediction predict(const Physics& p) {
  Prediction result;
  result.wait_s = wait_s(p.backlog_s, p.outstanding, p.slots);
  result.transfer_s = p.rtt_s + p.input_bytes / p.bandwidth_bytes_per_s;
  result.load_s = p.load_s;
  result.service_s = p.service_s;
  result.latency_deviation_s =
      std::sqrt(square(p.service_deviation_s) + square(p.load_deviation_s) +
                square(kWaitDeviation * result.wait_s));
  const double busy_s = p.load_s + p.service_s;
  const NodeCharges node{.busy_w = p.busy_w,
                         .transfer_j_per_byte = p.transfer_j_per_byte,
                         .price_usd_per_s = p.price_usd_per_s,
                         .slots = p.slots};
  result.objectives = {
      .latency_s = result.wait_s + result.transfer_s + busy_s,
      .energy_j = p.measured_w > 0 ? p.measured_w * busy_s + p.transfer_j_per_byte * p.input_bytes
                                   : charged_energy_j(node, busy_s, p.input_bytes),
      .cost_usd = charged_cost_usd(node, busy_s),
      .error = p.error,
  };
  return result;
}

Objectives offer(Physics physics) {
  physics.backlog_s = 0;
  physics.outstanding = 0;
  physics.load_s = 0;
  return predict(physics).objectives;
}

Prediction predict(const Fleet& fleet, NodeId node, VariantId variant, double input_bytes) {
  return predict(fleet.physics(node, variant, input_bytes));
}

double modelled_energy_j(const NodeSpec& node, double busy_s, double transferred_bytes) {
  return charged_energy_j(charges_of(node), busy_s, transferred_bytes);
}

double modelled_cost_usd(const NodeSpec& node, double busy_s) {
  return charged_cost_usd(charges_of(node), busy_s);
}

}  // namespace skerry::scheduler
