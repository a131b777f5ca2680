// file_stamp.h: tells that a file was replaced or written to, without reading it.

#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace skerry::secrets {

// Another file under the name, or another content or mode, has another stamp. Links are followed.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

// All zero: there is no such file, or no path.
inline FileStamp stamp_of(const std::string& path) {
  struct stat facts{};
  if (path.empty() || ::stat(path.c_str(), &facts) != 0) {
    return {};
  }
  return {.device = facts.st_dev,
          .inode = facts.st_ino,
          .size = facts.st_size,
          .changed_ns = facts.st_ctim.tv_sec * 1'000'000'000 + facts.st_ctim.tv_nsec};
}

}  // namespace skerry::secrets
