// hedging.h: what second attempts bring and cost: a fleet on which few runs take ten times as long as
// the rest, with and without them.

#pragma once

#include <cstddef>
#include <string>

namespace skerry::fidelity {

// One line of JSON for each preset, with the same tasks played without and with hedging.
//   "runs"   one attempt in a hundred is slow, whatever the task and the node
//   "inputs" one task in a hundred is, wherever it runs: second attempts are in vain
std::string hedging_report(std::size_t tasks);

}  // namespace skerry::fidelity
