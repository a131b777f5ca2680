#include "common/secrets/given_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/secrets/descriptor.h"

namespace skerry::secrets {
namespace {

Status check_modes(const std::string& path, const struct stat& file) {
  const mode_t open_to_others = file.st_mode & (S_IRWXG | S_IRWXO);
  const bool mounted = file.st_uid == 0 && ::geteuid() != 0 && open_to_others == S_IRGRP;
  if (open_to_others != 0 && !mounted) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("'{}' holds a secret and others may read or write it (mode {:04o}): "
                            "chmod 600 it",
                            path, file.st_mode & 07777u));
  }
  return {};
}

}  // namespace

Result<std::string> read_given_file(const std::string& path) {
  const auto io_error = [&](int error) {
    return fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("cannot read '{}': {}", path, std::strerror(error)));
  };
  // A pipe would hold the process up.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts{};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0) {
    return io_error(errno);
  }
  if (!S_ISREG(facts.st_mode)) {
    return fail(ErrorCode::kIo, fmt::format("'{}' is not a regular file", path));
  }
  if (Status checked = check_modes(path, facts); !checked) {
    return fail(std::move(checked).error());
  }
  std::string content(kMostGivenBytes + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno != EINTR) {
      return io_error(errno);
    }
    if (got == 0) {
      break;
    }
    size += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  if (size > kMostGivenBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("'{}' is larger than {} bytes", path, kMostGivenBytes));
  }
  content.resize(size);
  return content;
}

}  // namespace skerry::secrets
