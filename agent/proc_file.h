// proc_file.h: a small file of /proc or /sys that is read again and again: opened once, read from
// its start each time.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::agent {

class ProcFile {
 public:
  // A file that cannot be opened is simply empty.
  explicit ProcFile(const std::string& path);
  ProcFile(ProcFile&& other) noexcept;
  ProcFile& operator=(ProcFile&&) = delete;
  ~ProcFile();

  // At most 8 KiB, valid until the next read.
  std::string_view read();
  // The number that it starts with.
  std::optional<std::int64_t> number();
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
  std::string buffer_;
};

}  // namespace skerry::agent
