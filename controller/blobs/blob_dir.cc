#include "controller/blobs/blob_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "common/check.h"
#include "controller/blobs/file_io.h"

namespace skerry::blobs {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::string_view kTemporary = "tmp";

std::unexpected<Error> not_there(std::string_view digest) {
  return fail(ErrorCode::kNotFound, fmt::format("no blob {}", digest));
}

}  // namespace

// ---- pins

BlobPin::BlobPin(BlobDir& dir, std::string digest, std::uint64_t size_bytes, bool created)
    : dir_(&dir), digest_(std::move(digest)), size_bytes_(size_bytes), created_(created) {}
BlobPin::BlobPin(BlobPin&& other) noexcept
    : dir_(std::exchange(other.dir_, nullptr)),
      digest_(std::move(other.digest_)),
      size_bytes_(other.size_bytes_),
      created_(other.created_) {}
BlobPin& BlobPin::operator=(BlobPin&& other) noexcept {
  std::swap(dir_, other.dir_);
  std::swap(digest_, other.digest_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(created_, other.created_);
  return *this;
}
BlobPin::~BlobPin() {
  if (dir_ != nullptr) {
    dir_->let_go(digest_, true);
  }
}
void BlobPin::discard() {
  check(dir_ != nullptr, "a pin is discarded once");
  std::exchange(dir_, nullptr)->let_go(digest_, false);
}

// mutex_ is held.
void BlobDir::hold(const std::string& digest, bool was_there) {
  const bool abandoned = abandoned_.erase(digest) > 0;
  Pins& pins = pins_[digest];
  if (pins.holders == 0) {
    pins.unowned = !was_there || abandoned;
  }
  ++pins.holders;
}

void BlobDir::let_go(const std::string& digest, bool keep) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = pins_.find(digest);
    check(found != pins_.end(), "a pin that is let go of was held");
    Pins& pins = found->second;
    pins.kept = pins.kept || keep;
    if (--pins.holders > 0) {
      return;
    }
    const bool unwanted = pins.unowned && !pins.kept;
    pins_.erase(found);
    if (!unwanted) {
      return;
    }
    abandoned_.insert(digest);
  }
  const Status ignored = reap();  // what stays, the next restart's sweep takes
}

// ---- writing

BlobWriter::BlobWriter(BlobDir& dir, File file, fs::path path)
    : dir_(&dir), file_(std::move(file)), path_(std::move(path)) {}
BlobWriter::~BlobWriter() {
  if (!path_.empty()) {
    ::unlink(path_.c_str());
  }
}

Status BlobWriter::write(std::string_view bytes) {
  hash_.update(bytes);
  size_bytes_ += bytes.size();
  return write_all(file_, bytes, path_);
}

Result<BlobPin> BlobWriter::commit(std::string_view expected) {
  const std::string digest = hash_.finish();
  if (!expected.empty() && digest != expected) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("the {} bytes have the digest {}, not {}",
                                                         size_bytes_, digest, expected));
  }
  if (const Status synced = sync_file(file_, path_); !synced) {
    return fail(synced.error());
  }
  auto pin = dir_->adopt(path_, digest, size_bytes_);
  if (pin && pin->created()) {
    path_.clear();
  }
  return pin;
}

// Gives a synced temporary file its name, unless the blob is there already.
Result<BlobPin> BlobDir::adopt(const fs::path& temporary, const std::string& digest,
                               std::uint64_t size_bytes) {
  const fs::path path = *path_of(digest);
  std::error_code failed;
  fs::create_directory(path.parent_path(), failed);
  if (failed) {
    return io_error("create", path.parent_path(), failed.value());
  }
  std::unique_lock files(files_mutex_);
  const bool there = ::access(path.c_str(), F_OK) == 0;
  if (!there && ::rename(temporary.c_str(), path.c_str()) != 0) {
    return io_error("rename to", path, errno);
  }
  {
    const std::scoped_lock lock(mutex_);
    hold(digest, there);
  }
  files.unlock();

  BlobPin pin(*this, digest, size_bytes, !there);
  // Also where it was there: whoever renamed it may not have come to this line yet.
  for (const fs::path& directory : {path.parent_path(), root_}) {
    if (const Status synced = sync_directory(directory); !synced) {
      return fail(synced.error());
    }
  }
  return pin;
}

Result<BlobWriter> BlobDir::writer() {
  std::unique_lock lock(mutex_);
  const fs::path path = root_ / kTemporary / std::to_string(next_temporary_++);
  lock.unlock();
  auto file = create_file(path);
  if (!file) {
    return fail(std::move(file).error());
  }
  return BlobWriter(*this, std::move(*file), path);
}

Result<BlobPin> BlobDir::put(std::string_view bytes) {
  auto blob = writer();
  if (!blob) {
    return fail(std::move(blob).error());
  }
  if (const Status written = blob->write(bytes); !written) {
    return fail(written.error());
  }
  return blob->commit();
}

// ---- reading

Result<std::string> BlobReader::read(std::size_t most) {
  std::string bytes(std::min<std::uint64_t>(most, size_bytes_), '\0');
  while (true) {
    const ssize_t count = ::read(file_.fd(), bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.resize(static_cast<std::size_t>(count));
      return bytes;
    }
    if (errno != EINTR) {
      return io_error("read", "a blob", errno);
    }
  }
}

Status BlobReader::seek(std::uint64_t offset) {
  if (offset > size_bytes_) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("offset {} is beyond the blob's {} bytes", offset, size_bytes_));
  }
  if (::lseek(file_.fd(), static_cast<off_t>(offset), SEEK_SET) < 0) {
    return io_error("seek", "a blob", errno);
  }
  return {};
}

Result<fs::path> BlobDir::path_of(std::string_view digest) const {
  if (!is_digest(digest)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is not a digest: sha256: and 64 hex digits", digest.substr(0, 80)));
  }
  const std::string_view hex = digest.substr(kPrefix.size());
  return root_ / hex.substr(0, 2) / hex;
}

Result<BlobReader> BlobDir::read(std::string_view digest) const {
  const auto path = path_of(digest);
  if (!path) {
    return fail(path.error());
  }
  File file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) {
    return errno == ENOENT ? not_there(digest) : io_error("open", *path, errno);
  }
  struct stat facts{};
  if (::fstat(file.fd(), &facts) != 0) {
    return io_error("stat", *path, errno);
  }
  return BlobReader(std::move(file), static_cast<std::uint64_t>(facts.st_size));
}

Result<std::string> BlobDir::read_all(std::string_view digest) const {
  auto blob = read(digest);
  if (!blob) {
    return fail(std::move(blob).error());
  }
  std::string bytes;
  bytes.reserve(blob->size_bytes());
  while (true) {
    auto piece = blob->read(blob->size_bytes());
    if (!piece) {
      return piece;
    }
    if (piece->empty()) {
      break;
    }
    bytes += *piece;
  }
  if (sha256_digest(bytes) != digest) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("the {} bytes stored as blob {} have another digest", bytes.size(), digest));
  }
  return bytes;
}

Result<std::uint64_t> BlobDir::size_bytes(std::string_view digest) const {
  const auto path = path_of(digest);
  if (!path) {
    return fail(path.error());
  }
  struct stat facts{};
  if (::stat(path->c_str(), &facts) != 0) {
    return errno == ENOENT ? not_there(digest) : io_error("stat", *path, errno);
  }
  return static_cast<std::uint64_t>(facts.st_size);
}

// ---- the directory

Result<std::unique_ptr<BlobDir>> BlobDir::open(fs::path root) {
  std::error_code failed;
  fs::create_directories(root, failed);
  if (!failed) {
    fs::remove_all(root / kTemporary, failed);
  }
  if (!failed) {
    fs::create_directory(root / kTemporary, failed);
  }
  if (failed) {
    return io_error("prepare", root, failed.value());
  }
  return std::unique_ptr<BlobDir>(new BlobDir(std::move(root)));
}

Result<BlobPin> BlobDir::pin(std::string_view digest) {
  const std::scoped_lock files(files_mutex_);
  const auto size = size_bytes(digest);
  if (!size) {
    return fail(size.error());
  }
  const std::scoped_lock lock(mutex_);
  hold(std::string(digest), true);
  return BlobPin(*this, std::string(digest), *size, false);
}

void BlobDir::abandon(std::string_view digest) {
  const std::scoped_lock lock(mutex_);
  if (const auto pinned = pins_.find(digest); pinned != pins_.end()) {
    pinned->second.unowned = true;
    pinned->second.kept = false;  // by holders whose need has passed since
  } else {
    abandoned_.emplace(digest);
  }
}

Status BlobDir::reap() {
  Status status;
  while (true) {
    const std::scoped_lock files(files_mutex_);  // for one at a time: others wait meanwhile
    std::string digest;
    {
      const std::scoped_lock lock(mutex_);
      if (abandoned_.empty()) {
        return status;
      }
      digest = std::move(abandoned_.extract(abandoned_.begin()).value());
    }
    const auto path = path_of(digest);
    if (!path) {
      status = fail(path.error());
    } else if (::unlink(path->c_str()) != 0 && errno != ENOENT) {
      status = io_error("remove", *path, errno);
    }
  }
}

Result<std::size_t> BlobDir::sweep(const std::function<bool(std::string_view digest)>& wanted) {
  std::vector<std::string> unwanted;
  std::error_code failed;
  for (fs::recursive_directory_iterator file(root_, failed), end; !failed && file != end;
       file.increment(failed)) {
    std::string digest = std::string(kPrefix) + file->path().filename().string();
    if (is_digest(digest) && !wanted(digest)) {
      unwanted.push_back(std::move(digest));
    }
  }
  if (failed) {
    return io_error("list", root_, failed.value());
  }
  for (const std::string& digest : unwanted) {
    abandon(digest);
  }
  if (const Status reaped = reap(); !reaped) {
    return fail(reaped.error());
  }
  return unwanted.size();
}

}  // namespace skerry::blobs
