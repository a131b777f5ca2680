// The agent's journal on a real file whose Nth call to the kernel fails, for every N: the calls that change
// files are wrapped at link time (agent/CMakeLists.txt).
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "agent/journal_file.h"
#include "agent/log_journal.h"
#include "agent/whole_file.h"
#include "tests/unit/agent_fakes.h"

namespace {

// One call fails with this error; one that says that there is no space is followed by others, until
// there is some. Calls come from one thread at a time: the test waits for each sync.
struct Kernel {
  int fails = 0;  // number of the call, from 1; 0: none
  int error = 0;
  int calls = 0;
  bool full = false;
  std::string failed{};

  bool refuses(const char* call, bool adds) {
    calls += 1;
    if (calls == fails) {
      failed = call;
      full = error == ENOSPC;
    } else if (!(full && adds)) {
      return false;
    }
    errno = error;
    return true;
  }
};
Kernel kernel;

}  // namespace

// The linker picks the names.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {
ssize_t __real_write(int fd, const void* bytes, size_t count);
ssize_t __wrap_write(int fd, const void* bytes, size_t count) {
  if (kernel.refuses("write", true)) {
    const int error = errno;
    __real_write(fd, bytes, count / 2);  // torn
    errno = error;
    return -1;
  }
  return __real_write(fd, bytes, count);
}
int __real_fsync(int fd);
int __wrap_fsync(int fd) { return kernel.refuses("fsync", false) ? -1 : __real_fsync(fd); }
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd) {
  return kernel.refuses("fdatasync", false) ? -1 : __real_fdatasync(fd);
}
int __real_rename(const char* from, const char* to);
int __wrap_rename(const char* from, const char* to) {
  return kernel.refuses("rename", true) ? -1 : __real_rename(from, to);
}
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size) {
  return kernel.refuses("ftruncate", false) ? -1 : __real_ftruncate(fd, size);
}
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace skerry::agent {
namespace {

using Refs = std::pair<std::vector<AttemptRef>, std::vector<AttemptRef>>;  // accepted, spooled

constexpr int kSteps = 40;

AttemptRef ref(std::uint64_t n) { return {.job = {n}, .number = 1, .uid = {.high = 7, .low = n}}; }

Refs refs_of(const Journal& journal) { return {journal.accepted_refs(), journal.spooled_refs()}; }

// An agent's life with this journal, until the end of its process or of its trust in the disk.
class Life {
 public:
  Life() {
    std::string name = std::filesystem::temp_directory_path() / "skerry-faults-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      std::abort();
    }
    folder_ = name;
    file_.emplace(folder_, io_.get_executor(), [this](bool well) {
      journal_.synced(well, now_);
      syncing_ = false;
    });
    EXPECT_TRUE(file_->read().has_value());
  }
  ~Life() {
    file_.reset();
    std::filesystem::remove_all(folder_);
  }

  void run() {
    for (int step = 0; step < kSteps && !journal_.failed(); ++step) {
      change(step);
      now_ += milliseconds(10);
      journal_.settle(now_);
      note();
      if (journal_.next_timer() <= now_) {
        on_time();
      }
    }
  }

  // There is space again.
  void go_on() {
    kernel = {};
    now_ += seconds(5);
    on_time();
    journal_.settle(now_);
    note();
  }

  const LogJournal& journal() const { return journal_; }
  const Refs& written() const { return written_; }
  Refs changed() const { return changed_; }

  // What the next process finds.
  Refs found() {
    file_->close();
    JournalFile file(folder_, io_.get_executor(), [](bool) {});
    LogJournal journal({}, file);
    journal.restore(file.read().value());
    return refs_of(journal);
  }

 private:
  struct Disk final : JournalDisk {
    explicit Disk(Life& life) : life(life) {}
    DiskAnswer append(std::string_view bytes) override { return life.file_->append(bytes); }
    void sync() override {
      life.syncing_ = true;
      life.file_->sync();
    }
    DiskAnswer replace(std::string_view bytes) override { return life.file_->replace(bytes); }
    Life& life;
  };

  void change(int step) {
    const auto n = static_cast<std::uint64_t>(step);
    if (step % 3 == 0) {
      AcceptedAttempt attempt{
          .assign = {.attempt = ref(n), .model = "m", .variant = "only", .manifest_revision = 1},
          .manifest = testing::noop_manifest(1),
          .received = now_};
      attempt.assign.input = Payload::inlined(std::string(300, 'i'));
      journal_.accept(std::move(attempt));
    } else if (step % 3 == 1) {
      Ended result{.attempt = ref(n - 1)};
      result.output = Payload::inlined(std::string(200, 'o'));
      journal_.finish(std::move(result));
    } else if (step % 2 == 0) {
      journal_.forget(ref(n - 2).uid);
    }
    changed_ = refs_of(journal_);
  }

  void note() {
    if (!journal_.failed() && !journal_.full()) {
      written_ = refs_of(journal_);
    }
  }

  void on_time() {
    journal_.on_time(now_);
    while (syncing_) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
  }

  std::string folder_;
  boost::asio::io_context io_;
  std::optional<JournalFile> file_;
  Disk disk_{*this};
  LogJournal journal_{{.least_rewrite_bytes = 2048}, disk_};
  Instant now_{};
  bool syncing_ = false;
  Refs written_;
  Refs changed_;
};

class AgentDiskFaults : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(, AgentDiskFaults, ::testing::Values(EIO, ENOSPC));

TEST_P(AgentDiskFaults, WhatWasWrittenIsThereWhicheverCallFailsAndAFailedDiskIsNotTrustedAgain) {
  int failed = 0, full = 0;
  bool over = false;
  for (int n = 1; !over; ++n) {
    kernel = {.fails = n, .error = GetParam()};
    Life life;
    life.run();
    over = kernel.failed.empty();
    SCOPED_TRACE(::testing::Message() << "call " << n << ": " << kernel.failed);
    const std::string call = kernel.failed;
    if (life.journal().failed()) {
      failed += 1;
      const JournalPosition durable = life.journal().durable();
      life.go_on();
      EXPECT_EQ(life.journal().durable(), durable);  // though the disk works again
      const Refs found = life.found();
      EXPECT_TRUE(found == life.written() || found == life.changed());
      continue;
    }
    full += over ? 0 : 1;
    EXPECT_TRUE(over || GetParam() == ENOSPC);
    EXPECT_TRUE(call != "fdatasync") << "a failed sync was taken for well";
    life.go_on();
    EXPECT_FALSE(life.journal().full());
    EXPECT_EQ(life.found(), life.changed());
  }
  EXPECT_GE(failed, 3);
  EXPECT_EQ(full > 10, GetParam() == ENOSPC);
  kernel = {};
}

// The new file has its name already, so nothing can be said of the old one any more.
TEST(AgentDiskFaultsOfFiles, ADirectoryThatWasNotSyncedIsAFailureAlsoForWantOfSpace) {
  const std::string folder = std::filesystem::temp_directory_path();
  kernel = {.fails = 4, .error = ENOSPC};  // write, fsync, rename, fsync
  const Status replaced = replace_whole_file(folder, "skerry-faults-whole", "content");
  EXPECT_EQ(kernel.failed, "fsync");
  kernel = {};
  ASSERT_FALSE(replaced.has_value());
  EXPECT_EQ(replaced.error().code, ErrorCode::kIo);
  ::unlink((folder + "/skerry-faults-whole").c_str());
}

}  // namespace
}  // namespace skerry::agent
