// fronts.h: what of the plane of delay and energy each policy covers over all preferences: fronts,
// hypervolume, shares of points that nothing dominates, monotonicity.

#pragma once

#include <vector>

#include "rl/suites/cells.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

// Metrics "front ...", the checks of hypervolume, and the chart. Of the cells those of the group "T100
// hidden" count: between the preferences that a heuristic was tuned for, it is played as tuned for
// either side.
void add_fronts(const std::vector<PlayedCell>& cells, const SuiteOptions& options,
                SuiteReport& report);

}  // namespace skerry::rl
