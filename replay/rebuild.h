// rebuild.h: the fleet as it stood when a decision was made, as far as policies look at it.
//
// Node numbers are those of the trace. Variants are numbered by candidate, since what was known of a
// variant may differ from node to node.

#pragma once

#include <vector>

#include "replay/trace.h"
#include "scheduler/fleet.h"

namespace skerry::replay {

struct Rebuilt {
  scheduler::Fleet fleet;
  std::vector<scheduler::Candidate> candidates;  // as in the decision
};

Rebuilt rebuild(const TracedDecision& decision);

}  // namespace skerry::replay
