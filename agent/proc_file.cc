#include "agent/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <utility>

namespace skerry::agent {
namespace {

constexpr std::size_t kMaxBytes = 8192;

}  // namespace

ProcFile::ProcFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

ProcFile::ProcFile(ProcFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

ProcFile::~ProcFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

std::string_view ProcFile::read() {
  buffer_.resize(kMaxBytes);
  const ssize_t count = fd_ < 0 ? 0 : ::pread(fd_, buffer_.data(), buffer_.size(), 0);
  buffer_.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return buffer_;
}

std::optional<std::int64_t> ProcFile::number() {
  const std::string_view text = read();
  std::int64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  return wrong == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace skerry::agent
