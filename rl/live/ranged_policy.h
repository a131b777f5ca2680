// ranged_policy.h: a policy that says so where a decision is outside what it was trained on.
//
// A bundle may carry the range of each raw figure that its training saw (training.ranges in
// docs/policies.md). Where a candidate lies outside, beyond a margin, or its prediction is no finite
// number, rank() answers kUnsupported and the policy inside is not asked; the breaker counts it
// (scheduler/breaker.h).

#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <vector>

#include "common/error.h"
#include "scheduler/policy.h"

namespace skerry::rl {

struct FigureRange {
  std::string_view name;  // of the table in ranged_policy.cc
  double lowest = 0;
  double highest = 0;
};

// {"service_s": [0.001, 12], ...}. kInvalidArgument names what is no range, or no figure that is
// known; `pointer` is where the object stands.
Result<std::vector<FigureRange>> read_ranges(const boost::json::object& json,
                                             std::string_view pointer);

std::unique_ptr<scheduler::Policy> within_ranges(std::unique_ptr<scheduler::Policy> policy,
                                                 std::vector<FigureRange> ranges);

}  // namespace skerry::rl
