// fronts.h: what of the plane of delay and energy each policy covers over all preferences: fronts,
// hypervolume, shares of points that nothing dominates, monotonicity.

#pragma once

#include <vector>

#include "rl/suites/cells.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

// Metrics "front ...", the checks of hypervolume, and the chart. `cells` are those of six edges and
// 100 steps among others: their tuned heuristics are used at the preferences that are nearest.
void add_fronts(const std::vector<PlayedCell>& cells, const SuiteOptions& options,
                SuiteReport& report);

}  // namespace skerry::rl
