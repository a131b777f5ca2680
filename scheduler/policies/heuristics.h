// heuristics.h: one function for each policy that learns nothing; see the .cc of the same name for
// what it does.

#pragma once

#include <memory>

#include "scheduler/policy.h"

namespace skerry::scheduler {

std::unique_ptr<Policy> make_greedy();
std::unique_ptr<Policy> make_jsq();
std::unique_ptr<Policy> make_round_robin();
std::unique_ptr<Policy> make_random_policy();

// The weighted sum of a candidate's normalised objectives, squeezed into [0, 1): for policies that
// choose a node by something else and leave the variant to the preference.
double preference_share(const TaskView& task, const Candidate& candidate);

}  // namespace skerry::scheduler
