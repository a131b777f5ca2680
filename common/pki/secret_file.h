// secret_file.h: files whose content nobody but this program's user may see: keys and tokens.
//
// Blocking. Functions on paths, to be called from one thread per path.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::pki {

constexpr std::size_t kMaxSecretFileBytes = 256 << 10;

// kPermissionDenied, with the command that sets it right: a link, not a regular file, another user's, or
// one that the group or others may use. kNotFound; kTooLarge; kIo.
Result<std::string> read_secret_file(const std::string& path);

// Replaces it as a whole, for this user alone (0600). Durable once it returns: the file before its name,
// the name before anything else. kNotFound: there is no such folder; kIo. Until the name is changed the
// old content stays.
Status write_secret_file(const std::string& path, std::string_view content);

// Durable once it returns. kNotFound, kIo.
Status remove_secret_file(const std::string& path);

// A folder for this user alone (0700), made if it is not there, with those above it. kPermissionDenied:
// it is there and others may use it; kIo.
Status make_secret_folder(const std::string& path);

}  // namespace skerry::pki
