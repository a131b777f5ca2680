// policy_figures.h: the active policy, its breaker and the shadows as metrics, read at a scrape.
//
// Labels are bounded: shadows are at most core::kMaxShadows at a time. Counters of a shadow start
// anew when it becomes one again.

#pragma once

#include <vector>

#include "controller/metrics/metrics.h"

namespace skerry::metrics {

std::vector<Figure> policy_figures(const core::PoliciesView& policies);

}  // namespace skerry::metrics
