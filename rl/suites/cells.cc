#include "rl/suites/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "common/check.h"
#include "rl/problem/parallel.h"

namespace skerry::rl {

namespace {

using gmorl::Total;

void play_learned(const Cell& cell, const Mlp& network, PlayedCell& played) {
  gmorl::PricedPolicy policy(network, cell.context.servers());
  played.played.push_back({kLearned, play_one(cell.context, policy, cell.lambda, cell.episodes)});
}

PlayedCell play_cell(const Cell& cell, const SuiteOptions& options) {
  PlayedCell played{.cell = cell, .tuned = {}, .played = {}};
  played.tuned = tune_all(cell.context, cell.lambda, tuning_of(cell, options.scale));
  for (const Tuned& tuned : played.tuned) {
    const auto policy = make_tuned(tuned, cell.context, cell.lambda);
    played.played.push_back(
        {tuned.name, play_one(cell.context, *policy, cell.lambda, cell.episodes)});
  }
  if (options.bundle != nullptr) {
    play_learned(cell, options.bundle->network, played);
  }
  return played;
}

}  // namespace

std::size_t scaled(std::size_t episodes, double scale) {
  return std::max<std::size_t>(
      static_cast<std::size_t>(std::lround(static_cast<double>(episodes) * scale)), 8);
}

std::string lambda_text(double lambda) { return fmt::format("{:g}", lambda); }

std::string cell_name(const Cell& cell) {
  return fmt::format("{} {}", cell.group, cell.preference);
}

const Played* PlayedCell::find(const std::string& policy) const {
  const auto found = std::ranges::find(played, policy, &Played::policy);
  return found == played.end() ? nullptr : &*found;
}

std::vector<double> PlayedCell::costs(const std::string& policy) const {
  const Played* found = find(policy);
  check(found != nullptr, "the policy was played");
  std::vector<double> costs;
  costs.reserve(found->totals.size());
  for (const Total& total : found->totals) {
    costs.push_back(cost_at(total, cell.lambda));
  }
  return costs;
}

Estimate PlayedCell::change(const std::string& ours, const std::string& theirs) const {
  return paired_change(costs(ours), costs(theirs));
}

gmorl::TuneOptions tuning_of(const Cell& cell, double scale) {
  const auto servers = static_cast<double>(cell.context.servers());
  const double share = std::min(1.0, std::sqrt(16 / servers));
  gmorl::TuneOptions options{.seed = kTuneSeed,
                             .episodes = scaled(cell.tuning_episodes, scale * share),
                             .threads = 1,
                             .rounds = servers > 64 ? 8u : 12u,
                             .population = servers > 64 ? 24u : 40u,
                             .only = cell.only};
  if (scale < 1) {
    options.rounds = 3;
    options.population = 12;
  }
  return options;
}

std::vector<Total> play_one(const gmorl::Context& context, gmorl::DispatchPolicy& policy,
                            double lambda, std::size_t episodes) {
  return run(context, policy, lambda, {.seed = kReportSeed, .episodes = episodes});
}

std::vector<PlayedCell> play(const std::vector<Cell>& cells, const SuiteOptions& options) {
  std::vector<PlayedCell> played(cells.size());
  std::size_t done = 0;
  std::mutex counting;  // guards done and the order of progress
  // The longest first, so that threads end together.
  std::vector<std::size_t> order(cells.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::ranges::sort(order, {}, [&](std::size_t i) {
    return std::pair(-static_cast<double>(cells[i].context.servers()), i);
  });
  parallel_for(cells.size(), options.threads, [&](std::size_t i) {
    played[order[i]] = play_cell(cells[order[i]], options);
    const std::lock_guard lock(counting);
    options.progress(fmt::format("{}/{} {}", ++done, cells.size(), cell_name(cells[order[i]])));
  });
  return played;
}

void add_changes(const std::vector<PlayedCell>& cells, SuiteResult& result) {
  struct Sum {
    std::string policy, group;
    double value = 0, ci95 = 0, count = 0;
  };
  std::vector<Sum> sums;
  for (const PlayedCell& cell : cells) {
    for (const Played& played : cell.played) {
      if (played.policy == "greedy") {
        continue;
      }
      const Estimate change = cell.change(played.policy, "greedy");
      result.add(played.policy, cell_name(cell.cell), change);
      auto sum = std::ranges::find_if(sums, [&](const Sum& one) {
        return one.policy == played.policy && one.group == cell.cell.group;
      });
      if (sum == sums.end()) {
        sum = sums.insert(sums.end(), {played.policy, cell.cell.group});
      }
      sum->value += change.value;
      sum->ci95 += change.ci95;
      ++sum->count;
    }
  }
  // Preferences meet the same episodes, so that their errors go together: the mean's is no smaller.
  for (const Sum& sum : sums) {
    result.add(sum.policy, sum.group + " mean", {sum.value / sum.count, sum.ci95 / sum.count});
  }
}

Chart cost_chart(const std::vector<PlayedCell>& cells, const std::string& group,
                 const std::vector<std::string>& policies) {
  Chart chart{.title = fmt::format("{}: cost against greedy, in % (95 % bands)", group),
              .x_label = "preference: what a second is worth, lambda in J/s",
              .y_label = "change of mean cost, %",
              .series = {},
              .categories = {},
              .log_x = false,
              .zero_line = true};
  for (const std::string& policy : policies) {
    Series series{.name = policy, .points = {}, .strong = policy == kLearned};
    double at = 0;
    for (const PlayedCell& cell : cells) {
      if (cell.cell.group == group) {
        if (cell.find(policy) != nullptr) {
          const Estimate change = cell.change(policy, "greedy");
          series.points.push_back({at, change.value, change.ci95});
        }
        ++at;
      }
    }
    if (!series.points.empty()) {
      chart.series.push_back(std::move(series));
    }
  }
  for (const PlayedCell& cell : cells) {
    if (cell.cell.group == group) {
      chart.categories.push_back(cell.cell.preference);
    }
  }
  return chart;
}

}  // namespace skerry::rl
