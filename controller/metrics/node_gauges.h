// node_gauges.h: what Prometheus is told of each node as it is now, as opposed to what is counted.
//
// A node that is gone takes its gauges along. One thread at a time.

#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/time.h"
#include "controller/core/core.h"
#include "controller/metrics/families.h"
#include "controller/metrics/label_limit.h"

namespace skerry::metrics {

class NodeGauges {
 public:
  // `certificate_life`: of nodes' certificates, from their last renewal.
  NodeGauges(Families& families, std::size_t max_nodes, Duration certificate_life)
      : families_(families), labels_(max_nodes), certificate_life_(certificate_life) {}

  // All nodes that there are.
  void set(const std::vector<core::NodeView>& nodes, Instant now);

 private:
  using Gauges = std::set<std::pair<GaugeFamily*, prometheus::Gauge*>>;

  void set_one(const std::string& label, const core::NodeView& node, Instant now);

  Families& families_;
  LabelLimit labels_;
  const Duration certificate_life_;
  Gauges present_;
};

}  // namespace skerry::metrics
