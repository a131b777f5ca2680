// check.h: assertions that stay on in release builds.
//
// check() is for programmer errors only: a broken invariant means that carrying on could lose or double work, so the
// process logs the sentence, flushes and aborts. Bad input from outside is never checked this way; it is a Result.

#pragma once

#include <source_location>
#include <string_view>

namespace skerry {

[[noreturn]] void check_failed(std::string_view what, std::source_location where);

inline void check(bool condition, std::string_view what,
                  std::source_location where = std::source_location::current()) {
  if (!condition) [[unlikely]] {
    check_failed(what, where);
  }
}

}  // namespace skerry
