// name_pattern.h: a node's name, or one in which a "*" stands for anything: whom a join token or key is for. fits_pattern()
// of access.h tells who fits.

#pragma once

#include <string>
#include <string_view>

#include "common/ids.h"

namespace skerry::core {

// kInvalidArgument as of validate_name().
inline Status validate_name_pattern(std::string_view what, std::string_view pattern) {
  std::string plain(pattern);
  if (const std::size_t star = plain.find('*'); star != std::string::npos) {
    plain.replace(star, 1, "x");
  }
  return validate_name(what, plain);
}

}  // namespace skerry::core
