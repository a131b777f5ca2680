#include "common/pki/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/digest.h"
#include "common/secrets/descriptor.h"

namespace skerry::pki {
namespace {

using secrets::Descriptor;

std::unexpected<Error> io_error(const char* what, const std::string& path, int error) {
  return fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

std::unexpected<Error> unsafe(std::string message) {
  return fail(ErrorCode::kPermissionDenied, std::move(message));
}

// Nobody else may own it or be allowed anything.
Status check_private(const struct stat& facts, const std::string& path, const char* mode) {
  if (facts.st_uid != ::geteuid()) {
    return unsafe(fmt::format("{} belongs to user {} and this is user {}: chown {} '{}'", path,
                              facts.st_uid, ::geteuid(), ::geteuid(), path));
  }
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return unsafe(
        fmt::format("{} has mode {:04o}, so others than its owner may use it: chmod {} "
                    "'{}'",
                    path, facts.st_mode & 07777, mode, path));
  }
  return {};
}

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

// 0, or the error; the file is then there and synced.
int write_new(const std::string& path, std::string_view content) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) {
    return errno;
  }
  if (const int error = write_all(file.get(), content); error != 0) {
    return error;
  }
  return ::fsync(file.get()) == 0 ? 0 : errno;
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// That a file has this name, or has it no more.
Status sync_name(const std::string& path) {
  const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.is_open() && ::fsync(folder.get()) == 0
             ? Status()
             : io_error("sync the folder of", path, errno);
}

}  // namespace

Result<std::string> read_secret_file(const std::string& path) {
  // Not blocking on a pipe that was put there instead.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ELOOP) {
      return unsafe(fmt::format("{} is a link: name the file itself", path));
    }
    return io_error("read", path, errno);
  }
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) {
    return io_error("read", path, errno);
  }
  if (!S_ISREG(facts.st_mode)) {
    return unsafe(fmt::format("{} is not a regular file", path));
  }
  if (Status safe = check_private(facts, path, "600"); !safe) {
    return fail(std::move(safe).error());
  }
  std::string content(kMaxSecretFileBytes + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 1;
  while (got != 0 && size < content.size()) {
    got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno != EINTR) {
      return io_error("read", path, errno);
    }
    size += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  if (size > kMaxSecretFileBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("{} has more than {} bytes", path, kMaxSecretFileBytes));
  }
  content.resize(size);
  return content;
}

Status write_secret_file(const std::string& path, std::string_view content) {
  const std::string fresh = fmt::format("{}.{}.new", path, to_hex(random_bytes(8)));
  int error = write_new(fresh, content);
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    ::unlink(fresh.c_str());
    return io_error("write", path, error);
  }
  return sync_name(path);
}

Status remove_secret_file(const std::string& path) {
  return ::unlink(path.c_str()) == 0 ? sync_name(path) : io_error("remove", path, errno);
}

Status make_secret_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(folder_of(path), error);
  const bool made = !error && ::mkdir(path.c_str(), 0700) == 0;
  if (!made && (error || errno != EEXIST)) {
    return io_error("make the folder", path, error ? error.value() : errno);
  }
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts{};
  if (!folder.is_open() || ::fstat(folder.get(), &facts) != 0) {
    return io_error("use the folder", path, errno);
  }
  if (Status safe = check_private(facts, path, "700"); !safe) {
    return safe;
  }
  return made ? sync_name(path) : Status();
}

}  // namespace skerry::pki
