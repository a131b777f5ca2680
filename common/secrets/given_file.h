// given_file.h: reads keys and tokens that somebody else put there, and that nobody but us may read.
//
// A secret whose file is open to others is refused instead of used: who put it there takes it for safe,
// and it is not. Thread-safe.

#pragma once

#include <cstddef>
#include <string>

#include "common/error.h"

namespace skerry::secrets {

constexpr std::size_t kMostGivenBytes = 64 * 1024;

// The whole content of a regular file (a link to one is followed). The modes are those of what is read,
// not of what had the name a moment before.
//
// kNotFound, kIo; kTooLarge above kMostGivenBytes; kPermissionDenied if others than its owner may read
// or write it: its group may read it, though not write it, where the file is root's and this process is
// not, as secrets are mounted into containers.
Result<std::string> read_given_file(const std::string& path);

}  // namespace skerry::secrets
