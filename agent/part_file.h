// part_file.h: a download on its way to becoming a blob: <dir>/sha256-<hex>.part, then, verified
// and synced, <dir>/sha256-<hex>.
//
// Opening an interrupted one reads what is there, so that the download goes on behind it. Blocking;
// used on one thread at a time. An error leaves the .part as it is, but for bytes that do not hash
// to the digest: then it is removed.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/digest.h"
#include "common/error.h"

namespace skerry::agent {

std::string blob_path(const std::string& directory, const std::string& digest);

// kCorrupt (and the file is removed) if its content does not hash to the digest; kNotFound, kIo.
Status verify_blob(const std::string& directory, const std::string& digest);
Result<std::string> read_blob(const std::string& directory, const std::string& digest);

class PartFile {
 public:
  static Result<PartFile> open(const std::string& directory, const std::string& digest);
  PartFile(PartFile&& other) noexcept;
  PartFile& operator=(PartFile&&) = delete;
  ~PartFile();

  std::uint64_t size_bytes() const { return size_bytes_; }
  Status append(std::string_view bytes);
  // Checks, syncs and renames. kCorrupt if the content is not what the digest says.
  Status commit();

 private:
  PartFile(std::string path, std::string digest, int fd)
      : path_(std::move(path)), digest_(std::move(digest)), fd_(fd) {}

  std::string path_;  // of the blob; the file is at path_ + ".part"
  std::string digest_;
  int fd_ = -1;
  std::uint64_t size_bytes_ = 0;
  Sha256 hash_;
};

}  // namespace skerry::agent
