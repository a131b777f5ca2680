#include "cli/key_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace skerry::cli {

namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOthers = 0077;
constexpr std::size_t kMostBytes = 64 * 1024;

struct File {
  int fd;
  explicit File(int opened) : fd(opened) {}
  ~File() {
    if (fd >= 0) {
      ::close(fd);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

std::unexpected<Error> failed(const char* what, const std::string& path) {
  const ErrorCode code = errno == ENOENT   ? ErrorCode::kNotFound
                         : errno == EEXIST ? ErrorCode::kAlreadyExists
                                           : ErrorCode::kIo;
  return fail(code, fmt::format("cannot {} '{}': {}", what, path, std::strerror(errno)));
}

}  // namespace

Status write_key_file(const std::string& path, const PrivateKey& key) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
  if (file.fd < 0) {
    return failed("create", path);
  }
  const std::string pem = key.pem();
  // The mode again, in case the file system gave it another.
  if (::fchmod(file.fd, kOwnerOnly) != 0 ||
      ::write(file.fd, pem.data(), pem.size()) != static_cast<ssize_t>(pem.size()) ||
      ::fsync(file.fd) != 0) {
    auto error = failed("write", path);
    ::unlink(path.c_str());
    return error;
  }
  return {};
}

Result<PrivateKey> read_key_file(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) {
    return failed("open", path);
  }
  if (!S_ISREG(status.st_mode) || (status.st_mode & kOthers) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("'{}' is not its owner's alone, as a private key must be: chmod 600 {}",
                            path, path));
  }
  std::string pem(kMostBytes, '\0');
  const ssize_t got = ::read(file.fd, pem.data(), pem.size());
  if (got < 0) {
    return failed("read", path);
  }
  pem.resize(static_cast<std::size_t>(got));
  auto key = PrivateKey::from_pem(pem);
  if (!key) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("'{}': {}", path, key.error().message));
  }
  return key;
}

}  // namespace skerry::cli
