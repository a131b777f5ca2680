// The journal's file on a real disk: what is there after a restart, that it can be synced, and a disk
// without space.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "agent/journal_file.h"
#include "agent/whole_file.h"

namespace skerry::agent {
namespace {

struct JournalFileTest : ::testing::Test {
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "skerry-journal-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override {
    if (mounted) {
      ::umount(folder.c_str());
    }
    std::filesystem::remove_all(folder);
  }
  // A new process's.
  std::unique_ptr<JournalFile> open() {
    return std::make_unique<JournalFile>(folder, io.get_executor(),
                                         [this](bool well) { synced = well; });
  }
  bool sync(JournalFile& file) {
    synced.reset();
    file.sync();
    while (!synced) {
      io.restart();
      io.run_for(std::chrono::milliseconds(10));
    }
    return *synced;
  }

  std::string folder;
  bool mounted = false;
  boost::asio::io_context io;
  std::optional<bool> synced;
};

TEST_F(JournalFileTest, AnotherProcessFindsWhatWasWrittenAndCanSyncIt) {
  const auto first = open();
  EXPECT_EQ(*first->read(), "");
  EXPECT_EQ(first->replace("one "), DiskAnswer::kDone);
  EXPECT_EQ(first->append("two "), DiskAnswer::kDone);
  EXPECT_TRUE(sync(*first));
  EXPECT_EQ(first->replace("three "), DiskAnswer::kDone);
  EXPECT_EQ(first->append("four"), DiskAnswer::kDone);
  const auto second = open();
  EXPECT_EQ(*second->read(), "three four");
  EXPECT_TRUE(sync(*second));  // before it has written anything itself
}

TEST_F(JournalFileTest, WhatIsDamagedIsKeptBesideIt) {
  const auto file = open();
  EXPECT_TRUE(file->keep_damaged("torn").has_value());
  EXPECT_EQ(*read_whole_file(folder + "/journal.damaged"), "torn");
}

TEST_F(JournalFileTest, AFullDiskKeepsWhatItHadAndTakesMoreWhenThereIsSpace) {
  mounted = ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") == 0;
  if (!mounted) {
    GTEST_SKIP() << "a small file system can only be mounted by root";
  }
  const auto file = open();
  EXPECT_EQ(*file->read(), "");
  ASSERT_EQ(file->replace("kept"), DiskAnswer::kDone);
  const std::string much(100'000, 'x');
  EXPECT_EQ(file->append(much), DiskAnswer::kFull);
  EXPECT_EQ(*read_whole_file(folder + "/journal"), "kept");
  EXPECT_EQ(file->replace(much), DiskAnswer::kFull);
  EXPECT_EQ(*read_whole_file(folder + "/journal"), "kept");
  EXPECT_EQ(file->append(" and more"), DiskAnswer::kDone);
  EXPECT_EQ(*read_whole_file(folder + "/journal"), "kept and more");
}

}  // namespace
}  // namespace skerry::agent
