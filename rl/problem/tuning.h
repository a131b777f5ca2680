// tuning.h: finds the parameters of a heuristic: the best of some, or by the cross-entropy method
// (Rubinstein 1999): draw, keep the best fifth, draw again around them.
//
// A problem says what parameters cost; nothing here knows what they mean. Deterministic.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace skerry::rl {

struct Tuned {
  std::string name;                // of the heuristic
  std::vector<double> parameters;  // empty where there are none
  double cost = 0;                 // on the tuning seeds
};

// Fills in the cost of each, on the same episodes for all.
using MeasureAll = std::function<void(std::vector<Tuned>&)>;

// Best first; of equal ones the first by name.
void sort_by_cost(std::vector<Tuned>& all);

// Measures them; at least one.
Tuned best_of(std::vector<Tuned> candidates, const MeasureAll& measure);

struct CrossEntropy {
  std::uint64_t seed = 1;
  std::size_t rounds = 1;
  std::size_t population = 10;  // in each
  double spread = 1;            // of the first draw, around 0
};
Tuned cross_entropy(const std::string& name, std::size_t dimensions, const CrossEntropy& options,
                    const MeasureAll& measure);

}  // namespace skerry::rl
