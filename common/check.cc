#include "common/check.h"

#include <cstdio>
#include <cstdlib>

namespace skerry {

void check_failed(std::string_view what, std::source_location where) {
  std::fprintf(stderr, "skerry: broken invariant: %.*s (%s:%u, %s)\n",
               static_cast<int>(what.size()), what.data(), where.file_name(), where.line(),
               where.function_name());
  std::fflush(nullptr);
  std::abort();
}

}  // namespace skerry
