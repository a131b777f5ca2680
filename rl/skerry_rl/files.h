// files.h: whole small files.

#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::rl {

Result<std::string> read_file(const std::string& path);  // kNotFound, kIo
// Whole or not at all: written beside and renamed into place. kIo.
Status write_file(const std::string& path, std::string_view text);

}  // namespace skerry::rl
