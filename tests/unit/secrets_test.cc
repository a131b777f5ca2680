// Tests of common/secrets: what is read and what is refused, and secrets that follow their files.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/secrets/given_file.h"
#include "common/secrets/given_secrets.h"
#include "tests/unit/secret_folder.h"

namespace skerry::secrets {
namespace {

using testing::HasSubstr;

using Folder = tests::SecretFolder;

TEST(GivenFile, IsReadIfItIsItsOwnersAlone) {
  const Folder folder;
  EXPECT_EQ(*read_given_file(folder.write("a", "secret\n", 0600)), "secret\n");
  EXPECT_EQ(*read_given_file(folder.write("b", "", 0400)), "");
}

TEST(GivenFile, IsRefusedIfOthersMayReadOrWriteIt) {
  const Folder folder;
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0666, 0777}) {
    const auto read = read_given_file(folder.write("a", "secret", mode));
    ASSERT_FALSE(read) << mode;
    EXPECT_EQ(read.error().code, ErrorCode::kPermissionDenied);
    EXPECT_THAT(read.error().message, HasSubstr("chmod 600"));
    EXPECT_THAT(read.error().message, HasSubstr(fmt::format("{:04o}", mode)));
  }
}

TEST(GivenFile, OthersThanRegularFilesOfSomeSizeAreRefused) {
  const Folder folder;
  EXPECT_EQ(read_given_file(folder.path("none")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_given_file(folder.path("")).error().code, ErrorCode::kIo);
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_given_file(folder.path("pipe")).error().code, ErrorCode::kIo);
  const std::string large(kMostGivenBytes + 1, 'x');
  EXPECT_EQ(read_given_file(folder.write("large", large)).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(read_given_file(folder.write("full", large.substr(1)))->size(), kMostGivenBytes);
}

class HandClock final : public Clock {
 public:
  Instant now() override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Instant now_ = Instant(seconds(1000));
};

class GivenSecretsTest : public testing::Test {
 protected:
  static std::string text(char of) { return std::string(32, of); }
  std::unique_ptr<GivenSecrets> open(std::vector<std::string> paths) {
    auto opened =
        GivenSecrets::open(std::move(paths), clock_, [this](bool good, std::string_view what) {
          said_.emplace_back(fmt::format("{} {}", good ? "good" : "bad", what));
        });
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }
  Error refused(std::vector<std::string> paths) {
    auto opened = GivenSecrets::open(std::move(paths), clock_, [](bool, std::string_view) {});
    return opened ? Error{} : opened.error();
  }

  Folder folder_;
  HandClock clock_;
  std::vector<std::string> said_;
};

TEST_F(GivenSecretsTest, AFileIsFoundByWhatItHolds) {
  const auto given =
      open({folder_.write("a", text('a')), folder_.write("b", text('b') + "\r\n\n")});
  EXPECT_EQ(given->find(text('a')), 0u);
  EXPECT_EQ(given->find(text('b')), 1u);
  EXPECT_EQ(given->find(text('c')), std::nullopt);
  EXPECT_EQ(given->find(""), std::nullopt);
}

TEST_F(GivenSecretsTest, WhatIsShortLongOrNoLineIsRefusedByItsName) {
  for (const std::string& bad :
       {std::string(), std::string(31, 'a'), std::string(257, 'a'), text('a') + " " + text('a'),
        text('a') + "\n" + text('b'), text('a') + "\xc3\xa9"}) {
    const Error error = refused({folder_.write("a", bad)});
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << bad;
    EXPECT_THAT(error.message, HasSubstr(folder_.path("a")));
    EXPECT_THAT(error.message, testing::Not(HasSubstr("aaaa")));
  }
  EXPECT_EQ(refused({folder_.path("none")}).code, ErrorCode::kNotFound);
  EXPECT_EQ(refused({folder_.write("a", text('a'), 0644)}).code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused({folder_.write("a", text('a')), folder_.write("b", text('a'))}).message,
              HasSubstr("the same secret"));
}

TEST_F(GivenSecretsTest, ANewContentCountsASecondLaterAndTheOldOneNoMore) {
  const auto given = open({folder_.write("a", text('a'))});
  folder_.write("a", text('b'));
  EXPECT_EQ(given->find(text('a')), 0u) << "it has just been looked at";
  clock_.advance(seconds(1));
  EXPECT_EQ(given->find(text('a')), std::nullopt);
  EXPECT_EQ(given->find(text('b')), 0u);
  EXPECT_THAT(said_, testing::ElementsAre(HasSubstr("good")));
}

TEST_F(GivenSecretsTest, AFileThatComesToHoldAnothersSecretIsOutOfUse) {
  const auto given = open({folder_.write("a", text('a')), folder_.write("b", text('b'))});
  folder_.write("b", text('a'));
  clock_.advance(seconds(1));
  EXPECT_EQ(given->find(text('a')), 0u);
  EXPECT_EQ(given->find(text('b')), std::nullopt);
  EXPECT_THAT(said_, testing::ElementsAre(HasSubstr("the same secret")));
}

TEST_F(GivenSecretsTest, AFileThatIsGoneOrBadTakesItsSecretAlongAndComesBack) {
  const auto given = open({folder_.write("a", text('a')), folder_.write("b", text('b'))});
  std::filesystem::remove(folder_.path("a"));
  clock_.advance(seconds(1));
  EXPECT_EQ(given->find(text('a')), std::nullopt);
  EXPECT_EQ(given->find(""), std::nullopt);
  EXPECT_EQ(given->find(text('b')), 1u);
  clock_.advance(seconds(1));
  EXPECT_EQ(given->find(text('a')), std::nullopt);
  EXPECT_THAT(said_, testing::ElementsAre(HasSubstr("bad"))) << "it is said once";
  folder_.write("a", text('a'));
  clock_.advance(seconds(1));
  EXPECT_EQ(given->find(text('a')), 0u);
}

}  // namespace
}  // namespace skerry::secrets
