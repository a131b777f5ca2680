// decision_time.h: how long one decision takes: looking at the servers, pricing them, choosing.

#pragma once

#include "rl/gmorl/context.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

// Metrics "decision us p50" and "decision us p99" of greedy, the formulas and the learned policy, one
// decision at a time on one core, the clock's own time included.
void add_decision_times(const gmorl::Context& context, const SuiteOptions& options,
                        SuiteResult& result);

}  // namespace skerry::rl
