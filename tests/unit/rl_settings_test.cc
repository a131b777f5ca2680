// Training configurations: those that ship are valid, and every mistake is told with its line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "rl/skerry_rl/files.h"
#include "rl/skerry_rl/settings.h"

namespace skerry::rl {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A file that is gone with the test.
class File {
 public:
  explicit File(const std::string& text)
      : path_((std::filesystem::temp_directory_path() /
               ("skerry-rl-config-" + std::to_string(::getpid()) + ".yaml"))
                  .string()) {
    std::ofstream(path_) << "apiVersion: skerry/v1\nkind: TrainingConfig\n" << text;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(TrainingSettings, EveryConfigurationThatShipsIsValid) {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SKERRY_SOURCE_DIR "/rl/configs")) {
    const auto settings = read_training_settings(entry.path().string(), {});
    ASSERT_TRUE(settings) << entry.path() << ": " << settings.error().message;
    const File kept("");
    ASSERT_TRUE(write_file(kept.path(), settings->effective));
    const auto again = read_training_settings(kept.path(), {});  // as --resume and export do
    ASSERT_TRUE(again) << entry.path() << ": " << again.error().message;
    EXPECT_EQ(again->effective, settings->effective) << entry.path();
    ++seen;
  }
  EXPECT_GE(seen, 2u);
}

TEST(TrainingSettings, AreReadAndReadBackTheSame) {
  const File file(
      "name: demo\nseed: 7\niterations: 3\nnetwork: {hidden: [8, 4]}\n"
      "learning: {mixed: [1, 0.5], cold: 0.1}\ngmorl: {futures: 2}\n");
  const auto settings = read_training_settings(file.path(), {{"learning.batch", "64"}});
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->name, "demo");
  EXPECT_EQ(settings->train.seed, 7u);
  EXPECT_EQ(settings->learner.hidden, (std::vector<std::size_t>{8, 4}));
  EXPECT_EQ(settings->train.mixed, (std::vector<double>{1, 0.5}));
  EXPECT_EQ(settings->learner.batch, 64u);
  EXPECT_EQ(settings->problem.features, "gmorl/2");
  ASSERT_TRUE(write_file(file.path(), settings->effective));
  const auto again = read_training_settings(file.path(), {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->effective, settings->effective);
}

TEST(TrainingSettings, MistakesAreToldTogetherWithTheirLines) {
  const File file(
      "name: demo\nfoo: 1\nlearning:\n  batch: 0\n  mixed: [1, a]\ngmorl: {actions: 7}\n");
  const auto settings = read_training_settings(file.path(), {});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(settings.error().message,
              AllOf(HasSubstr(":4: foo is not a known setting"), HasSubstr(":6: learning.batch"),
                    HasSubstr(":7: learning.mixed"), HasSubstr(":8: gmorl.actions")));
}

TEST(TrainingSettings, WhatDoesNotGoTogetherIsRefused) {
  const auto refusal = [](const std::string& text) {
    const auto settings = read_training_settings(File("name: demo\n" + text).path(), {});
    return settings ? std::string() : settings.error().message;
  };
  EXPECT_THAT(refusal("problem: fleet\nfleet: {arrivals: 10, moments: 20}\n"),
              HasSubstr("fleet.moments"));
  EXPECT_THAT(refusal("problem: fleet\nfleet: {least_horizon: 9, most_horizon: 8}\n"),
              HasSubstr("fleet.least_horizon"));
  EXPECT_THAT(refusal("problem: fleet\nfleet: {most_nodes: 1}\n"), HasSubstr("fleet.most_nodes"));
  EXPECT_THAT(refusal("method: sac\ngmorl: {lambda: 0.01}\n"), HasSubstr("gmorl.lambda"));
  EXPECT_THAT(refusal("method: episodes\n"), HasSubstr("method"));
  EXPECT_EQ(refusal("method: sac\ngmorl: {lambda: 0}\n"), "");
  EXPECT_EQ(refusal("problem: fleet\nmethod: episodes\nepisodes: {spread: 0.2}\n"), "");
}

TEST(TrainingSettings, ANameThatNoBundleMayHaveAndAProblemThatIsNotKnownAreRefused) {
  const File file("name: Demo/1\nproblem: chess\n");
  const auto settings = read_training_settings(file.path(), {});
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().message,
              AllOf(HasSubstr("name"), HasSubstr("problem must be one of")));
}

TEST(TrainingSettings, AMissingFileIsNotFound) {
  const auto settings = read_training_settings("/nowhere/config.yaml", {});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace skerry::rl
