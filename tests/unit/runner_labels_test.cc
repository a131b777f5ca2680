// Tests of what follows a forward: scores become labels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "agent/runner/postprocess.h"

namespace skerry::runner {
namespace {

using testing::HasSubstr;

Tensor tensor_of(DType dtype, std::vector<std::int64_t> shape, std::string data) {
  return {.dtype = dtype, .shape = std::move(shape), .data = std::move(data)};
}

Tensor float_tensor(std::vector<std::int64_t> shape, const std::vector<float>& floats) {
  std::string data(floats.size() * sizeof(float), '\0');
  std::memcpy(data.data(), floats.data(), data.size());
  return tensor_of(DType::kF32, std::move(shape), std::move(data));
}

OutputSpec three_labels() {
  return {.name = "animal", .kind = OutputKind::kLabels, .labels = {"cat", "dog", "emu"}, .top = 2};
}

TEST(Labels, AreTheBestByScoreAfterSoftmax) {
  const auto value = to_output(
      three_labels(), float_tensor({1, 3}, {std::log(1.0f), std::log(6.0f), std::log(3.0f)}));
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(value->name, "animal");
  const auto& labels = std::get<skerry::Labels>(value->value);
  ASSERT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels[0].text, "dog");
  EXPECT_NEAR(labels[0].score, 0.6, 1e-6);
  EXPECT_EQ(labels[1].text, "emu");
  EXPECT_NEAR(labels[1].score, 0.3, 1e-6);
}

TEST(Labels, SurviveHugeScoresAndBreakTiesInTheOrderOfTheManifest) {
  const auto value = to_output(three_labels(), float_tensor({3}, {1e30f, 1e30f, -1e30f}));
  ASSERT_TRUE(value);
  EXPECT_EQ(std::get<skerry::Labels>(value->value), (skerry::Labels{{"cat", 0.5f}, {"dog", 0.5f}}));
}

TEST(Labels, WithoutSoftmaxAreTheScoresThemselves) {
  OutputSpec output = three_labels();
  output.softmax = false;
  output.top = 100;
  const auto value = to_output(output, float_tensor({3}, {3, 1, 2}));
  EXPECT_EQ(std::get<skerry::Labels>(value->value),
            (skerry::Labels{{"cat", 3}, {"emu", 2}, {"dog", 1}}));
}

TEST(Labels, ScoresThatDoNotFitAreRefused) {
  EXPECT_THAT(
      to_output(three_labels(), float_tensor({2, 3}, std::vector<float>(6))).error().message,
      HasSubstr("3 labels"));
  EXPECT_FALSE(to_output(three_labels(), float_tensor({0}, {})));
  EXPECT_FALSE(to_output(three_labels(), tensor_of(DType::kI64, {3}, std::string(24, '\0'))));
  EXPECT_EQ(to_output(three_labels(), float_tensor({3}, {1, NAN, 2})).error().code,
            ErrorCode::kModelFailed);
}

}  // namespace
}  // namespace skerry::runner
