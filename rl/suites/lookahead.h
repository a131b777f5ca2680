// lookahead.h: upper bounds of the suite gmorl-e6: policies that simulate before they decide.

#pragma once

#include <string>

#include "rl/gmorl/context.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

// Metrics "lookahead <group> <lambda>": changes against greedy on the same episodes, of a one-step
// rollout over greedy (16 futures of 30 steps) and one over the learned policy (64 futures).
void add_lookahead(const gmorl::Context& context, const std::string& group,
                   const SuiteOptions& options, SuiteResult& result);

}  // namespace skerry::rl
