#include "rl/gmorl/tune.h"

#include <algorithm>
#include <numeric>

#include "common/check.h"
#include "rl/gmorl/baselines.h"
#include "rl/problem/parallel.h"

namespace skerry::rl::gmorl {

namespace {

class Tuner {
 public:
  Tuner(const Context& context, double lambda, const TuneOptions& options)
      : context_(context), lambda_(lambda), options_(options) {}

  // The mean cost of each candidate, on the same episodes.
  void measure(std::vector<Tuned>& candidates) const {
    parallel_for(candidates.size(), options_.threads, [&](std::size_t i) {
      const auto policy = make_tuned(candidates[i], context_, lambda_);
      const std::size_t episodes = std::max<std::size_t>(
          options_.episodes * 100 / static_cast<std::size_t>(context_.steps), 10);
      double sum = 0;
      for (const Total& total :
           run(context_, *policy, lambda_, {.seed = options_.seed, .episodes = episodes})) {
        sum += cost_at(total, lambda_);
      }
      candidates[i].cost = sum / static_cast<double>(episodes);
    });
  }

  Tuned line(const std::string& name, std::vector<double> grid) const {
    std::vector<Tuned> candidates;
    candidates.reserve(grid.size());
    for (const double value : grid) {
      candidates.push_back({name, {value}, 0});
    }
    const Tuned coarse = best_of(candidates, measure_all());
    const auto at = std::ranges::find(grid, coarse.parameters[0]);
    const double below = at == grid.begin() ? *at : *(at - 1);
    const double above = at + 1 == grid.end() ? *at : *(at + 1);
    candidates = {coarse};
    for (const double share : {0.25, 0.5, 0.75}) {
      candidates.push_back({name, {below + share * (coarse.parameters[0] - below)}, 0});
      candidates.push_back(
          {name, {coarse.parameters[0] + share * (above - coarse.parameters[0])}, 0});
    }
    return best_of(candidates, measure_all());
  }

  MeasureAll measure_all() const {
    return [this](std::vector<Tuned>& candidates) { measure(candidates); };
  }

 private:
  const Context& context_;
  double lambda_;
  const TuneOptions& options_;
};

}  // namespace

std::unique_ptr<DispatchPolicy> make_tuned(const Tuned& tuned, const Context& context,
                                           double lambda) {
  const std::size_t servers = context.servers();
  const double w = Scales(context).weight(lambda);
  if (tuned.name == "externality") {
    return make_externality(servers, tuned.parameters.at(0));
  }
  if (tuned.name == "linear") {
    return make_linear(servers, tuned.parameters);
  }
  if (tuned.name == "iterated") {
    return make_iterated(context, w, tuned.parameters.at(0));
  }
  if (tuned.name == "static-split") {
    return make_static_split(context, w);
  }
  if (tuned.name == "linucb") {
    return make_linucb(servers);
  }
  auto named = make_baseline(tuned.name, servers);
  check(named != nullptr, "a tuned policy has a known name");
  return named;
}

std::vector<Tuned> tune_all(const Context& context, double lambda, const TuneOptions& options) {
  const Tuner tuner(context, lambda, options);
  const auto wanted = [&](std::string_view name) {
    return options.only.empty() || name == "greedy" ||
           std::ranges::find(options.only, name) != options.only.end();
  };
  std::vector<Tuned> all;
  for (const std::string_view name : baseline_names()) {
    all.push_back({std::string(name), {}, 0});
  }
  all.push_back({"static-split", {}, 0});
  all.push_back({"linucb", {}, 0});
  std::erase_if(all, [&](const Tuned& tuned) { return !wanted(tuned.name); });
  tuner.measure(all);
  if (wanted("externality")) {
    all.push_back(
        tuner.line("externality", {0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8}));
  }
  if (wanted("iterated")) {
    all.push_back(
        tuner.line("iterated", {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.93, 0.97}));
  }
  if (wanted("linear")) {
    constexpr double kSpread = 0.4;
    all.push_back(cross_entropy("linear", kLinearTerms,
                                {.seed = options.seed,
                                 .rounds = options.rounds,
                                 .population = options.population,
                                 .spread = kSpread},
                                tuner.measure_all()));
  }
  sort_by_cost(all);
  return all;
}

}  // namespace skerry::rl::gmorl
