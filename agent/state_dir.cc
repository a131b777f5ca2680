#include "agent/state_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <utility>

#include "agent/whole_file.h"
#include "common/crc32c.h"
#include "common/digest.h"

namespace skerry::agent {
namespace {

constexpr std::size_t kIdentityBytes = 16;
constexpr std::size_t kIdentityDigits = 2 * kIdentityBytes;

std::unexpected<Error> io_error(const char* what, const std::string& path) {
  return fail(ErrorCode::kIo, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

}  // namespace

Result<StateDir> StateDir::open(const std::string& path) {
  std::error_code wrong;
  std::filesystem::create_directories(path + "/blobs", wrong);
  if (wrong) {
    return fail(ErrorCode::kIo, fmt::format("cannot make {}/blobs: {}", path, wrong.message()));
  }
  const std::string lock = path + "/lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return io_error("open", lock);
  }
  StateDir state(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kConflict, fmt::format("another agent uses {}", path));
  }
  if (Status status = state.read(); !status) {
    return fail(std::move(status).error());
  }
  if (state.identity_.empty()) {
    state.identity_ = to_hex(random_bytes(kIdentityBytes));
  }
  ++state.incarnation_;
  if (Status status = state.write(); !status) {
    return fail(std::move(status).error());
  }
  return state;
}

StateDir::StateDir(StateDir&& other) noexcept
    : path_(std::move(other.path_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)),
      identity_(std::move(other.identity_)),
      incarnation_(other.incarnation_),
      newest_epoch_(other.newest_epoch_) {}

StateDir::~StateDir() {
  if (lock_fd_ >= 0) {
    ::close(lock_fd_);
  }
}

// With its checksum; or as an older version or somebody's hand wrote it: without, and perhaps without an
// identity, but then nothing else.
Status StateDir::read() {
  if (!std::filesystem::exists(path_ + "/state")) {
    return {};  // the first start
  }
  const auto content = read_whole_file(path_ + "/state");
  if (!content) {
    return fail(content.error());
  }
  std::istringstream words(*content);
  std::string incarnation_word, epoch_word, identity_word, check_word;
  words >> incarnation_word >> incarnation_ >> epoch_word >> newest_epoch_.value;
  const bool numbers = !words.fail() && incarnation_word == "incarnation" && epoch_word == "epoch";
  const bool identified = numbers && words >> identity_word && identity_word == "identity" &&
                          words >> identity_ && identity_.size() == kIdentityDigits;
  const bool checked = identified && words >> check_word;
  if (!numbers || (!identified && !identity_word.empty()) || (checked && *content != text())) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("{}/state is damaged: write 'incarnation N epoch M' into it, N larger than "
                    "any before, or give the agent another name and directory",
                    path_));
  }
  return {};
}

std::string StateDir::text() const {
  const std::string said = fmt::format("incarnation {}\nepoch {}\nidentity {}\n", incarnation_,
                                       newest_epoch_.value, identity_);
  return said + fmt::format("check {:08x}\n", crc32c(said));
}

Status StateDir::write() const { return replace_whole_file(path_, "state", text()); }

Status StateDir::save_epoch(Epoch epoch) {
  const Epoch before = std::exchange(newest_epoch_, epoch);
  Status written = write();
  newest_epoch_ = written ? epoch : before;
  return written;
}

}  // namespace skerry::agent
