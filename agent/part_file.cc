#include "agent/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>

namespace skerry::agent {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr mode_t kOwnerOnly = 0600;

std::unexpected<Error> io_error(const char* what, const std::string& path) {
  const int code = errno;
  return fail(code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("{} {}: {}", what, path, std::strerror(code)));
}

struct Descriptor {
  int fd;
  ~Descriptor() { ::close(fd); }
};

// Feeds a file to `take`, from where the descriptor stands.
Status read_all(int fd, const std::string& path,
                const std::function<void(std::string_view)>& take) {
  const auto buffer = std::make_unique<char[]>(kReadBytes);
  for (;;) {
    const ssize_t count = ::read(fd, buffer.get(), kReadBytes);
    if (count > 0) {
      take({buffer.get(), static_cast<std::size_t>(count)});
    } else if (count == 0) {
      return {};
    } else if (errno != EINTR) {
      return io_error("cannot read", path);
    }
  }
}

}  // namespace

std::string blob_path(const std::string& directory, const std::string& digest) {
  std::string name = digest;
  name[name.find(':')] = '-';
  return directory + "/" + name;
}

Status verify_blob(const std::string& directory, const std::string& digest) {
  const std::string path = blob_path(directory, digest);
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    return io_error("cannot open", path);
  }
  Sha256 hash;
  if (Status read = read_all(file.fd, path, [&](std::string_view bytes) { hash.update(bytes); });
      !read) {
    return read;
  }
  if (const std::string found = hash.finish(); found != digest) {
    ::unlink(path.c_str());
    return fail(ErrorCode::kCorrupt, fmt::format("{} holds {} and was removed", path, found));
  }
  return {};
}

Result<std::string> read_blob(const std::string& directory, const std::string& digest) {
  const std::string path = blob_path(directory, digest);
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    return io_error("cannot open", path);
  }
  std::string content;
  if (Status read = read_all(file.fd, path, [&](std::string_view bytes) { content.append(bytes); });
      !read) {
    return fail(std::move(read).error());
  }
  return content;
}

Result<PartFile> PartFile::open(const std::string& directory, const std::string& digest) {
  const std::string path = blob_path(directory, digest);
  const std::string part = path + ".part";
  const int fd = ::open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (fd < 0) {
    return io_error("cannot open", part);
  }
  PartFile file(path, digest, fd);
  const Status read = read_all(fd, part, [&](std::string_view bytes) {
    file.hash_.update(bytes);
    file.size_bytes_ += bytes.size();
  });
  if (!read) {
    return fail(read.error());
  }
  return file;
}

PartFile::PartFile(PartFile&& other) noexcept
    : path_(std::move(other.path_)),
      digest_(std::move(other.digest_)),
      fd_(std::exchange(other.fd_, -1)),
      size_bytes_(other.size_bytes_),
      hash_(std::move(other.hash_)) {}

PartFile::~PartFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Status PartFile::append(std::string_view bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t count = ::write(fd_, rest.data(), rest.size());
    if (count < 0 && errno != EINTR) {
      return io_error("cannot write", path_ + ".part");
    }
    rest.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  hash_.update(bytes);
  size_bytes_ += bytes.size();
  return {};
}

Status PartFile::commit() {
  const std::string part = path_ + ".part";
  if (const std::string found = hash_.finish(); found != digest_) {
    ::unlink(part.c_str());
    return fail(ErrorCode::kCorrupt, fmt::format("the {} bytes received for {} hash to {}",
                                                 size_bytes_, digest_, found));
  }
  if (::fsync(fd_) != 0 || ::rename(part.c_str(), path_.c_str()) != 0) {
    return io_error("cannot keep", part);
  }
  return {};
}

}  // namespace skerry::agent
