// given_secrets.h: secrets that an operator gives as files, one in each: tokens and keys, as they are mounted
// into containers or written by whoever configures a machine.
//
// A file holds one line of 32 to 256 visible characters. The files are looked at when somebody asks,
// once a second at most: a new content counts from then on, and a file that is gone, or cannot be used,
// takes its secret along, which is said once. Kept is the SHA-256 of each.
//
// Thread-safe. The clock outlives it.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/secrets/file_stamp.h"
#include "common/time.h"

namespace skerry::secrets {

// The line of such a file. kInvalidArgument, or as read_given_file().
Result<std::string> read_given_secret(const std::string& path);

class GivenSecrets {
 public:
  // What happened to a file, as a sentence; `good`: its new content is in use.
  using Say = std::function<void(bool good, std::string_view sentence)>;

  // All of them must be usable now. Errors as read_given_secret(), and kInvalidArgument where two hold
  // the same.
  static Result<std::unique_ptr<GivenSecrets>> open(std::vector<std::string> paths, Clock& clock,
                                                    Say say);

  // Which of the files, in their order, holds this.
  std::optional<std::size_t> find(std::string_view shown);

 private:
  struct File {
    std::string path;
    FileStamp stamp = {};
    std::string hash = {};  // SHA-256; empty: not in use
  };

  GivenSecrets(std::vector<File> files, Clock& clock, Say say);
  static Status read(File& file);
  void look();

  Clock& clock_;
  const Say say_;
  std::mutex mutex_;
  std::vector<File> files_;
  Instant looked_at_;
};

}  // namespace skerry::secrets
