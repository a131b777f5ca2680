// exit_code.h: what skerryctl's exit status says, and the one map from an error's code to it.
//
// Scripts branch on these, so a code never changes its meaning.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::cli {

enum class ExitCode : int {
  kOk = 0,
  kRequestFailed =
      1,       // the request was refused, or something local failed; trying again will not help
  kUsage = 2,  // the command line is wrong
  kNotFound = 3,
  kConflict = 4,
  kUnavailable = 5,  // out of reach, overloaded, no capacity, or the time was up; later it may work
  kJobFailed = 6,    // a job ended, but not with a result
};

ExitCode exit_code_of(ErrorCode code);

// The code whose name this is; for problems that the controller reports.
std::optional<ErrorCode> parse_error_code(std::string_view name);

// The list for `skerryctl --help`.
std::string exit_codes_help();

}  // namespace skerry::cli
