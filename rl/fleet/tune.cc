#include "rl/fleet/tune.h"

#include <algorithm>
#include <cmath>

#include "common/check.h"

namespace skerry::rl::fleet {

namespace {

class Tuner {
 public:
  Tuner(const Context& context, const TuneOptions& options)
      : context_(context), options_(options) {}

  void measure(Tuned& tuned) const {
    TunedPolicy policy(tuned);
    tuned.cost = cost_a_task(sum_of(run(context_, policy.pricer(), options_.run)));
  }

  Tuned best_of(std::vector<Tuned> candidates) const {
    for (Tuned& candidate : candidates) {
      measure(candidate);
    }
    return *std::ranges::min_element(candidates, {}, &Tuned::cost);
  }

  Tuned cross_entropy(const std::string& name, std::size_t dimensions, double spread) const {
    Random random = Random(options_.run.seed).fork(name);
    std::vector<double> mean(dimensions, 0);
    std::vector<double> deviation(dimensions, spread);
    Tuned best{name, mean, 0};
    measure(best);
    for (std::size_t round = 0; round < options_.rounds; ++round) {
      std::vector<Tuned> candidates = {best, {name, mean, 0}};
      while (candidates.size() < options_.population) {
        Tuned drawn{name, mean, 0};
        for (std::size_t i = 0; i < dimensions; ++i) {
          drawn.parameters[i] = random.normal(mean[i], deviation[i]);
        }
        candidates.push_back(std::move(drawn));
      }
      for (Tuned& candidate : candidates) {
        measure(candidate);
      }
      std::ranges::sort(candidates, {},
                        [](const Tuned& tuned) { return std::pair(tuned.cost, tuned.parameters); });
      best = candidates.front();
      const std::size_t elite = std::max<std::size_t>(options_.population / 5, 2);
      for (std::size_t i = 0; i < dimensions; ++i) {
        double sum = 0;
        double squares = 0;
        for (std::size_t k = 0; k < elite; ++k) {
          const double value = candidates[k].parameters[i];
          sum += value;
          squares += value * value;
        }
        const auto count = static_cast<double>(elite);
        mean[i] = sum / count;
        deviation[i] =
            std::sqrt(std::max(squares / count - mean[i] * mean[i], 0.0)) + 0.02 * spread;
      }
    }
    return best;
  }

 private:
  const Context& context_;
  const TuneOptions& options_;
};

}  // namespace

TunedPolicy::TunedPolicy(const Tuned& tuned) {
  if (tuned.name == "externality") {
    pricer_ = make_externality(tuned.parameters.at(0));
  } else if (tuned.name == "linear") {
    network_ = std::make_unique<Mlp>(linear_network(tuned.parameters));
    pricer_ = make_learned(*network_);
  } else {
    pricer_ = make_baseline(tuned.name);
  }
  check(pricer_ != nullptr, "a tuned policy has a known name");
}

std::vector<Tuned> tune_all(const Context& context, const TuneOptions& options) {
  const Tuner tuner(context, options);
  std::vector<Tuned> all;
  for (const std::string_view name : baseline_names()) {
    all.push_back({std::string(name), {}, 0});
    tuner.measure(all.back());
  }
  std::vector<Tuned> grid;
  for (const double c : {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 8.0, 15.0}) {
    grid.push_back({"externality", {c}, 0});
  }
  all.push_back(tuner.best_of(std::move(grid)));
  constexpr double kSpread = 0.4;
  all.push_back(tuner.cross_entropy("linear", kLinearTerms, kSpread));
  std::ranges::sort(all, {}, [](const Tuned& tuned) { return std::pair(tuned.cost, tuned.name); });
  return all;
}

}  // namespace skerry::rl::fleet
