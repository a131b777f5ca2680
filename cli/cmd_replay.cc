// replay --trace FILE --policy X: what another policy would have chosen. Asks no controller.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <span>
#include <vector>

#include "cli/commands.h"
#include "cli/units.h"
#include "replay/policies.h"
#include "replay/replay.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

struct ReplayFlags {
  std::string trace;
  std::vector<std::string> policies;
  bool incomplete = false;
};

// Every decision of the trace, in order, through all of them.
Status replay_file(const std::string& path, std::span<replay::Replay> replays) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kIo, fmt::format("cannot read {}", path));
  }
  std::string line;
  for (std::uint64_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) {
      continue;
    }
    const auto decision = replay::read_decision(line);
    if (!decision) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}:{}: {}", path, number, decision.error().message));
    }
    for (replay::Replay& replay : replays) {
      replay.add(*decision);
    }
  }
  return {};
}

json::value report_json(const replay::Replay& replay) {
  const replay::Report report = replay.report();
  const auto share = [](std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? json::value() : static_cast<double>(part) / static_cast<double>(whole);
  };
  json::value all = {{"policy", std::string(replay.policy().name())},
                     {"version", std::string(replay.policy().version())},
                     {"decisions", report.decisions},
                     {"incomplete", report.incomplete},
                     {"failed", report.failed},
                     {"agreed", report.agreed},
                     {"agreement", share(report.agreed, report.decisions)},
                     {"predicted_regret", report.regret},
                     {"normalised",
                      {{"latency", report.normalised[0]},
                       {"energy", report.normalised[1]},
                       {"cost", report.normalised[2]},
                       {"error", report.normalised[3]}}},
                     {"difference",
                      {{"latency_ms", report.raw.latency_s * 1000},
                       {"energy_j", report.raw.energy_j},
                       {"cost_usd", report.raw.cost_usd},
                       {"error", report.raw.error}}},
                     {"outcomes", report.outcomes.outcomes},
                     {"matched", report.outcomes.matched}};
  if (report.outcomes.outcomes > 0) {
    const auto estimated = estimate(report.outcomes);
    json::object& object = all.get_object();
    object["measured_cost"] =
        report.outcomes.measured / static_cast<double>(report.outcomes.outcomes);
    object["estimated_cost"] = estimated.cost;
    object["estimated_difference"] = estimated.difference;
    object["estimated_difference_ci95"] = estimated.half_width;
  }
  return all;
}

template <typename Human>
std::string signed_text(double number, Human human) {
  return number < 0 ? "-" + human(-number) : (number > 0 ? "+" : "") + human(number);
}

Table report_table() {
  return Table({{.title = "POLICY"},
                {.title = "VERSION"},
                {.title = "DECISIONS", .align = Align::kRight},
                {.title = "AGREES", .align = Align::kRight},
                {.title = "REGRET", .align = Align::kRight},
                {.title = "LATENCY", .align = Align::kRight},
                {.title = "ENERGY", .align = Align::kRight},
                {.title = "COST", .align = Align::kRight},
                {.title = "ERROR", .align = Align::kRight},
                {.title = "ESTIMATE", .align = Align::kRight, .wide = true},
                {.title = "OUTCOMES", .align = Align::kRight, .wide = true},
                {.title = "INCOMPLETE", .align = Align::kRight, .wide = true},
                {.title = "FAILED", .align = Align::kRight, .wide = true}});
}

void add_row(Table& table, const replay::Replay& replay) {
  const replay::Report report = replay.report();
  const double agreement = static_cast<double>(report.agreed) /
                           std::max<double>(static_cast<double>(report.decisions), 1);
  const auto estimated = estimate(report.outcomes);
  table.add(
      {std::string(replay.policy().name()), std::string(replay.policy().version()),
       std::to_string(report.decisions), human_percent(agreement),
       fmt::format("{:+.3f}", report.regret), signed_text(report.raw.latency_s * 1000, human_ms),
       signed_text(report.raw.energy_j, human_joules), signed_text(report.raw.cost_usd, human_usd),
       signed_text(report.raw.error, human_percent),
       estimated.half_width > 0
           ? fmt::format("{:+.3f} +- {:.3f}", estimated.difference, estimated.half_width)
           : "",
       std::to_string(report.outcomes.outcomes), std::to_string(report.incomplete),
       std::to_string(report.failed)});
}

Result<ExitCode> run_replay(Context& context, const ReplayFlags& flags) {
  std::vector<replay::Replay> replays;
  for (const std::string& name : flags.policies) {
    auto policy = replay::find_policy(name);
    if (!policy) {
      return fail(std::move(policy).error());
    }
    replays.emplace_back(*std::move(policy), flags.incomplete);
  }
  if (Status read = replay_file(flags.trace, replays); !read) {
    return fail(std::move(read).error());
  }
  Table table = report_table();
  json::array reports;
  std::uint64_t left_out = 0;
  for (const replay::Replay& replay : replays) {
    add_row(table, replay);
    reports.push_back(report_json(replay));
    left_out = replay.report().incomplete;
  }
  if (!context.settings.for_people()) {
    show(context.settings, reports.size() == 1 ? reports.front() : json::value(reports), {});
    return ExitCode::kOk;
  }
  show(context.settings, table);
  note("means over the decisions of (its choice - the recorded one), as predicted");
  if (left_out > 0) {
    note(
        fmt::format("{} decisions were left out: not all of their candidates are recorded; "
                    "--incomplete scores what there is",
                    left_out));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_replay(Command root) {
  auto flags = std::make_shared<ReplayFlags>();
  Command command =
      root.sub("replay", "What another policy would have chosen on recorded decisions");
  command.example(
      "  skerryctl decisions export -f decisions.jsonl\n"
      "  skerryctl replay --trace decisions.jsonl --policy fleet.json --policy jsq\n");
  command.add({.names = "--trace",
               .help = "JSON lines, as decisions export writes them",
               .value = "FILE",
               .values = Values::kFiles,
               .required = true},
              flags->trace);
  command.add({.names = "--policy",
               .help = "a bundle's file, or greedy, jsq, round-robin, random; may be repeated",
               .value = "POLICY",
               .values = Values::kFiles,
               .required = true},
              flags->policies);
  command.add({.names = "--incomplete", .help = "score decisions with missing candidates, too"},
              flags->incomplete);
  command.on_run([flags](Context& context) { return run_replay(context, *flags); });
}

}  // namespace skerry::cli
