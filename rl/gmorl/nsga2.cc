#include "rl/gmorl/nsga2.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/check.h"
#include "common/random.h"

namespace skerry::rl::gmorl {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Standing {
  std::size_t rank = 0;  // 0: dominated by nobody
  double crowding = 0;
  bool before(const Standing& other) const {
    return rank != other.rank ? rank < other.rank : crowding > other.crowding;
  }
};

bool dominates(const Individual& a, const Individual& b) {
  return a.first <= b.first && a.second <= b.second && (a.first < b.first || a.second < b.second);
}

// How far a front's neighbours are from each other, in shares of its extent; its ends are infinitely
// far.
void crowd(const std::vector<Individual>& all, std::vector<std::size_t>& front,
           std::vector<Standing>& standings) {
  for (const auto objective : {&Individual::first, &Individual::second}) {
    std::ranges::sort(front, {}, [&](std::size_t i) { return std::pair(all[i].*objective, i); });
    const double extent = all[front.back()].*objective - all[front.front()].*objective;
    standings[front.front()].crowding = kInfinity;
    standings[front.back()].crowding = kInfinity;
    for (std::size_t k = 1; extent > 0 && k + 1 < front.size(); ++k) {
      standings[front[k]].crowding +=
          (all[front[k + 1]].*objective - all[front[k - 1]].*objective) / extent;
    }
  }
}

std::vector<Standing> stand(const std::vector<Individual>& all) {
  std::vector<Standing> standings(all.size());
  std::vector<std::size_t> left(all.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  for (std::size_t rank = 0; !left.empty(); ++rank) {
    std::vector<std::size_t> front;
    std::vector<std::size_t> behind;
    for (const std::size_t i : left) {
      const bool beaten =
          std::ranges::any_of(left, [&](std::size_t j) { return dominates(all[j], all[i]); });
      (beaten ? behind : front).push_back(i);
    }
    for (const std::size_t i : front) {
      standings[i].rank = rank;
    }
    crowd(all, front, standings);
    left = std::move(behind);
  }
  return standings;
}

class Evolution {
 public:
  Evolution(std::size_t genes, const Measure& measure, const Nsga2Options& options)
      : genes_(genes),
        measure_(measure),
        options_(options),
        random_(Random(options.seed).fork("nsga2")) {}

  std::vector<Individual> run() {
    std::vector<Individual> parents(options_.population);
    for (Individual& parent : parents) {
      for (std::size_t g = 0; g < genes_; ++g) {
        parent.genes.push_back(random_.uniform());
      }
    }
    measure_(parents);
    for (int generation = 0; generation < options_.generations; ++generation) {
      std::vector<Individual> all = children_of(parents);
      measure_(all);
      all.insert(all.end(), parents.begin(), parents.end());
      parents = best_of(all);
    }
    std::vector<Individual> front;
    const auto standings = stand(parents);
    for (std::size_t i = 0; i < parents.size(); ++i) {
      if (standings[i].rank == 0) {
        front.push_back(parents[i]);
      }
    }
    return front;
  }

 private:
  std::vector<Individual> best_of(const std::vector<Individual>& all) const {
    const auto standings = stand(all);
    std::vector<std::size_t> order(all.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      return standings[a].before(standings[b]) || (!standings[b].before(standings[a]) && a < b);
    });
    std::vector<Individual> best;
    best.reserve(options_.population);
    for (std::size_t i = 0; i < options_.population; ++i) {
      best.push_back(all[order[i]]);
    }
    return best;
  }

  std::vector<Individual> children_of(const std::vector<Individual>& parents) {
    const auto standings = stand(parents);
    const auto pick = [&] {
      const std::size_t a = random_.below(parents.size());
      const std::size_t b = random_.below(parents.size());
      return standings[b].before(standings[a]) ? b : a;
    };
    std::vector<Individual> children;
    while (children.size() < options_.population) {
      Individual one = parents[pick()];
      Individual two = parents[pick()];
      cross(one.genes, two.genes);
      mutate(one.genes);
      mutate(two.genes);
      children.push_back(std::move(one));
      children.push_back(std::move(two));
    }
    return children;
  }

  void cross(std::vector<double>& one, std::vector<double>& two) {
    constexpr double kCrossover = 0.9;
    if (!random_.chance(kCrossover)) {
      return;
    }
    const double power = 1 / (options_.crossover_index + 1);
    for (std::size_t g = 0; g < genes_; ++g) {
      const double u = random_.uniform();
      const double spread = u < 0.5 ? std::pow(2 * u, power) : std::pow(1 / (2 * (1 - u)), power);
      const double a = one[g];
      const double b = two[g];
      one[g] = std::clamp(((1 + spread) * a + (1 - spread) * b) / 2, 0.0, 1.0);
      two[g] = std::clamp(((1 - spread) * a + (1 + spread) * b) / 2, 0.0, 1.0);
    }
  }

  void mutate(std::vector<double>& genes) {
    const double power = 1 / (options_.mutation_index + 1);
    for (double& gene : genes) {
      if (random_.chance(1 / static_cast<double>(genes_))) {
        const double u = random_.uniform();
        const double shift =
            u < 0.5 ? std::pow(2 * u, power) - 1 : 1 - std::pow(2 * (1 - u), power);
        gene = std::clamp(gene + shift, 0.0, 1.0);
      }
    }
  }

  std::size_t genes_;
  const Measure& measure_;
  const Nsga2Options& options_;
  Random random_;
};

}  // namespace

std::vector<Individual> nsga2(std::size_t genes, const Measure& measure,
                              const Nsga2Options& options) {
  check(genes > 0 && options.population % 2 == 0, "individuals have genes and breed in pairs");
  return Evolution(genes, measure, options).run();
}

}  // namespace skerry::rl::gmorl
