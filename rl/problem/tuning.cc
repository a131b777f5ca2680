#include "rl/problem/tuning.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/random.h"

namespace skerry::rl {

void sort_by_cost(std::vector<Tuned>& all) {
  std::ranges::sort(all, {}, [](const Tuned& tuned) { return std::pair(tuned.cost, tuned.name); });
}

Tuned best_of(std::vector<Tuned> candidates, const MeasureAll& measure) {
  measure(candidates);
  return *std::ranges::min_element(candidates, {}, &Tuned::cost);
}

Tuned cross_entropy(const std::string& name, std::size_t dimensions, const CrossEntropy& options,
                    const MeasureAll& measure) {
  Random random = Random(options.seed).fork(name);
  std::vector<double> mean(dimensions, 0);
  std::vector<double> deviation(dimensions, options.spread);
  Tuned best = best_of({{name, mean, 0}}, measure);
  for (std::size_t round = 0; round < options.rounds; ++round) {
    std::vector<Tuned> candidates = {best, {name, mean, 0}};
    while (candidates.size() < options.population) {
      Tuned drawn{name, mean, 0};
      for (std::size_t i = 0; i < dimensions; ++i) {
        drawn.parameters[i] = random.normal(mean[i], deviation[i]);
      }
      candidates.push_back(std::move(drawn));
    }
    measure(candidates);
    std::ranges::sort(candidates, {},
                      [](const Tuned& tuned) { return std::pair(tuned.cost, tuned.parameters); });
    best = candidates.front();
    const std::size_t elite = std::max<std::size_t>(options.population / 5, 2);
    const auto count = static_cast<double>(elite);
    for (std::size_t i = 0; i < dimensions; ++i) {
      double sum = 0;
      double squares = 0;
      for (std::size_t k = 0; k < elite; ++k) {
        const double value = candidates[k].parameters[i];
        sum += value;
        squares += value * value;
      }
      mean[i] = sum / count;
      deviation[i] =
          std::sqrt(std::max(squares / count - mean[i] * mean[i], 0.0)) + options.spread * 0.02;
    }
  }
  return best;
}

}  // namespace skerry::rl
