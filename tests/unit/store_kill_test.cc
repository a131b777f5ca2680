// A process that commits without end is killed at any moment, or ends itself because a write
// failed: everything it was told is there.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "common/random.h"
#include "controller/store/rocks_store.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using testing::difference_from_known;
using ::testing::HasSubstr;
using testing::Reports;
using testing::rounds;
using testing::TempDirectory;

// The writer with a pipe from its standard output.
class Writer {
 public:
  explicit Writer(std::string path, std::string limit = "") {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = SKERRY_STORE_WRITER;
    const std::array<char*, 4> arguments{program.data(), path.data(),
                                         limit.empty() ? nullptr : limit.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    told_ = ends[0];
  }
  ~Writer() { ::close(told_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Kills it after so many times of being told; returns the last position told before it died.
  Position kill_after(int times) {
    Position last = 0;
    for (int i = 0; i < times; ++i) {
      last = next().value_or(last);
    }
    ::kill(pid_, SIGKILL);
    const auto [told, status] = wait_for_end();
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself with " << WEXITSTATUS(status);
    return std::max(last, told);
  }

  // Lets it end by itself; returns the last position told and the wait status.
  std::pair<Position, int> wait_for_end() {
    Position last = 0;
    while (const std::optional<Position> position = next()) {
      last = *position;
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    return {last, status};
  }

 private:
  std::optional<Position> next() const {
    Position position = 0;
    return ::read(told_, &position, sizeof position) == sizeof position ? std::optional(position)
                                                                        : std::nullopt;
  }

  pid_t pid_ = 0;
  int told_ = -1;
};

TEST(StoreKill, LosesNothingThatWasToldWheneverTheProcessIsKilled) {
  constexpr std::uint64_t kSeed = 20250607;
  SCOPED_TRACE(::testing::Message() << "seed " << kSeed);
  Random random(kSeed);
  TempDirectory directory;
  Position before = 0;
  for (int round = 0; round < rounds(40); ++round) {
    // Mostly soon, sometimes after a write buffer or two has been flushed.
    const auto times = 1 + random.below(round % 8 == 3 ? 400 : 40);
    const Position told = Writer(directory.path()).kill_after(static_cast<int>(times));
    EXPECT_GT(told, before);
    Reports reports;
    const auto store = open_rocks_store(reports.options(directory.path()));
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_GE((*store)->durable(), told);
    EXPECT_GE(reports.recovery().witness_position, told);
    EXPECT_EQ(difference_from_known(**store), "");
    before = (*store)->durable();
  }
}

TEST(StoreKill, EndsItselfWhenAWriteFailsAndLosesNothingThatWasTold) {
  TempDirectory directory;
  for (const int limit_kib : {800, 1025, 1500, 2333}) {
    const std::string path = directory.path(std::to_string(limit_kib));
    ::testing::internal::CaptureStderr();
    const auto [told, status] = Writer(path, std::to_string(limit_kib * 1024)).wait_for_end();
    EXPECT_THAT(::testing::internal::GetCapturedStderr(),
                HasSubstr("the store failed and the process ends"));
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), kFatalExitStatus);
    EXPECT_GT(told, 0U);
    Reports reports;
    const auto store = open_rocks_store(reports.options(path));
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_GE((*store)->durable(), told);
    EXPECT_EQ(difference_from_known(**store), "");
  }
}

}  // namespace
}  // namespace skerry::store
