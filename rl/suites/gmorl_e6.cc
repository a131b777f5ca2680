// The suite `gmorl-e6`: the reference system's headline setting (six edges, cloud 4 GHz, edges 2 GHz):
// the physics, the cost at every preference, hypervolume, upper bounds, and the time of a decision.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "rl/gmorl/baselines.h"
#include "rl/suites/cells.h"
#include "rl/suites/decision_time.h"
#include "rl/suites/fronts.h"
#include "rl/suites/lookahead.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

namespace {

using gmorl::Context;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A row of asked changes against greedy, in %, preference by preference.
struct Asked {
  std::string group;
  std::vector<double> lambdas;
  std::vector<double> asked;
  std::vector<double> aim;
};

const std::vector<Asked>& all_asked() {
  static const std::vector<double> all = {kInfinity, 0.1,   0.03,  0.01, 0.004,
                                          0.003,     0.002, 0.001, 1e-4};
  static const std::vector<double> five = {kInfinity, 0.03, 0.01, 0.003, 0.001};
  static const std::vector<Asked> rows = {
      {"T100 hidden",
       all,
       {-6, -4.7, -2.5, -5.5, -12, -10, -6.5, -0.5, -0.1},
       {-7, -5.5, -3.2, -6.5, -12.5, -11, -7.5, -1.5, -0.3}},
      {"T100 given",
       all,
       {-7, -5.5, -3, -6, -12.5, -11, -8, -3, -0.4},
       {-9, -7, -4.8, -8, -13.5, -12, -9, -3.5, -0.55}},
      {"T1000 load 0.8", five, {-6, -0.8, -4.2, -20, -25}, {-8, -2, -5.5, -22, -28}},
      {"T1000 load 1.0", five, {-7.5, -6, -9, -22, -29}, {-10, -8, -12, -24, -32}},
  };
  return rows;
}

Context context_of(const std::string& group) {
  Context context = gmorl::uniform_context(6);
  context.horizon_given = group == "T100 given";
  context.steps = group.starts_with("T1000") ? 1000 : 100;
  context.load = group == "T1000 load 0.8" ? 0.8 : 1;
  return context;
}

std::vector<Cell> all_cells(double scale) {
  std::vector<Cell> cells;
  for (const Asked& asked : all_asked()) {
    const Context context = context_of(asked.group);
    const auto steps = static_cast<std::size_t>(context.steps);
    for (const double lambda : asked.lambdas) {
      cells.push_back({.group = asked.group,
                       .context = context,
                       .lambda = lambda,
                       .preference = lambda_text(lambda),
                       .episodes = scaled(4000 * 100 / steps, scale),
                       .tuning_episodes = 300,
                       .only = {}});
    }
  }
  return cells;
}

void add_cost_checks(const std::vector<PlayedCell>& cells, SuiteResult& result) {
  auto cell = cells.begin();
  for (const Asked& row : all_asked()) {
    for (std::size_t i = 0; i < row.lambdas.size(); ++i, ++cell) {
      const Estimate change = cell->change(kLearned, "greedy");
      result.checks.push_back({.name = cell_name(cell->cell) + ", % against greedy",
                               .asked = row.asked[i],
                               .aim = row.aim[i],
                               .measured = change.value,
                               .ci95 = change.ci95});
    }
  }
}

// The rows that an independent copy of the problem measured over 1000 episodes: the environment is
// the same one.
void add_physics(SuiteResult& result) {
  struct Row {
    const char* policy;
    const char* name;
    double lambda;
    double delay_s, energy_j;
  };
  constexpr double kAny = 1;
  constexpr Row kRows[] = {{"random-split", "random edge, cloud 0.3", kAny, 1898, 5.66},
                           {"cloud", "all cloud", kAny, 12764, 11.83},
                           {"jsq", "JSQ", kAny, 907, 5.33},
                           {"greedy", "greedy 0.039", 0.039, 865, 5.50},
                           {"greedy", "greedy 0.0034", 0.0034, 1453, 3.52}};
  constexpr double kAllowed = 2;
  const Context context = gmorl::uniform_context(6);
  for (const Row& row : kRows) {
    const auto policy = gmorl::make_baseline(row.policy, context.servers());
    std::vector<double> delays, energies;
    for (const gmorl::Total& total : play_one(context, *policy, row.lambda, 1000)) {
      delays.push_back(total.delay_s);
      energies.push_back(total.energy_j);
    }
    const auto check = [&](const char* what, const std::vector<double>& values, double known) {
      const Estimate mean = mean_of(values);
      result.add(row.policy, fmt::format("physics {} {}", row.name, what), mean);
      result.checks.push_back({.name = fmt::format("physics, {}: {} is {:.4g}, known {:g}; % apart",
                                                   row.name, what, mean.value, known),
                               .asked = kAllowed,
                               .aim = kAllowed,
                               .measured = 100 * std::abs(mean.value / known - 1),
                               .ci95 = 100 * mean.ci95 / known});
    };
    check("delay_s", delays, row.delay_s);
    check("energy_j", energies, row.energy_j);
  }
}

// With the signal-to-noise ratio that the model states, and the wait in the dispatcher's queue
// counted.
void add_physical(const SuiteOptions& options, SuiteResult& result) {
  Context context = gmorl::uniform_context(6);
  context.channel = gmorl::Channel::kPhysical;
  for (const double lambda : {kInfinity, 0.01, 0.001}) {
    const std::size_t episodes = scaled(1000, options.scale);
    const auto costs = [&](gmorl::DispatchPolicy& policy) {
      std::vector<double> all;
      for (const gmorl::Total& total : play_one(context, policy, lambda, episodes)) {
        all.push_back(cost_at(total, lambda));
      }
      return all;
    };
    gmorl::GreedyPolicy greedy(context.servers());
    const auto theirs = costs(greedy);
    const std::string metric = fmt::format("physical {}", lambda_text(lambda));
    for (const char* name : {"jsq", "sed"}) {
      const auto policy = gmorl::make_baseline(name, context.servers());
      result.add(name, metric, paired_change(costs(*policy), theirs));
    }
    if (options.bundle != nullptr) {
      gmorl::PricedPolicy learned(options.bundle->network, context.servers());
      result.add(kLearned, metric, paired_change(costs(learned), theirs));
    }
  }
}

}  // namespace

SuiteReport run_gmorl_e6(const SuiteOptions& options) {
  SuiteReport report{.result = {.suite = "gmorl-e6"}, .charts = {}, .groups = {}};
  SuiteResult& result = report.result;
  add_physics(result);
  const auto cells = play(all_cells(options.scale), options);
  add_changes(cells, result);
  if (options.bundle != nullptr) {
    add_cost_checks(cells, result);
  }
  add_lookahead(context_of("T100 hidden"), "T100 hidden", options, result);
  add_lookahead(context_of("T100 given"), "T100 given", options, result);
  add_fronts(cells, options, report);
  add_physical(options, result);
  add_decision_times(gmorl::uniform_context(6), options, result);
  for (const Asked& row : all_asked()) {
    report.groups.push_back(row.group);
    report.charts.push_back(
        cost_chart(cells, row.group, {"linear", "iterated", "externality", kLearned}));
  }
  for (const char* group : {"lookahead", "front", "physical", "decision"}) {
    report.groups.emplace_back(group);
  }
  result.notes.emplace_back(
      "Lookahead looks at fewer episodes and takes a hundred to ten thousand times as long: an "
      "upper "
      "bound, not a rival. A network per preference, the other upper bound, is a training option "
      "(gmorl.lambda in rl/README.md).");
  return report;
}

}  // namespace skerry::rl
