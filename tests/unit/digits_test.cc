// Tests of models/digits: the split of the data, and that the committed files are what model.yaml
// says they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "common/digest.h"
#include "models/digits/augment.h"
#include "models/digits/card.h"
#include "models/digits/sheet.h"

namespace skerry::digits {
namespace {

const std::string kFolder = std::string(SKERRY_SOURCE) + "/models/digits";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<Digit> sheet() {
  auto digits = read_sheet(kSheet);
  if (!digits) {
    throw std::runtime_error(digits.error().message);
  }
  return std::move(*digits);
}

std::string bytes_of(const Digit& digit) { return {digit.pixels.begin(), digit.pixels.end()}; }

TEST(DigitsData, TheSplitIsStratifiedCompleteAndAlwaysTheSame) {
  const auto digits = sheet();
  const Split parts = split(digits);
  ASSERT_EQ(digits.size(), 5000u);
  EXPECT_EQ(parts.training.size(), 4000u);
  EXPECT_EQ(parts.held_out.size(), 1000u);
  std::map<int, int> per_label;
  std::multiset<std::string> all;
  for (const Digit& digit : parts.held_out) {
    ++per_label[digit.label];
    all.insert(bytes_of(digit));
  }
  for (int label = 0; label < kClasses; ++label) {
    EXPECT_EQ(per_label[label], 100);
  }
  for (const Digit& digit : parts.training) {
    all.insert(bytes_of(digit));
  }
  std::multiset<std::string> expected;
  for (const Digit& digit : digits) {
    expected.insert(bytes_of(digit));
  }
  EXPECT_EQ(all, expected);
  EXPECT_EQ(bytes_of(split(digits).held_out[0]), bytes_of(parts.held_out[0]));
}

TEST(DigitsData, WhatIsNotTheSheetIsRefused) {
  EXPECT_EQ(read_sheet("/nowhere.png").error().code, ErrorCode::kIo);
  EXPECT_EQ(read_sheet(kFolder + "/seven.png").error().code, ErrorCode::kCorrupt);
}

TEST(DigitsData, TheExportHoldsAllImagesAndTheirLabels) {
  const std::string folder = testing::TempDir() + "/heldout";
  const auto parts = split(sheet());
  ASSERT_TRUE(export_held_out(folder, parts.held_out));
  EXPECT_EQ(read_file(folder + "/0999.png"), encode_png(parts.held_out[999]));
  const std::string labels = read_file(folder + "/labels.csv");
  EXPECT_EQ(std::count(labels.begin(), labels.end(), '\n'), 1001);
  EXPECT_TRUE(
      labels.starts_with("file,label\n0000.png," + std::to_string(parts.held_out[0].label) + "\n"));
  std::filesystem::remove_all(folder);
}

TEST(DigitsData, AugmentedDigitsDifferButKeepTheirInk) {
  const Digit digit = sheet()[0];
  std::array<float, kPixels> original{};
  plain(digit, original.data());
  const auto ink = [](const std::array<float, kPixels>& image) {
    double sum = 0;
    for (const float value : image) {
      EXPECT_GE(value, 0);
      EXPECT_LE(value, 1);
      sum += value;
    }
    return sum;
  };
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    std::array<float, kPixels> changed{};
    augment(digit, random, changed.data());
    EXPECT_NE(changed, original);
    EXPECT_NEAR(ink(changed) / ink(original), 1, 0.4);
  }
}

TEST(DigitsModel, TheYamlIsWhatTheRecipeWrites) {
  const YAML::Node variants = YAML::LoadFile(kFolder + "/model.yaml")["spec"]["variants"];
  ModelManifest manifest = manifest_without_variants();
  for (const YAML::Node& variant : variants) {
    manifest.variants.push_back({.name = variant["name"].as<std::string>(),
                                 .digest = variant["digest"].as<std::string>(),
                                 .artifact_bytes = variant["artifact_bytes"].as<std::uint64_t>(),
                                 .file = variant["file"].as<std::string>(),
                                 .accuracy = variant["accuracy"].as<double>(),
                                 .memory_bytes = variant["memory_bytes"].as<std::uint64_t>(),
                                 .reference_ms = variant["reference_ms"].as<double>()});
  }
  EXPECT_EQ(to_yaml(manifest), read_file(kFolder + "/model.yaml"));
  EXPECT_EQ(manifest_from_json(manifest_to_json(manifest)), manifest);
}

TEST(DigitsModel, EveryVariantIsAsAccurateAsItSaysAndAccuracyGrowsWithSize) {
  const auto held_out = split(sheet()).held_out;
  double smaller = 0.96;
  for (const YAML::Node& variant : YAML::LoadFile(kFolder + "/model.yaml")["spec"]["variants"]) {
    const auto name = variant["name"].as<std::string>();
    const auto measured = measure(SKERRY_RUNNER, kFolder, name, held_out);
    ASSERT_TRUE(measured) << measured.error().message;
    EXPECT_EQ(measured->variant.digest, variant["digest"].as<std::string>());
    EXPECT_EQ(measured->variant.artifact_bytes, variant["artifact_bytes"].as<std::uint64_t>());
    // Another processor may round the last bit of a close score the other way.
    EXPECT_NEAR(measured->variant.accuracy, variant["accuracy"].as<double>(), 0.0011) << name;
    EXPECT_GT(variant["accuracy"].as<double>(), smaller);
    smaller = variant["accuracy"].as<double>();
  }
  EXPECT_GE(smaller, 0.985);
}

}  // namespace
}  // namespace skerry::digits
