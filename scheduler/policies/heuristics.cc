#include "scheduler/policies/heuristics.h"

#include <array>

namespace skerry::scheduler {

namespace {

struct Heuristic {
  std::string_view name;
  std::unique_ptr<Policy> (*make)();
};
constexpr std::array<Heuristic, 4> kHeuristics = {{
    {"greedy", make_greedy},
    {"jsq", make_jsq},
    {"round-robin", make_round_robin},
    {"random", make_random_policy},
}};
constexpr std::array<std::string_view, 4> kNames = {kHeuristics[0].name, kHeuristics[1].name,
                                                    kHeuristics[2].name, kHeuristics[3].name};

}  // namespace

std::unique_ptr<Policy> make_heuristic(std::string_view name) {
  for (const Heuristic& heuristic : kHeuristics) {
    if (heuristic.name == name) {
      return heuristic.make();
    }
  }
  return nullptr;
}

std::span<const std::string_view> heuristic_names() { return kNames; }

double preference_share(const TaskView& task, const Candidate& candidate) {
  const double sum = weighted_sum(task.preference, candidate.normalised);
  return sum / (1 + sum);
}

}  // namespace skerry::scheduler
