// observed.h: a fleet as its recorded decisions show it, for the simulator to play.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "replay/trace.h"
#include "rl/fleet/context.h"
#include "rl/fleet/tape.h"

namespace skerry::fidelity {

struct Observed {
  rl::fleet::Context context;
  std::vector<std::string> nodes;     // by number in the context
  std::vector<std::string> variants;  // likewise
};

// Decisions about one model, with outcomes. What a run takes is read off what it was charged, which no
// wait is part of. A pair of node and variant that nothing ran on takes what was predicted.
// kInvalidArgument: there are none, or too many nodes or variants for the simulator.
Result<Observed> observe(std::span<const replay::TracedDecision> decisions);

// Lines of {"at_s", "preset", "input_bytes"}, ordered by time; `at_s` counts from the first.
// kInvalidArgument names the line.
Result<std::vector<rl::fleet::Task>> read_requests(const std::string& text);

}  // namespace skerry::fidelity
