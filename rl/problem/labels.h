// labels.h: decisions with what each of their actions costs in the end: what a network learns from.
//
// A problem (gmorl, fleet) makes them; the learner knows nothing of it. The price of an action is
//   base + sum_o coefficient[o] x output[o](features),
// so that the network learns only what the exact model cannot know.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace skerry::rl {

// How wide a label is; the same for all of a training run.
struct LabelShape {
  std::size_t actions = 0;  // room for so many
  std::size_t features = 0;
  std::size_t outputs = 0;
};

// Many labels, as arrays; what a label leaves unused is 0, and its actions are the first ones.
struct Labels {
  LabelShape shape;
  std::vector<float> features;       // [label][action][feature]
  std::vector<float> base;           // [label][action]
  std::vector<float> coefficients;   // [label][action][output]
  std::vector<float> costs;          // [label][action]: above the label's least
  std::vector<std::uint8_t> counts;  // [label]: actions in use
  std::uint64_t steps = 0;           // of the environment, that making them took; 0: not told

  std::size_t size() const { return counts.size(); }
  void append(const Labels& other);
  // Room for one more, zeroed; the caller fills it.
  void grow(std::size_t actions);
};

}  // namespace skerry::rl
