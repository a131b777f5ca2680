// transitions.h: decisions in the order in which they were taken, with what each cost at once: what
// actor-critic methods learn from.
//
// A decision's price of an action has the form of labels.h. The decision that follows number i is
// i + 1, unless i ends its episode.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rl/net/mlp.h"
#include "rl/problem/labels.h"

namespace skerry::rl {

enum class After : std::uint8_t {
  kGoesOn,  // the next one follows
  kCutOff,  // it goes on, but nobody looked
  kOver,    // nothing follows, and the policy knew
};

struct Transitions {
  LabelShape shape;
  std::vector<float> features;       // [decision][action][feature]
  std::vector<float> base;           // [decision][action]
  std::vector<float> coefficients;   // [decision][action][output]
  std::vector<std::uint8_t> counts;  // [decision]: actions in use, which are the first ones
  std::vector<std::uint8_t> chosen;  // [decision]
  std::vector<float> costs;          // [decision]: of what was chosen, at once
  std::vector<After> after;          // [decision]

  std::size_t size() const { return counts.size(); }
  // Room for one more, zeroed; the caller fills it.
  void grow(std::size_t actions) {
    counts.push_back(static_cast<std::uint8_t>(actions));
    features.resize(counts.size() * shape.actions * shape.features);
    base.resize(counts.size() * shape.actions);
    coefficients.resize(counts.size() * shape.actions * shape.outputs);
    chosen.resize(counts.size());
    costs.resize(counts.size());
    after.resize(counts.size());
  }
};

// A problem that can be played from start to end by a policy that throws dice.
class Playable {
 public:
  virtual ~Playable() = default;
  virtual LabelShape play_shape() const = 0;
  // Acts with probabilities softmax(-price / temperature) in one context, which the seed draws.
  // Called from many threads at once; the same arguments always yield the same transitions.
  virtual Transitions play(const Mlp& actor, double temperature, std::uint64_t seed) const = 0;
};

}  // namespace skerry::rl
