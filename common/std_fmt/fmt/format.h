// format.h: stands in for {fmt} where that library is not installed but the standard library can
// format (GCC 13).
//
// Only for builds of the runner and of rl alone (common/CMakeLists.txt); covers what common, runner
// and rl call.

#pragma once

#include <cstdio>
#include <format>
#include <string>
#include <string_view>
#include <utility>

namespace fmt {

using std::format;
using std::format_to;
using std::format_to_n;
using std::make_format_args;
using std::vformat;

template <typename Range>
std::string join(const Range& range, std::string_view separator) {
  std::string text;
  for (bool first = true; const auto& item : range) {
    if (!first) {
      text += separator;
    }
    first = false;
    text += std::format("{}", item);
  }
  return text;
}

template <typename... Args>
void print(std::FILE* file, std::format_string<Args...> format, Args&&... args) {
  std::fputs(std::format(format, std::forward<Args>(args)...).c_str(), file);
}

template <typename... Args>
void print(std::format_string<Args...> format, Args&&... args) {
  print(stdout, format, std::forward<Args>(args)...);
}

}  // namespace fmt
