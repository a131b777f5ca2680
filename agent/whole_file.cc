#include "agent/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace skerry::agent {

namespace {

std::unexpected<Error> io_error(const char* what, const std::string& path, int error) {
  return fail(error == ENOSPC || error == EDQUOT ? ErrorCode::kNoCapacity : ErrorCode::kIo,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

// 0, or the error.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno != EINTR) {
      return errno;
    }
    bytes.remove_prefix(wrote > 0 ? static_cast<std::size_t>(wrote) : 0);
  }
  return 0;
}

}  // namespace

Result<std::string> read_whole_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return errno == ENOENT ? Result<std::string>(std::string()) : io_error("read", path, errno);
  }
  std::string content;
  char part[64 * 1024];
  ssize_t got = 0;
  while ((got = ::read(fd, part, sizeof(part))) > 0 || (got < 0 && errno == EINTR)) {
    content.append(part, got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  const int error = errno;
  ::close(fd);
  return got < 0 ? io_error("read", path, error) : Result<std::string>(std::move(content));
}

Status replace_whole_file(const std::string& directory, const std::string& name,
                          std::string_view content) {
  const std::string path = directory + "/" + name;
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    return io_error("write", fresh, errno);
  }
  int error = write_all(fd, content);
  if (error == 0 && ::fsync(fd) != 0) {
    error = errno;
  }
  ::close(fd);
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    ::unlink(fresh.c_str());
    return io_error("write", path, error);
  }
  const int parent = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = parent >= 0 && ::fsync(parent) == 0;
  error = errno;
  if (parent >= 0) {
    ::close(parent);
  }
  // Not kNoCapacity, whatever it says: the new file has its name already.
  return synced ? Status{}
                : fail(ErrorCode::kIo,
                       fmt::format("cannot sync {}: {}", directory, std::strerror(error)));
}

}  // namespace skerry::agent
