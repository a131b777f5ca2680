// suite.h: an evaluation suite: plays policies against each other and says what was asked, what was
// measured.
//
// Rules of comparison: all policies meet the same episodes; heuristics are tuned per context and
// preference on seeds of their own; what is reported is on a third set of seeds, which neither
// training nor tuning has seen. Deterministic, whatever the number of threads, except where time
// itself is measured.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "rl/bundle/bundle.h"
#include "rl/report/chart.h"
#include "rl/report/result.h"

namespace skerry::rl {

struct SuiteOptions {
  const Bundle* bundle = nullptr;  // the learned policy; none: heuristics among themselves
  std::size_t threads = 1;
  double scale = 1;                 // of the numbers of episodes; below 1 for a quick look
  std::function<double()> seconds;  // a steady clock, for what measures time
  std::function<void(const std::string&)> progress;
};

struct SuiteReport {
  SuiteResult result;
  std::vector<Chart> charts;
  std::vector<std::string> groups;  // prefixes of metrics that make a table each
};

constexpr std::uint64_t kReportSeed = 20'001;
constexpr std::uint64_t kTuneSeed = 4'242;
constexpr const char* kLearned = "learned";

// What a bundle must be to be measured.
struct Wanted {
  std::string_view problem;
  std::string_view features;  // schema
  std::size_t inputs, outputs;
};

struct NamedSuite {
  std::string_view name;
  std::string_view what;
  Wanted wanted;
  SuiteReport (*run)(const SuiteOptions&);
};

// gmorl-e6, generalise, env, fleet, decide. The one place to add another.
const std::vector<NamedSuite>& suites();

SuiteReport run_gmorl_e6(const SuiteOptions& options);
SuiteReport run_generalise(const SuiteOptions& options);
SuiteReport run_env(const SuiteOptions& options);
SuiteReport run_fleet(const SuiteOptions& options);
SuiteReport run_decide(const SuiteOptions& options);

}  // namespace skerry::rl
