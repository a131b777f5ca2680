#include "agent/energy.h"

#include <algorithm>

#include "common/charge.h"

namespace skerry::agent {
namespace {

constexpr double kSecondsPerHour = 3600;

double slots_of(const NodePhysics& node) { return std::max<double>(node.slots, 1); }

NodeCharges charges_of(const NodePhysics& node) {
  return {.busy_w = node.busy_w,
          .transfer_j_per_byte = node.transfer_j_per_byte,
          .price_usd_per_s = node.price_usd_per_hour / kSecondsPerHour,
          .slots = slots_of(node)};
}

}  // namespace

double modelled_power_w(const NodePhysics& node, double busy_slots) {
  return node.idle_w + (node.busy_w - node.idle_w) * std::min(busy_slots / slots_of(node), 1.0);
}

double modelled_energy_j(const NodePhysics& node, Duration busy, double transferred_bytes) {
  return charged_energy_j(charges_of(node), to_seconds(busy), transferred_bytes);
}

double cost_usd(const NodePhysics& node, Duration busy) {
  return charged_cost_usd(charges_of(node), to_seconds(busy));
}

void EnergyLedger::advance(Instant now, double total_j, std::uint32_t running) {
  if (begun_ && running > 0) {
    const double idle_j = node_.idle_w * to_seconds(now - last_);
    const double spent_j = std::max(total_j - last_total_j_, 0.0);
    const double idling_j = std::min(idle_j, spent_j);
    share_j_ += idling_j / slots_of(node_) + (spent_j - idling_j) / running;
  }
  begun_ = true;
  last_ = now;
  last_total_j_ = total_j;
}

}  // namespace skerry::agent
