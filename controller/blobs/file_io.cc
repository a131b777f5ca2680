#include "controller/blobs/file_io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace skerry::blobs {

File::~File() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}
File::File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

std::unexpected<Error> io_error(std::string_view what, const std::filesystem::path& path,
                                int error_number) {
  const bool no_space = error_number == ENOSPC || error_number == EDQUOT;
  return fail(no_space ? ErrorCode::kStorageFull : ErrorCode::kIo,
              fmt::format("cannot {} {}: {}", what, path.string(),
                          std::system_category().message(error_number)));
}

Result<File> create_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0640);
  if (fd < 0) {
    return io_error("create", path, errno);
  }
  return File(fd);
}

Status write_all(const File& file, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.fd(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return io_error("write", path, errno);
    }
    bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return {};
}

Status sync_file(const File& file, const std::filesystem::path& path) {
  if (::fdatasync(file.fd()) != 0) {
    return io_error("sync", path, errno);
  }
  return {};
}

Status sync_directory(const std::filesystem::path& path) {
  const File directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0 || ::fsync(directory.fd()) != 0) {
    return io_error("sync", path, errno);
  }
  return {};
}

}  // namespace skerry::blobs
