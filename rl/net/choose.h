// choose.h: what a policy's prices mean: the cheapest is chosen, the first of equals.

#pragma once

#include <cstddef>
#include <span>

namespace skerry::rl {

// At least one price.
inline std::size_t cheapest(std::span<const double> prices) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < prices.size(); ++i) {
    best = prices[i] < prices[best] ? i : best;
  }
  return best;
}

}  // namespace skerry::rl
