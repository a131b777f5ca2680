// result.h: what an evaluation suite found, and its forms: JSON for programs and cards, text for
// people.

#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rl/report/statistics.h"

namespace skerry::rl {

struct Metric {
  std::string name;   // "T100 lambda=0.01 change_pct"
  Estimate estimate;  // a ci95 of 0: exact, or not known
};

struct PolicyResult {
  std::string name;
  std::vector<Metric> metrics;
};

// One row of what is asked of the learned policy.
struct Check {
  std::string name;
  double asked = 0;
  double aim = 0;
  double measured = 0;
  double ci95 = 0;
  bool at_most = true;  // whether smaller is better
  bool ok() const { return at_most ? measured <= asked : measured >= asked; }
  bool reached_aim() const { return at_most ? measured <= aim : measured >= aim; }
};

struct SuiteResult {
  std::string suite;
  std::string commit;
  std::string policy;  // name and number of the bundle that was measured; empty: none
  std::vector<PolicyResult> policies;
  std::vector<Check> checks;
  std::vector<std::string> notes;  // sentences
  double seconds = 0;
  // Whether the measured policy is ahead of the product's greedy beyond chance: what makes a bundle
  // the controller's default. Only the suite of Skerry's own problem can tell.
  std::optional<bool> ahead_of_greedy;

  // The policy's result, which is made if it is not there.
  PolicyResult& of(const std::string& name);
  void add(const std::string& policy, std::string metric, Estimate estimate);
};

// {"suite", "commit", "policy", "seconds", "policies": {NAME: {METRIC: value, "ci95": {METRIC: x}}},
//  "checks": [{"name", "asked", "aim", "measured", "ci95", "ok"}], "notes": [...],
//  "ahead_of_greedy": BOOL}, the last where it is told
boost::json::object to_json(const SuiteResult& result);

// The checks as a table, the notes, and the count of what is met.
std::string checks_text(const SuiteResult& result);

// Policies by rows, metrics by columns: those whose name begins with the group; what a policy lacks
// is "-". The first row is the header.
std::vector<std::vector<std::string>> metrics_table(const SuiteResult& result,
                                                    const std::string& group);
std::string metrics_text(const SuiteResult& result, const std::string& group);

}  // namespace skerry::rl
