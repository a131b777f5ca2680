#include "scheduler/predict.h"

#include <algorithm>
#include <cmath>

namespace skerry::scheduler {

namespace {

constexpr double kSecondsPerHour = 3600;

double square(double x) { return x * x; }

// One slot's share of the node: what its work adds to idling, and its part of what idling takes.
double slot_power_w(double idle_w, double busy_w, double slots) {
  const double work_w = (busy_w - idle_w) / slots;
  const double idle_share_w = idle_w / slots;
  return work_w + idle_share_w;
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
  const double run_w = p.measured_w > 0 ? p.measured_w : slot_power_w(p.idle_w, p.busy_w, p.slots);
  result.objectives = {
      .latency_s = result.wait_s + result.transfer_s + busy_s,
      .energy_j = run_w * busy_s + p.transfer_j_per_byte * p.input_bytes,
      .cost_usd = p.price_usd_per_s / p.slots * busy_s,
      .error = p.error,
  };
  return result;
}

Prediction predict(const Fleet& fleet, NodeId node, VariantId variant, double input_bytes) {
  return predict(fleet.physics(node, variant, input_bytes));
}

double modelled_energy_j(const NodeSpec& node, double busy_s, double transferred_bytes) {
  const double slots = std::max<double>(node.slots, 1);
  return slot_power_w(node.power.idle_w, node.power.busy_w, slots) * busy_s +
         node.power.transfer_j_per_byte * transferred_bytes;
}

double modelled_cost_usd(const NodeSpec& node, double busy_s) {
  const double slots = std::max<double>(node.slots, 1);
  return node.price_usd_per_hour / kSecondsPerHour / slots * busy_s;
}

}  // namespace skerry::scheduler
