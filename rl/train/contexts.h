// contexts.h: the same work in every context of an iteration, on several threads.

#pragma once

#include <cstdint>
#include <vector>

#include "common/random.h"
#include "rl/problem/parallel.h"
#include "rl/train/trainer.h"

namespace skerry::rl {

// What work(seed) returns for a seed of each context, in an order that no number of threads changes.
template <typename Work>
auto in_all_contexts(const TrainOptions& options, Random random, Work work) {
  std::vector<std::uint64_t> seeds(options.contexts);
  for (std::uint64_t& seed : seeds) {
    seed = random.next_u64();
  }
  std::vector<decltype(work(seeds[0]))> results(options.contexts);
  parallel_for(options.contexts, options.threads,
               [&](std::size_t i) { results[i] = work(seeds[i]); });
  return results;
}

}  // namespace skerry::rl
