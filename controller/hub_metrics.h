// hub_metrics.h: the hub's counters under the names that Prometheus knows (docs/metrics.md).
//
// Any thread, while the hub is there.

#pragma once

#include <vector>

#include "controller/hub/hub.h"
#include "controller/metrics/metrics.h"

namespace skerry::controller {

std::vector<metrics::Figure> hub_figures(const hub::Hub& hub);

}  // namespace skerry::controller
