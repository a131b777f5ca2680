// door_metrics.h: what the agents' port counts before and around gRPC, under the names that Prometheus
// knows (docs/metrics.md).
//
// Any thread, while the hub is there.

#pragma once

#include <vector>

#include "controller/hub/door/counters.h"
#include "controller/metrics/metrics.h"

namespace skerry::controller {

std::vector<metrics::Figure> door_figures(const door::Counters& counters);

}  // namespace skerry::controller
