// strict_json.h: JSON of strangers that only one reading fits: within bounds, and no member twice.
//
// Of a member that stands twice some readers take the first and some the last, so whoever checks and whoever
// uses it may see two values (RFC 7515, 4; RFC 8725, 2.4). U+0000 is refused, since it ends a text for some.
// Pure.

#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <string_view>

#include "common/error.h"

namespace skerry::oidc {

struct JsonBounds {
  std::size_t bytes = 0;
  std::size_t depth = 0;  // 1: an object of plain members
  std::size_t values =
      0;  // of the whole document, names of members and the containers themselves too
};

// An object in UTF-8 and nothing behind it. kInvalidArgument, kTooLarge: a clause without a subject, such as "is not
// valid JSON", that repeats nothing of the text.
Result<boost::json::object> parse_strict_object(std::string_view text, const JsonBounds& bounds);

}  // namespace skerry::oidc
