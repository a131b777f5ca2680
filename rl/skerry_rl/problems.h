// problems.h: makes the problem that a training configuration names. The one place to add another.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/config.h"
#include "rl/problem/problem.h"
#include "rl/problem/transitions.h"
#include "rl/problem/trials.h"

namespace skerry::rl {

struct NamedProblem {
  std::shared_ptr<Problem> problem;
  // The same, for methods that play it, and that compare whole episodes; null: it is of no use there.
  std::shared_ptr<Playable> playable;
  std::shared_ptr<Episodic> episodic;
  std::string features;  // the schema of its features, for the bundle
};

std::vector<std::string> problem_names();
// The settings are the section of the problem's own name; what is wrong with them becomes an issue
// of their reader. The name is one of problem_names().
NamedProblem make_problem(const std::string& name, ConfigFields settings);

}  // namespace skerry::rl
