// trials.h: whole episodes that are played and compared, for methods that learn from what an episode
// costs in the end instead of from single decisions.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rl/net/mlp.h"
#include "rl/problem/labels.h"

namespace skerry::rl {

struct Trial {
  double cost = 0;          // of a task on average, above 0; costs are compared by their ratio
  std::vector<float> seen;  // [decision][feature]: a few of its decisions, of any candidate
};

class Episodic {
 public:
  virtual ~Episodic() = default;
  virtual LabelShape trial_shape() const = 0;  // its actions say nothing
  // Of the features so many, the last ones, are the same for all candidates of a decision.
  virtual std::size_t shared_features() const = 0;
  // Plays an episode in a context that the seed draws; `shift` is added to the network's outputs in
  // every decision. The same seed yields the same context and the same tasks. Any thread.
  virtual Trial play_shifted(const Mlp& network, std::span<const float> shift,
                             std::uint64_t seed) const = 0;
};

}  // namespace skerry::rl
