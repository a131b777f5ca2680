#include "agent/runner/postprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace skerry::runner {

namespace {

// In place; the largest is taken off first so that no exponential overflows.
void softmax(std::vector<float>& scores) {
  const float largest = *std::ranges::max_element(scores);
  float sum = 0;
  for (float& score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  for (float& score : scores) {
    score /= sum;
  }
}

// The best `top`, best first; equal scores in the order of the labels.
Labels best(const OutputSpec& output, const std::vector<float>& scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto count = std::min(static_cast<std::size_t>(output.top), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
                    });
  Labels labels;
  for (std::size_t i = 0; i < count; ++i) {
    labels.push_back({.text = output.labels[order[i]], .score = scores[order[i]]});
  }
  return labels;
}

}  // namespace

Result<NamedValue> to_output(const OutputSpec& output, Tensor tensor) {
  if (output.kind == OutputKind::kTensor) {
    return NamedValue{.name = output.name, .value = std::move(tensor)};
  }
  std::vector<float> scores(tensor.data.size() / sizeof(float));
  if (tensor.dtype != DType::kF32 || scores.empty() || scores.size() != output.labels.size()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("output '{}' has {} labels in the manifest, but the model yields {} "
                    "scores of {}; labels are given for one input at a time",
                    output.name, output.labels.size(),
                    tensor.data.size() / size_bytes(tensor.dtype), to_string(tensor.dtype)));
  }
  std::memcpy(scores.data(), tensor.data.data(), tensor.data.size());
  if (std::ranges::any_of(scores, [](float score) { return std::isnan(score); })) {
    return fail(ErrorCode::kModelFailed,
                fmt::format("output '{}' holds scores that are not numbers", output.name));
  }
  if (output.softmax) {
    softmax(scores);
  }
  return NamedValue{.name = output.name, .value = best(output, scores)};
}

}  // namespace skerry::runner
