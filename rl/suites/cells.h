// cells.h: plays all policies of the dispatch problem in many contexts and preferences.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rl/gmorl/tune.h"
#include "rl/report/statistics.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

// One context at one preference.
struct Cell {
  std::string group;  // "T100 hidden"
  gmorl::Context context;
  double lambda = 0;
  std::string preference;             // what it is called: "0.01", "w=0.5"
  std::size_t episodes = 0;           // to report on
  std::size_t tuning_episodes = 300;  // of 100 steps
  std::vector<std::string> only;      // heuristics to tune and play; empty: all
};

// A policy's episodes in a cell.
struct Played {
  std::string policy;
  std::vector<gmorl::Total> totals;
};

struct PlayedCell {
  Cell cell;
  std::vector<Tuned> tuned;    // best on the tuning seeds first
  std::vector<Played> played;  // the heuristics', and the learned policy's if there is one

  const Played* find(const std::string& policy) const;
  std::vector<double> costs(const std::string& policy) const;
  Estimate change(const std::string& ours, const std::string& theirs) const;  // in %
  const std::string& best_heuristic() const { return tuned.front().name; }
};

std::string cell_name(const Cell& cell);  // "T100 hidden 0.01"
std::string lambda_text(double lambda);   // "0.01", "inf"

// A larger fleet, which takes longer, is tuned on fewer episodes.
gmorl::TuneOptions tuning_of(const Cell& cell, double scale);

std::vector<PlayedCell> play(const std::vector<Cell>& cells, const SuiteOptions& options);

// Plays one more policy on a cell's report seeds.
std::vector<gmorl::Total> play_one(const gmorl::Context& context, gmorl::DispatchPolicy& policy,
                                   double lambda, std::size_t episodes);

// The change of every policy against greedy, as metrics: at each preference, and their mean, which is
// how much less a user of unknown preference pays.
void add_changes(const std::vector<PlayedCell>& cells, SuiteResult& result);

// Changes against greedy over the preferences of a group.
Chart cost_chart(const std::vector<PlayedCell>& cells, const std::string& group,
                 const std::vector<std::string>& policies);

std::size_t scaled(std::size_t episodes, double scale);  // at least 8

}  // namespace skerry::rl
