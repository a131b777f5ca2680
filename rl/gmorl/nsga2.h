// nsga2.h: NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002): a front of parameters by evolution, for
// two objectives that are both to be made small.
//
// Simulated binary crossover and polynomial mutation with the published indices; a generation's
// parents and children compete by the rank of their front, then by crowding distance. Deterministic.

#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace skerry::rl::gmorl {

struct Nsga2Options {
  std::size_t population = 48;  // even
  int generations = 40;
  double crossover_index = 15;
  double mutation_index = 20;
  std::uint64_t seed = 4242;
};

struct Individual {
  std::vector<double> genes;     // each from 0 to 1
  double first = 0, second = 0;  // objectives
};

// Fills in the objectives of all; may work on them in parallel.
using Measure = std::function<void(std::vector<Individual>&)>;

// The last population's first front.
std::vector<Individual> nsga2(std::size_t genes, const Measure& measure,
                              const Nsga2Options& options);

}  // namespace skerry::rl::gmorl
