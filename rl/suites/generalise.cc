// The suite `generalise`: one network, never retrained, in fleets and conditions far outside those
// that it was trained on, against heuristics that are tuned for each of them.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "rl/suites/cells.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

namespace {

using gmorl::Context;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Preferences as in the headline setting, as weights, so that they mean the same in every fleet.
const std::vector<double>& weights() {
  static const std::vector<double> all_weights = [] {
    const gmorl::Scales headline(gmorl::uniform_context(6));
    std::vector<double> all;
    all.reserve(5);
    for (const double lambda : {kInfinity, 0.03, 0.01, 0.003, 0.001}) {
      all.push_back(headline.weight(lambda));
    }
    return all;
  }();
  return all_weights;
}

struct Setting {
  std::string name;
  Context context;
};

// Sizes grow with the fleet, one task a second being all that is dispatched; so must their clip, or
// large fleets would be offered little.
Context fleet_of(int edges) {
  Context context = gmorl::uniform_context(edges);
  context.most_mbit = std::max(gmorl::kMostMbit, 6 * context.mean_mbit());
  return edges <= 10 ? gmorl::uniform_context(edges) : context;
}

void add_both_horizons(std::vector<Setting>& settings, const std::string& name, Context context) {
  for (const int steps : {100, 1000}) {
    context.steps = steps;
    settings.push_back({fmt::format("{} T{}", name, steps), context});
  }
}

std::vector<Setting> all_settings() {
  std::vector<Setting> settings;
  for (const int edges : {1, 3, 6, 10, 30, 100, 300}) {
    add_both_horizons(settings, fmt::format("E{}", edges), fleet_of(edges));
  }
  for (const double load : {0.5, 0.65, 0.8, 0.9, 1.1, 1.2}) {
    Context context = gmorl::uniform_context(6);
    context.load = load;
    add_both_horizons(settings, fmt::format("load {:g}", load), context);
  }
  Random random(kReportSeed);
  for (int i = 1; i <= 3; ++i) {
    add_both_horizons(settings, fmt::format("test frequencies {}", i),
                      drawn_context(6, gmorl::kTestCloudGhz, gmorl::kTestEdgeGhz, random));
  }
  add_both_horizons(settings, "cloud 16 GHz, edges 1", gmorl::uniform_context(6, 16, 1));
  add_both_horizons(settings, "cloud 1 GHz, edges 4", gmorl::uniform_context(6, 1, 4));
  add_both_horizons(settings, "edges 0.3 to 8 GHz",
                    gmorl::drawn_context(6, {4, 4}, {0.3, 8}, random));
  Context sizes = gmorl::uniform_context(6);
  sizes.arrivals_per_step = 0.25;
  sizes.most_mbit = 400;
  add_both_horizons(settings, "sizes x4", sizes);
  for (const int stale : {1, 2}) {
    Context context = gmorl::uniform_context(6);
    context.stale_steps = stale;
    add_both_horizons(settings, fmt::format("stale {} s", stale), context);
  }
  for (const double error : {0.8, 1.2}) {
    Context context = gmorl::uniform_context(6);
    context.mean_error = error;
    add_both_horizons(settings, fmt::format("mean x{:g}", error), context);
  }
  return settings;
}

double lambda_of(const Context& context, double w) {
  const gmorl::Scales scales(context);
  return w >= 1 ? kInfinity : w / (1 - w) * scales.energy_j / scales.delay_s;
}

std::vector<Cell> all_cells(double scale) {
  std::vector<Cell> cells;
  for (const Setting& setting : all_settings()) {
    const auto steps = static_cast<std::size_t>(setting.context.steps);
    const std::size_t episodes = setting.context.servers() > 64 ? 500 : 2000;
    for (const double w : weights()) {
      cells.push_back({.group = setting.name,
                       .context = setting.context,
                       .lambda = lambda_of(setting.context, w),
                       .preference = fmt::format("w={:.2f}", w),
                       .episodes = scaled(episodes * 100 / steps, scale),
                       .tuning_episodes = 200,
                       .only = {"externality", "linear", "iterated", "jsq", "sed", "least-work"}});
    }
  }
  return cells;
}

// Mean change over the preferences of a group.
double mean_change(const std::vector<PlayedCell>& cells, const std::string& group,
                   const std::string& theirs) {
  double sum = 0;
  double count = 0;
  for (const PlayedCell& cell : cells) {
    if (cell.cell.group == group) {
      sum += cell.change(kLearned, theirs.empty() ? cell.best_heuristic() : theirs).value;
      ++count;
    }
  }
  return sum / count;
}

void add_checks(const std::vector<PlayedCell>& cells, SuiteResult& result) {
  Check worst{.name = "worst context and preference, % above its best tuned heuristic",
              .asked = 0.3,
              .aim = 0,
              .measured = -kInfinity};
  std::vector<double> changes;
  std::string where;
  std::size_t surely_worse = 0;
  for (const PlayedCell& cell : cells) {
    const Estimate change = cell.change(kLearned, cell.best_heuristic());
    result.add("learned against the best", cell_name(cell.cell), change);
    changes.push_back(change.value);
    surely_worse += change.value - change.ci95 > worst.asked ? 1 : 0;
    if (change.value > worst.measured) {
      worst.measured = change.value;
      worst.ci95 = change.ci95;
      where = fmt::format("{} (best: {})", cell_name(cell.cell), cell.best_heuristic());
    }
  }
  const Estimate mean = mean_of(changes);
  result.checks.push_back(worst);
  result.checks.push_back({.name = "mean over contexts and preferences, % above the best heuristic",
                           .asked = 0,
                           .aim = -1,
                           .measured = mean.value,
                           .ci95 = mean.ci95});
  // Ten times the fleet takes ten times the steps to fill: a task takes as much longer as it is larger.
  const double ten = mean_change(cells, "E10 T100", "greedy");
  const double hundred = mean_change(cells, "E100 T1000", "greedy");
  result.checks.push_back({.name = "gain over greedy at E = 100, % of that at E = 10",
                           .asked = 60,
                           .aim = 80,
                           .measured = 100 * hundred / ten,
                           .ci95 = 0,
                           .at_most = false});
  result.notes.push_back(fmt::format(
      "Mean change against greedy: E = 10, T = 100: {:.2f} %; E = 100, T = 1000: {:.2f} %, which "
      "is "
      "the same number of service times; E = 10, T = 1000: {:.2f} %; E = 100, T = 100: {:.2f} %.",
      ten, hundred, mean_change(cells, "E10 T1000", "greedy"),
      mean_change(cells, "E100 T100", "greedy")));
  result.notes.push_back(fmt::format(
      "Worst: {}. In {} of {} cells the learned policy is worse by more than {} % beyond doubt.",
      where, surely_worse, cells.size(), worst.asked));
}

// Mean changes over the preferences against greedy and against the best, over a family of groups.
Chart family_chart(const std::vector<PlayedCell>& cells, const std::string& title,
                   const std::string& label,
                   const std::vector<std::pair<double, std::string>>& family, bool log_x) {
  Chart chart{.title = title,
              .x_label = label,
              .y_label = "mean change of cost over preferences, %",
              .series = {},
              .categories = {},
              .log_x = log_x,
              .zero_line = true};
  for (const char* steps : {"T100", "T1000"}) {
    Series greedy{.name = fmt::format("against greedy, {}", steps), .points = {}};
    Series best{.name = fmt::format("against the best, {}", steps), .points = {}};
    for (const auto& [x, name] : family) {
      const std::string group = fmt::format("{} {}", name, steps);
      greedy.points.push_back({x, mean_change(cells, group, "greedy")});
      best.points.push_back({x, mean_change(cells, group, "")});
    }
    chart.series.push_back(std::move(greedy));
    chart.series.push_back(std::move(best));
  }
  return chart;
}

}  // namespace

SuiteReport run_generalise(const SuiteOptions& options) {
  SuiteReport report{.result = {.suite = "generalise"}, .charts = {}, .groups = {}};
  const auto cells = play(all_cells(options.scale), options);
  add_changes(cells, report.result);
  for (const Setting& setting : all_settings()) {
    report.groups.push_back(setting.name);
  }
  if (options.bundle == nullptr) {
    return report;
  }
  add_checks(cells, report.result);
  report.charts.push_back(family_chart(
      cells, "One network over fleets", "edges",
      {{1, "E1"}, {3, "E3"}, {6, "E6"}, {10, "E10"}, {30, "E30"}, {100, "E100"}, {300, "E300"}},
      true));
  report.charts.push_back(family_chart(cells, "One network over loads, six edges", "offered load",
                                       {{0.5, "load 0.5"},
                                        {0.65, "load 0.65"},
                                        {0.8, "load 0.8"},
                                        {0.9, "load 0.9"},
                                        {1.0, "E6"},
                                        {1.1, "load 1.1"},
                                        {1.2, "load 1.2"}},
                                       false));
  return report;
}

}  // namespace skerry::rl
