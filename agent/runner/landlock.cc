#include "agent/runner/landlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace skerry::runner {

namespace {

// As linux/landlock.h of 6.12 has them; the headers of Debian 12 know the first two versions only, and the numbers of the
// calls are the same on every architecture.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr std::uint32_t kAskVersion = 1;
constexpr int kPathBeneath = 1;

constexpr std::uint64_t kWriteFile = 1u << 1;
constexpr std::uint64_t kReadFile = 1u << 2;
constexpr std::uint64_t kReadDir = 1u << 3;
constexpr std::uint64_t kRemoveDir = 1u << 4;
constexpr std::uint64_t kRemoveFile = 1u << 5;
constexpr std::uint64_t kMakeDir = 1u << 7;
constexpr std::uint64_t kMakeReg = 1u << 8;
constexpr std::uint64_t kRefer = 1u << 13;
constexpr std::uint64_t kTruncate = 1u << 14;
constexpr std::uint64_t kIoctlDev = 1u << 15;

constexpr std::uint64_t kRead = kReadFile | kReadDir;
constexpr std::uint64_t kUse = kReadFile | kWriteFile | kIoctlDev;
constexpr std::uint64_t kOwn =
    kRead | kWriteFile | kRemoveDir | kRemoveFile | kMakeDir | kMakeReg | kTruncate;
constexpr std::uint64_t kOfFiles = kReadFile | kWriteFile | kTruncate | kIoctlDev;

struct Ruleset {
  std::uint64_t files = 0;
  std::uint64_t network = 0;  // from version 4 on
  std::uint64_t scoped = 0;   // from version 6 on
};

// The kernel reads it packed.
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed = 0;
  std::int32_t folder = -1;
};

// All that a version knows is handled: what no rule allows is then forbidden.
Ruleset handled_by(int version) {
  Ruleset all{.files = kRefer - 1};
  all.files |= version >= 2 ? kRefer : 0;
  all.files |= version >= 3 ? kTruncate : 0;
  all.network = version >= 4 ? 3 : 0;  // bind and connect of TCP
  all.files |= version >= 5 ? kIoctlDev : 0;
  all.scoped = version >= 6 ? 3 : 0;  // abstract sockets, signals
  return all;
}

std::size_t size_for(int version) {
  return (version >= 6 ? 3 : (version >= 4 ? 2 : 1)) * sizeof(std::uint64_t);
}

// What is not there needs no rule.
bool allow(int ruleset, const std::string& path, std::uint64_t access) {
  const int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) {
    return errno == ENOENT || errno == EACCES;
  }
  struct stat found = {};
  const bool folder = fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
  const PathBeneath rule{.allowed = folder ? access : access & kOfFiles, .folder = fd};
  const bool added = rule.allowed == 0 || syscall(kAddRule, ruleset, kPathBeneath, &rule, 0) == 0;
  close(fd);
  return added;
}

bool allow_all(int ruleset, const Places& places, bool jailed, std::uint64_t handled) {
  bool added = !jailed || (allow(ruleset, "/", kRead) && allow(ruleset, kScratch, kOwn & handled));
  for (const std::string& path : places.readable) {
    added = added && (jailed || allow(ruleset, path, kRead));
  }
  for (const std::string& path : places.devices) {
    added = added && allow(ruleset, path, kUse & handled);
  }
  return added;
}

Status refused(const char* what) {
  return fail(ErrorCode::kUnsupported,
              fmt::format("cannot {} Landlock: {}", what, std::strerror(errno)));
}

}  // namespace

int landlock_version() {
  const long version = syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

Status enter_landlock(const Places& places, bool jailed) {
  const int version = landlock_version();
  if (version == 0) {
    return refused("use");
  }
  const Ruleset all = handled_by(version);
  const int ruleset = static_cast<int>(syscall(kCreateRuleset, &all, size_for(version), 0));
  if (ruleset < 0) {
    return refused("prepare");
  }
  Status entered;
  if (!allow_all(ruleset, places, jailed, all.files)) {
    entered = refused("add a rule to");
  } else if (syscall(kRestrictSelf, ruleset, 0) != 0) {
    entered = refused("enter");
  }
  close(ruleset);
  return entered;
}

}  // namespace skerry::runner
