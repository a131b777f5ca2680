#include "rl/skerry_rl/evaluate_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>

#include "common/version.h"
#include "rl/report/html.h"
#include "rl/skerry_rl/files.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A suite measures policies of its own problem, with the features that this build has.
Result<Bundle> load(const std::string& path, const NamedSuite& suite) {
  const auto text = read_file(path);
  if (!text) {
    return fail(text.error());
  }
  auto bundle = read_bundle(*text);
  if (!bundle) {
    return bundle;
  }
  const Wanted& wanted = suite.wanted;
  if (bundle->problem != wanted.problem || bundle->features != wanted.features ||
      bundle->network.inputs() != wanted.inputs || bundle->network.outputs() != wanted.outputs) {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("{} is a policy of problem '{}' with features '{}'; suite {} needs '{}' "
                    "with '{}'",
                    path, bundle->problem, bundle->features, suite.name, wanted.problem,
                    wanted.features));
  }
  return bundle;
}

std::string html_of(const SuiteReport& report) {
  const SuiteResult& result = report.result;
  HtmlPage page(fmt::format("skerry-rl evaluate --suite {}", result.suite));
  page.paragraph(fmt::format("Policy: {}. Commit {}. {:.0f} s.",
                             result.policy.empty() ? "none" : result.policy, result.commit,
                             result.seconds));
  page.heading("Checks");
  std::vector<std::vector<std::string>> rows = {{"check", "asked", "aim", "measured", "95 %", ""}};
  for (const Check& check : result.checks) {
    rows.push_back({check.name, fmt::format("{:.4g}", check.asked),
                    fmt::format("{:.4g}", check.aim), fmt::format("{:.4g}", check.measured),
                    fmt::format("±{:.2g}", check.ci95),
                    check.ok() ? (check.reached_aim() ? "ok, aim" : "ok") : "missed"});
  }
  page.table(rows);
  for (const std::string& note : result.notes) {
    page.paragraph(note);
  }
  for (const Chart& chart : report.charts) {
    page.svg(to_svg(chart));
  }
  page.heading("All policies");
  page.paragraph("Changes against greedy in %, with 95 % intervals, unless a name says otherwise.");
  for (const std::string& group : report.groups) {
    page.table(metrics_table(result, group));
  }
  return page.text();
}

Status write_report(const SuiteReport& report, const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const std::string stem = folder + "/" + report.result.suite;
  if (auto written =
          write_file(stem + ".json", boost::json::serialize(to_json(report.result)) + "\n");
      !written) {
    return written;
  }
  for (std::size_t i = 0; i < report.charts.size(); ++i) {
    if (auto written = write_file(fmt::format("{}-{}.svg", stem, i + 1), to_svg(report.charts[i]));
        !written) {
      return written;
    }
  }
  return write_file(stem + ".html", html_of(report));
}

}  // namespace

Result<bool> evaluate_command(const EvaluateArguments& arguments) {
  const auto suite = std::ranges::find(suites(), arguments.suite, &NamedSuite::name);
  if (suite == suites().end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no suite '{}'", arguments.suite));
  }
  Result<Bundle> bundle = Bundle{};
  if (!arguments.policy.empty()) {
    bundle = load(arguments.policy, *suite);
    if (!bundle) {
      return fail(std::move(bundle).error());
    }
  }
  const double start = steady_seconds();
  SuiteReport report =
      suite->run({.bundle = arguments.policy.empty() ? nullptr : &*bundle,
                  .threads = arguments.threads,
                  .scale = arguments.quick ? 0.02 : 1,
                  .seconds = steady_seconds,
                  .progress = [](const std::string& line) { fmt::print(stderr, "{}\n", line); }});
  SuiteResult& result = report.result;
  result.seconds = steady_seconds() - start;
  result.commit = kCommit;
  result.policy = arguments.policy.empty()
                      ? ""
                      : fmt::format("{} {:08x}", bundle->name, bundle_number(*bundle));
  if (arguments.quick) {
    result.notes.emplace_back("A quick look: too few episodes to conclude anything.");
  }
  if (!arguments.out.empty()) {
    if (auto written = write_report(report, arguments.out); !written) {
      return fail(std::move(written).error());
    }
  }
  if (arguments.json) {
    fmt::print("{}\n", boost::json::serialize(to_json(result)));
  } else {
    for (const std::string& group : report.groups) {
      fmt::print("{}\n", metrics_text(result, group));
    }
    fmt::print("{}", checks_text(result));
  }
  return std::ranges::all_of(result.checks, &Check::ok);
}

}  // namespace skerry::rl
