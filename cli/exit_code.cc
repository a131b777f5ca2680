#include "cli/exit_code.h"

namespace skerry::cli {

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsatisfiable:
    case ErrorCode::kTooLarge:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return ExitCode::kRequestFailed;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kIdempotencyMismatch:
      return ExitCode::kConflict;
    case ErrorCode::kNoCapacity:
    case ErrorCode::kQuotaRate:
    case ErrorCode::kQuotaOpenJobs:
    case ErrorCode::kQuotaInputBytes:
    case ErrorCode::kQuotaStoredBytes:
    case ErrorCode::kOverloaded:
    case ErrorCode::kStorageFull:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kUnavailable:
      return ExitCode::kUnavailable;
    case ErrorCode::kCancelled:
    case ErrorCode::kModelFailed:
    case ErrorCode::kRunnerCrashed:
    case ErrorCode::kNodeLost:
    case ErrorCode::kSequenceLost:
    case ErrorCode::kQuarantined:
      return ExitCode::kJobFailed;
  }
  return ExitCode::kRequestFailed;
}

std::optional<ErrorCode> parse_error_code(std::string_view name) {
  constexpr auto kLast = static_cast<int>(ErrorCode::kInternal);
  for (int i = 0; i <= kLast; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    if (to_string(code) == name) {
      return code;
    }
  }
  return std::nullopt;
}

std::string exit_codes_help() {
  return "Exit codes:\n"
         "  0  done\n"
         "  1  the request was refused, or something local failed\n"
         "  2  the command line is wrong\n"
         "  3  no such node, job, model or policy\n"
         "  4  the state does not allow it\n"
         "  5  out of reach, overloaded, no capacity, or the time was up; later it may work\n"
         "  6  a job ended, but not with a result\n";
}

}  // namespace skerry::cli
