// whole_file.h: small files, read and replaced as a whole.

#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::agent {

// kIo; an absent file is empty.
Result<std::string> read_whole_file(const std::string& path);

// Durable once it returns: the file before its name, the name before anything else. kNoCapacity: no
// space is left, and the file holds what it held before; kIo: anything else.
Status replace_whole_file(const std::string& directory, const std::string& name,
                          std::string_view content);

}  // namespace skerry::agent
