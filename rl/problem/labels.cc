#include "rl/problem/labels.h"

#include "common/check.h"

namespace skerry::rl {

namespace {

void extend(std::vector<float>& to, const std::vector<float>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

void Labels::append(const Labels& other) {
  check(shape.actions == other.shape.actions && shape.features == other.shape.features &&
            shape.outputs == other.shape.outputs,
        "labels of one run have one shape");
  extend(features, other.features);
  extend(base, other.base);
  extend(coefficients, other.coefficients);
  extend(costs, other.costs);
  counts.insert(counts.end(), other.counts.begin(), other.counts.end());
  steps += other.steps;
}

void Labels::grow(std::size_t actions) {
  check(actions <= shape.actions, "a label has room for its actions");
  counts.push_back(static_cast<std::uint8_t>(actions));
  features.resize(counts.size() * shape.actions * shape.features);
  base.resize(counts.size() * shape.actions);
  coefficients.resize(counts.size() * shape.actions * shape.outputs);
  costs.resize(counts.size() * shape.actions);
}

}  // namespace skerry::rl
