// The suite `fleet`: Skerry's own problem on fleets that training has not seen, drawn from wider
// ranges, against heuristics that are tuned for each fleet.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "rl/fleet/tune.h"
#include "rl/problem/parallel.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

namespace {

using fleet::Context;
using fleet::Preferences;
using fleet::Tally;

constexpr double kLoads[] = {0.5, 0.65, 0.8, 0.95, 1.1, 1.2};
constexpr std::size_t kFleetsALoad = 16;
// The externality's formula as it is, tuned for no fleet: what the network starts from.
constexpr const char* kFormula = "formula";
// Of the fleets. Set on the day of the last change of the policy's design, and looked at after it.
constexpr std::uint64_t kFleetSeed = 20'261'127;

struct Fleet {
  std::string group;  // "load 0.8"
  Context context;
  std::vector<Tuned> tuned;                                        // best on the tuning seeds first
  std::vector<std::pair<std::string, std::vector<Tally>>> played;  // by policy

  const std::vector<Tally>& tallies(const std::string& policy) const {
    return std::ranges::find(played, policy, &std::pair<std::string, std::vector<Tally>>::first)
        ->second;
  }
  double cost(const std::string& policy) const {
    return fleet::cost_a_task(fleet::sum_of(tallies(policy)));
  }
  const std::string& best() const { return tuned.front().name; }
};

std::vector<Fleet> held_out_fleets(double scale) {
  Random random(kFleetSeed);
  std::vector<Fleet> fleets;
  const auto count = std::max<std::size_t>(
      static_cast<std::size_t>(scale * static_cast<double>(kFleetsALoad) + 0.5), 2);
  for (const double load : kLoads) {
    for (std::size_t i = 0; i < count; ++i) {
      fleet::Draw draw{.least_nodes = 2,
                       .most_nodes = fleet::kMostNodes,
                       .least_load = load,
                       .most_load = load,
                       .stretch = 1.5};
      fleets.push_back({fmt::format("load {:g}", load), fleet::draw_context(draw, random), {}, {}});
    }
  }
  return fleets;
}

fleet::RunOptions shortened(fleet::RunOptions run, double scale) {
  if (scale < 1) {
    run.episodes = 1;
    run.warm_up = 50;
    run.arrivals = 200;
  }
  return run;
}

void play(std::vector<Fleet>& fleets, const SuiteOptions& options) {
  std::atomic<std::size_t> done{0};
  const fleet::RunOptions run = shortened({.seed = kReportSeed, .episodes = 3}, options.scale);
  parallel_for(fleets.size(), options.threads, [&](std::size_t i) {
    Fleet& fleet = fleets[i];
    fleet::TuneOptions tuning;
    tuning.run.seed = kTuneSeed;
    tuning.run = shortened(tuning.run, options.scale);
    if (options.scale < 1) {
      tuning.rounds = 2;
      tuning.population = 8;
    }
    fleet.tuned = fleet::tune_all(fleet.context, tuning);
    for (const Tuned& tuned : fleet.tuned) {
      fleet::TunedPolicy policy(tuned);
      fleet.played.emplace_back(tuned.name, fleet::run(fleet.context, policy.pricer(), run));
    }
    const auto formula = fleet::make_externality(1);
    fleet.played.emplace_back(kFormula, fleet::run(fleet.context, *formula, run));
    if (options.bundle != nullptr) {
      const auto learned = fleet::make_learned(options.bundle->network);
      fleet.played.emplace_back(kLearned, fleet::run(fleet.context, *learned, run));
    }
    if (options.progress) {
      options.progress(fmt::format("fleet {} of {}", ++done, fleets.size()));
    }
  });
}

// The mean over fleets of the change of cost, so that each fleet counts the same.
Estimate mean_change(const std::vector<Fleet>& fleets, const std::string& group,
                     const std::string& ours, const std::string& theirs) {
  std::vector<double> changes;
  for (const Fleet& fleet : fleets) {
    if (group.empty() || fleet.group == group) {
      const double reference = fleet.cost(theirs.empty() ? fleet.best() : theirs);
      changes.push_back(100 * (fleet.cost(ours) / reference - 1));
    }
  }
  return mean_of(changes);
}

// Of the tasks with a deadline, in %.
double miss_rate(const std::vector<Fleet>& fleets, const std::string& policy) {
  double timed = 0;
  double missed = 0;
  for (const Fleet& fleet : fleets) {
    const Tally sum = fleet::sum_of(fleet.tallies(policy.empty() ? fleet.best() : policy));
    timed += static_cast<double>(sum.timed);
    missed += static_cast<double>(sum.missed);
  }
  return timed > 0 ? 100 * missed / timed : 0;
}

// What the tasks took of one objective, in one fleet without deadlines, as its weight grows and the
// others share the rest.
std::vector<double> sweep(Context context, std::size_t objective, const Mlp& network,
                          const fleet::RunOptions& run) {
  context.deadline_share = 0;
  context.preferences = Preferences::kOne;
  std::vector<double> taken;
  for (const double weight : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    context.preference.weights.fill((1 - weight) / (scheduler::kObjectives - 1));
    context.preference.weights[objective] = weight;
    const auto learned = fleet::make_learned(network);
    const Tally sum = fleet::sum_of(fleet::run(context, *learned, run));
    const std::array<double, scheduler::kObjectives> sums = {sum.sums.latency_s, sum.sums.energy_j,
                                                             sum.sums.cost_usd, sum.sums.error};
    taken.push_back(sums[objective] / static_cast<double>(sum.tasks));
  }
  return taken;
}

// The largest rise from one weight to the next, in % of what weight 0 takes, over objectives; means
// over fleets.
double largest_rise(const std::vector<Fleet>& fleets, const SuiteOptions& options, Chart& chart) {
  constexpr std::size_t kWeights = 5;
  const std::size_t count = std::min<std::size_t>(fleets.size(), 48);
  std::vector<std::vector<double>> taken(count * scheduler::kObjectives);
  parallel_for(taken.size(), options.threads, [&](std::size_t i) {
    // Every other fleet or so, so that all loads are among them.
    const Fleet& fleet = fleets[i / scheduler::kObjectives * fleets.size() / count];
    taken[i] = sweep(fleet.context, i % scheduler::kObjectives, options.bundle->network,
                     shortened({.seed = kReportSeed, .episodes = 1}, options.scale));
  });
  double largest = -100;
  for (std::size_t k = 0; k < scheduler::kObjectives; ++k) {
    Series series{.name = std::string(to_string(static_cast<scheduler::Objective>(k))),
                  .points = {}};
    double before = 0;
    for (std::size_t w = 0; w < kWeights; ++w) {
      double sum = 0;
      for (std::size_t f = 0; f < count; ++f) {
        const std::vector<double>& of_fleet = taken[f * scheduler::kObjectives + k];
        sum += of_fleet[0] > 0 ? 100 * of_fleet[w] / of_fleet[0] : 100;
      }
      const double mean = sum / static_cast<double>(count);
      series.points.push_back({.x = 0.25 * static_cast<double>(w), .y = mean});
      largest = w == 0 ? largest : std::max(largest, mean - before);
      before = mean;
    }
    chart.series.push_back(std::move(series));
  }
  return largest;
}

void add_metrics(const std::vector<Fleet>& fleets, const std::vector<std::string>& groups,
                 SuiteResult& result) {
  for (const auto& [policy, tallies] : fleets.front().played) {
    for (const std::string& group : groups) {
      result.add(policy, fmt::format("change {} %", group),
                 mean_change(fleets, group, policy, "greedy"));
    }
    result.add(policy, "change all %", mean_change(fleets, "", policy, "greedy"));
    result.add(policy, "missed deadlines %", {.value = miss_rate(fleets, policy), .ci95 = 0});
  }
}

void add_checks(const std::vector<Fleet>& fleets, const SuiteOptions& options,
                SuiteReport& report) {
  SuiteResult& result = report.result;
  const Estimate change = mean_change(fleets, "", kLearned, "");
  result.checks.push_back({.name = "expected cost against each fleet's best tuned heuristic, %",
                           .asked = -5,
                           .aim = -10,
                           .measured = change.value,
                           .ci95 = change.ci95});
  const double missed = miss_rate(fleets, kLearned);
  const double theirs = miss_rate(fleets, "");
  result.checks.push_back(
      {.name = "missed deadlines above the best heuristics', % of the tasks with one",
       .asked = 0,
       .aim = 0,
       .measured = missed - theirs});
  Chart chart{.title = "More weight, less of it",
              .x_label = "weight of the objective",
              .y_label = "taken, % of what weight 0 takes",
              .series = {},
              .categories = {}};
  const double rise = largest_rise(fleets, options, chart);
  report.charts.push_back(std::move(chart));
  result.checks.push_back(
      {.name = "largest rise of an objective with its own weight, % of what weight 0 takes",
       .asked = 0,
       .aim = 0,
       .measured = rise});
  std::size_t worse = 0;
  for (const Fleet& fleet : fleets) {
    worse += fleet.cost(kLearned) > 1.003 * fleet.cost(fleet.best()) ? 1 : 0;
  }
  const Estimate greedy = mean_change(fleets, "", kLearned, "greedy");
  const Estimate formula = mean_change(fleets, "", kLearned, kFormula);
  result.ahead_of_greedy = greedy.value + greedy.ci95 < 0;
  result.notes.push_back(
      fmt::format("In {} of {} fleets the best tuned heuristic is better by more than 0.3 %. "
                  "Against the product's greedy the change is {:.1f} ± {:.1f} %, against the "
                  "formula that the network starts from {:.1f} ± {:.1f} %.",
                  worse, fleets.size(), greedy.value, greedy.ci95, formula.value, formula.ci95));
}

}  // namespace

SuiteReport run_fleet(const SuiteOptions& options) {
  SuiteReport report{.result = {.suite = "fleet"}, .charts = {}, .groups = {"change", "missed"}};
  std::vector<Fleet> fleets = held_out_fleets(options.scale);
  play(fleets, options);
  std::vector<std::string> groups;
  for (const double load : kLoads) {
    groups.push_back(fmt::format("load {:g}", load));
  }
  add_metrics(fleets, groups, report.result);
  if (options.bundle == nullptr) {
    return report;
  }
  Chart chart{.title = "Cost of a task over loads",
              .x_label = "offered load",
              .y_label = "change of cost against greedy, %",
              .series = {},
              .categories = {},
              .zero_line = true};
  for (const std::string policy : {kFormula, "externality", "linear", "fastest", kLearned}) {
    Series series{.name = policy, .points = {}, .strong = policy == kLearned};
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const Estimate change = mean_change(fleets, groups[i], policy, "greedy");
      series.points.push_back({.x = kLoads[i], .y = change.value, .band = change.ci95});
    }
    chart.series.push_back(std::move(series));
  }
  report.charts.push_back(std::move(chart));
  add_checks(fleets, options, report);
  return report;
}

}  // namespace skerry::rl
