// Tests of files that only their owner may see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/pki/secret_file.h"

namespace skerry::pki {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SecretFile : public testing::Test {
 protected:
  SecretFile() {
    std::string pattern = (fs::temp_directory_path() / "skerry-secret-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    path_ = (root_ / "key").string();
  }
  ~SecretFile() override { fs::remove_all(root_); }

  // The refusal of the file, which must be one.
  Error refusal(const std::string& path) const {
    const auto read = read_secret_file(path);
    EXPECT_FALSE(read);
    return read ? Error{} : read.error();
  }

  fs::path root_;
  std::string path_;
};

TEST_F(SecretFile, IsReadAsItWasWrittenAndReplacedAsAWhole) {
  ASSERT_TRUE(write_secret_file(path_, "first"));
  EXPECT_EQ(*read_secret_file(path_), "first");
  const std::string large(100'000, 'x');
  ASSERT_TRUE(write_secret_file(path_, large));
  EXPECT_EQ(*read_secret_file(path_), large);
  ASSERT_TRUE(write_secret_file(path_, ""));
  EXPECT_EQ(*read_secret_file(path_), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1);
}

TEST_F(SecretFile, IsForItsOwnerAloneWhateverTheUmask) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(write_secret_file(path_, "secret"));
  ASSERT_TRUE(make_secret_folder((root_ / "folder").string()));
  ::umask(before);
  struct stat facts{};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat((root_ / "folder").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0700u);
}

TEST_F(SecretFile, ThatOthersMayUseIsRefusedWithTheCommandThatSetsItRight) {
  ASSERT_TRUE(write_secret_file(path_, "secret"));
  for (const mode_t mode : {0640, 0604, 0660, 0620, 0610, 0601, 0644, 0777}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const Error error = refusal(path_);
    EXPECT_EQ(error.code, ErrorCode::kPermissionDenied);
    EXPECT_THAT(error.message, HasSubstr("chmod 600 '" + path_ + "'"));
    EXPECT_THAT(error.message, testing::Not(HasSubstr("secret,")));
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(read_secret_file(path_));
}

TEST_F(SecretFile, ThatIsALinkIsRefused) {
  ASSERT_TRUE(write_secret_file(path_, "secret"));
  const std::string link = (root_ / "link").string();
  fs::create_symlink(path_, link);
  EXPECT_THAT(refusal(link).message, HasSubstr("is a link"));
}

TEST_F(SecretFile, ALinkInItsPlaceIsReplacedAndNotFollowed) {
  const std::string elsewhere = (root_ / "elsewhere").string();
  std::ofstream(elsewhere) << "theirs";
  fs::create_symlink(elsewhere, path_);
  ASSERT_TRUE(write_secret_file(path_, "ours"));
  EXPECT_FALSE(fs::is_symlink(path_));
  std::ifstream in(elsewhere);
  std::string content;
  in >> content;
  EXPECT_EQ(content, "theirs");
}

TEST_F(SecretFile, ThatIsNoFileIsRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(refusal(path_).message, HasSubstr("not a regular file"));
  EXPECT_THAT(refusal(root_.string()).message, HasSubstr("not a regular file"));
}

TEST_F(SecretFile, OfAnotherUserIsRefused) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can give a file away";
  }
  ASSERT_TRUE(write_secret_file(path_, "secret"));
  ASSERT_EQ(::chown(path_.c_str(), 12345, 12345), 0);
  const Error error = refusal(path_);
  EXPECT_EQ(error.code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(error.message, HasSubstr("belongs to user 12345"));
}

TEST_F(SecretFile, ThatIsAbsentOrTooLargeIsSaidToBe) {
  EXPECT_EQ(refusal(path_).code, ErrorCode::kNotFound);
  ASSERT_TRUE(write_secret_file(path_, std::string(kMaxSecretFileBytes, 'x')));
  EXPECT_TRUE(read_secret_file(path_));
  ASSERT_TRUE(write_secret_file(path_, std::string(kMaxSecretFileBytes + 1, 'x')));
  EXPECT_EQ(refusal(path_).code, ErrorCode::kTooLarge);
}

TEST_F(SecretFile, IsNotLeftHalfWhereItCannotBeWritten) {
  EXPECT_EQ(write_secret_file((root_ / "absent" / "key").string(), "x").error().code,
            ErrorCode::kNotFound);
  fs::create_directory(path_);
  EXPECT_FALSE(write_secret_file(path_, "x"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1);
}

TEST_F(SecretFile, FolderThatOthersMayEnterIsRefused) {
  const std::string folder = (root_ / "a" / "b").string();
  ASSERT_TRUE(make_secret_folder(folder));
  EXPECT_TRUE(make_secret_folder(folder));
  ASSERT_EQ(::chmod(folder.c_str(), 0750), 0);
  const Status made = make_secret_folder(folder);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("chmod 700"));
  std::ofstream(path_) << "a file";
  EXPECT_FALSE(make_secret_folder(path_));
}

}  // namespace
}  // namespace skerry::pki
