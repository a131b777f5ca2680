#include "controller/metrics/node_gauges.h"

#include <array>

namespace skerry::metrics {

namespace {

constexpr std::array kNodeStates = {core::NodeState::kReady,        core::NodeState::kSuspect,
                                    core::NodeState::kDisconnected, core::NodeState::kDraining,
                                    core::NodeState::kDrained,      core::NodeState::kCordoned};

double seconds_since_1970(Instant at) { return static_cast<double>(to_us(at)) * 1e-6; }

}  // namespace

void NodeGauges::set(const std::vector<core::NodeView>& nodes, Instant now) {
  const Gauges before = std::exchange(present_, {});
  for (const core::NodeView& node : nodes) {
    set_one(std::string(labels_(node.spec.name)), node, now);
  }
  for (const auto& gone : before) {
    if (!present_.contains(gone)) {
      gone.first->Remove(gone.second);
    }
  }
}

void NodeGauges::set_one(const std::string& label, const core::NodeView& node, Instant now) {
  const auto set = [&](GaugeFamily& family, prometheus::Labels labels, double value) {
    labels["node"] = label;
    prometheus::Gauge& gauge = family.Add(labels);
    gauge.Set(value);
    present_.emplace(&family, &gauge);
  };
  set(families_.node_info,
      {{"site", node.spec.site}, {"tier", std::string(to_string(node.spec.tier))}}, 1);
  for (const core::NodeState state : kNodeStates) {
    set(families_.node_state, {{"state", std::string(to_string(state))}},
        node.state == state ? 1 : 0);
  }
  set(families_.node_cordoned, {}, node.cordoned ? 1 : 0);
  set(families_.node_heartbeat_age, {}, to_seconds(now - node.last_heartbeat));
  set(families_.node_outstanding, {}, node.outstanding);
  set(families_.node_capacity, {}, node.capacity);
  if (node.certified_at) {
    set(families_.node_certificate_expiry, {},
        seconds_since_1970(*node.certified_at + certificate_life_));
  }
  const core::Telemetry& last = node.telemetry;
  set(families_.node_spooled, {}, last.spooled);
  set(families_.node_spool_full, {}, last.spool_full ? 1 : 0);
  if (node.connected && last.gpu_memory_total_bytes > 0) {
    set(families_.node_gpu_busy, {}, last.gpu_fraction);
    set(families_.node_gpu_memory_used, {}, static_cast<double>(last.gpu_memory_used_bytes));
    set(families_.node_gpu_memory, {}, static_cast<double>(last.gpu_memory_total_bytes));
  }
}

}  // namespace skerry::metrics
