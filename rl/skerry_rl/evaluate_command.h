// evaluate_command.h: `skerry-rl evaluate`: runs a suite, prints what it found, and writes a report.

#pragma once

#include <string>

#include "common/error.h"

namespace skerry::rl {

struct EvaluateArguments {
  std::string suite;
  std::string policy;  // a bundle; empty: heuristics alone
  std::string out;     // folder for SUITE.json, SUITE.html and the charts; empty: none
  std::size_t threads = 1;
  bool json = false;   // print JSON instead of tables
  bool quick = false;  // few episodes: to see that it works
};

// Progress goes to standard error. The result says whether every check is met.
Result<bool> evaluate_command(const EvaluateArguments& arguments);

}  // namespace skerry::rl
