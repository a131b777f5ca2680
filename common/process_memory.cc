#include "common/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

namespace skerry {

namespace {

constexpr std::size_t kMostBytes = 128;  // of a statm: seven numbers

// "mapped resident shared ...", in pages.
std::uint64_t resident_of(int fd) {
  std::array<char, kMostBytes> text;
  const ssize_t got = fd < 0 ? -1 : ::pread(fd, text.data(), text.size(), 0);
  const std::string_view line(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  const std::size_t space = line.find(' ');
  std::uint64_t pages = 0;
  if (space != std::string_view::npos) {
    std::from_chars(line.data() + space + 1, line.data() + line.size(), pages);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

int open_statm(const std::string& process) {
  return ::open(("/proc/" + process + "/statm").c_str(), O_RDONLY | O_CLOEXEC);
}

}  // namespace

std::uint64_t resident_bytes(const std::string& process) {
  const int fd = open_statm(process);
  const std::uint64_t bytes = resident_of(fd);
  if (fd >= 0) {
    ::close(fd);
  }
  return bytes;
}

OwnMemory::OwnMemory() : fd_(open_statm("self")) {}

OwnMemory::~OwnMemory() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

std::uint64_t OwnMemory::resident_bytes() const { return resident_of(fd_); }

}  // namespace skerry
