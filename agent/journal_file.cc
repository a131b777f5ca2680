#include "agent/journal_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "agent/whole_file.h"

namespace skerry::agent {

namespace {

constexpr const char* kName = "journal";

}  // namespace

JournalFile::JournalFile(std::string directory, boost::asio::any_io_executor strand, Synced synced)
    : directory_(std::move(directory)), strand_(std::move(strand)), synced_(std::move(synced)) {}

JournalFile::~JournalFile() {
  close();
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void JournalFile::close() { syncer_.join(); }

Result<std::string> JournalFile::read() {
  const std::string path = directory_ + "/" + kName;
  auto content = read_whole_file(path);
  if (content && !content->empty()) {
    fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);  // what is there may be synced
  }
  return content;
}

Status JournalFile::keep_damaged(std::string_view bytes) const {
  return replace_whole_file(directory_, std::string(kName) + ".damaged", bytes);
}

// All of it or nothing: what was written in part is cut off again.
DiskAnswer JournalFile::append(std::string_view bytes) {
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  std::string_view rest = bytes;
  while (before >= 0 && !rest.empty()) {
    const ssize_t wrote = ::write(fd_, rest.data(), rest.size());
    if (wrote < 0 && errno != EINTR) {
      const bool no_space = errno == ENOSPC || errno == EDQUOT;
      return no_space && ::ftruncate(fd_, before) == 0 ? DiskAnswer::kFull : DiskAnswer::kFailed;
    }
    rest.remove_prefix(wrote > 0 ? static_cast<std::size_t>(wrote) : 0);
  }
  return before >= 0 ? DiskAnswer::kDone : DiskAnswer::kFailed;
}

void JournalFile::sync() {
  // A descriptor of its own: the file may be replaced meanwhile, durably.
  const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  boost::asio::post(syncer_, [this, fd] {
    const bool well = fd >= 0 && ::fdatasync(fd) == 0;
    if (fd >= 0) {
      ::close(fd);
    }
    boost::asio::post(strand_, [this, well] { synced_(well); });
  });
}

DiskAnswer JournalFile::replace(std::string_view bytes) {
  if (const Status written = replace_whole_file(directory_, kName, bytes); !written) {
    return written.error().code == ErrorCode::kNoCapacity ? DiskAnswer::kFull : DiskAnswer::kFailed;
  }
  const int fresh = ::open((directory_ + "/" + kName).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fresh < 0) {
    return DiskAnswer::kFailed;
  }
  if (fd_ >= 0) {
    ::close(fd_);
  }
  fd_ = fresh;
  return DiskAnswer::kDone;
}

}  // namespace skerry::agent
