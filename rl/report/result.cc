#include "rl/report/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>

namespace skerry::rl {

namespace {

// JSON knows no infinity.
boost::json::value number(double value) {
  return std::isfinite(value) ? boost::json::value(std::round(value * 1e6) / 1e6)
                              : boost::json::value(nullptr);
}

std::string estimate_text(const Estimate& estimate) {
  const std::string value = std::abs(estimate.value) < 1e5 ? fmt::format("{:.2f}", estimate.value)
                                                           : fmt::format("{:.3g}", estimate.value);
  return estimate.ci95 == 0 ? value : fmt::format("{} +-{:.2f}", value, estimate.ci95);
}

}  // namespace

PolicyResult& SuiteResult::of(const std::string& name) {
  const auto found = std::ranges::find(policies, name, &PolicyResult::name);
  if (found != policies.end()) {
    return *found;
  }
  policies.push_back({name, {}});
  return policies.back();
}

void SuiteResult::add(const std::string& policy_name, std::string metric, Estimate estimate) {
  of(policy_name).metrics.push_back({std::move(metric), estimate});
}

boost::json::object to_json(const SuiteResult& result) {
  boost::json::object policies;
  for (const PolicyResult& policy : result.policies) {
    boost::json::object metrics;
    boost::json::object intervals;
    for (const Metric& metric : policy.metrics) {
      metrics[metric.name] = number(metric.estimate.value);
      if (metric.estimate.ci95 != 0) {
        intervals[metric.name] = number(metric.estimate.ci95);
      }
    }
    metrics["ci95"] = std::move(intervals);
    policies[policy.name] = std::move(metrics);
  }
  boost::json::array checks;
  for (const Check& check : result.checks) {
    checks.push_back({{"name", check.name},
                      {"asked", number(check.asked)},
                      {"aim", number(check.aim)},
                      {"measured", number(check.measured)},
                      {"ci95", number(check.ci95)},
                      {"ok", check.ok()}});
  }
  boost::json::array notes;
  for (const std::string& note : result.notes) {
    notes.emplace_back(note);
  }
  boost::json::object json = {
      {"suite", result.suite},           {"commit", result.commit},
      {"policy", result.policy},         {"seconds", std::round(result.seconds)},
      {"policies", std::move(policies)}, {"checks", std::move(checks)},
      {"notes", std::move(notes)}};
  if (result.ahead_of_greedy) {
    json["ahead_of_greedy"] = *result.ahead_of_greedy;
  }
  return json;
}

std::string checks_text(const SuiteResult& result) {
  std::size_t wide = 5;
  for (const Check& check : result.checks) {
    wide = std::max(wide, check.name.size());
  }
  std::string text =
      fmt::format("{:<{}}  {:>10}  {:>10}  {:>18}\n", "check", wide, "asked", "aim", "measured");
  std::size_t met = 0;
  for (const Check& check : result.checks) {
    met += check.ok() ? 1 : 0;
    text += fmt::format("{:<{}}  {:>10.4g}  {:>10.4g}  {:>18}  {}\n", check.name, wide, check.asked,
                        check.aim, fmt::format("{:.4g} +- {:.2g}", check.measured, check.ci95),
                        check.ok() ? (check.reached_aim() ? "ok, aim" : "ok") : "MISSED");
  }
  text += fmt::format("{} of {} met, in {:.0f} s\n", met, result.checks.size(), result.seconds);
  for (const std::string& note : result.notes) {
    text += note + "\n";
  }
  return text;
}

std::vector<std::vector<std::string>> metrics_table(const SuiteResult& result,
                                                    const std::string& group) {
  const std::string prefix = group + " ";
  std::vector<std::string> names;
  for (const PolicyResult& policy : result.policies) {
    for (const Metric& metric : policy.metrics) {
      if (metric.name.starts_with(prefix) && std::ranges::find(names, metric.name) == names.end()) {
        names.push_back(metric.name);
      }
    }
  }
  std::vector<std::vector<std::string>> rows = {{group}};
  for (const std::string& name : names) {
    rows.front().push_back(name.substr(prefix.size()));
  }
  for (const PolicyResult& policy : result.policies) {
    std::vector<std::string> row = {policy.name};
    bool any = false;
    for (const std::string& name : names) {
      const auto found = std::ranges::find(policy.metrics, name, &Metric::name);
      any = any || found != policy.metrics.end();
      row.push_back(found == policy.metrics.end() ? "-" : estimate_text(found->estimate));
    }
    if (any) {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string metrics_text(const SuiteResult& result, const std::string& group) {
  const auto rows = metrics_table(result, group);
  std::vector<std::size_t> wide;
  for (const auto& row : rows) {
    wide.resize(std::max(wide.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) {
      wide[i] = std::max(wide[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    text += fmt::format("{:<{}}", row[0], wide[0]);
    for (std::size_t i = 1; i < row.size(); ++i) {
      text += fmt::format("  {:>{}}", row[i], wide[i]);
    }
    text += "\n";
  }
  return text;
}

}  // namespace skerry::rl
