// A process that commits without end is killed at any moment: everything it was told is there.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "common/random.h"
#include "controller/store/rocks_store.h"
#include "tests/unit/store_world.h"

namespace skerry::store {
namespace {

using testing::difference_from_known;
using testing::Reports;
using testing::rounds;
using testing::TempDirectory;

// The writer with a pipe from its standard output.
class Writer {
 public:
  explicit Writer(std::string path) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = SKERRY_STORE_WRITER;
    const std::array<char*, 3> arguments{program.data(), path.data(), nullptr};
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
    while (const std::optional<Position> position = next()) {
      last = *position;
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself with " << WEXITSTATUS(status);
    return last;
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
    const auto times = 1 + random.below(round % 8 == 3 ? 3000 : 60);
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

}  // namespace
}  // namespace skerry::store
