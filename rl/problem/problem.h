// problem.h: what training needs of a problem: labelled decisions, and a look at how well a network
// does.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rl/net/mlp.h"
#include "rl/problem/labels.h"

namespace skerry::rl {

// One figure of a curve, e.g. {"T100/lambda=0.01", -4.2}.
struct Figure {
  std::string name;
  double value = 0;
};

class Problem {
 public:
  virtual ~Problem() = default;
  virtual LabelShape shape() const = 0;
  // Acts with the network in one context, which the seed draws, and labels decisions on the way.
  // Called from many threads at once; the same arguments always yield the same labels.
  virtual Labels collect(const Mlp& network, std::uint64_t seed) const = 0;
  // A few figures on seeds that are neither trained on nor reported; smaller is better.
  virtual std::vector<std::string> figures() const = 0;
  virtual Figure probe(const Mlp& network, std::size_t figure) const = 0;  // any thread
};

}  // namespace skerry::rl
