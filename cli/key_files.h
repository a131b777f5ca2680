// key_files.h: private keys as files: made for their owner alone, and read only while they are.

#pragma once

#include <string>

#include "common/error.h"
#include "common/signing.h"

namespace skerry::cli {

// Writes a new file with mode 0600. kAlreadyExists: there is one already, which is not overwritten; kIo.
Status write_key_file(const std::string& path, const PrivateKey& key);

// kPermissionDenied: others may read it, and the sentence says how to end that; kInvalidArgument: it holds no
// key; kNotFound, kIo.
Result<PrivateKey> read_key_file(const std::string& path);

}  // namespace skerry::cli
