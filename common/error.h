// error.h: the one error type, and Result<T>.
//
// An Error has a code from one enum, a sentence for people that holds the ids and numbers it speaks of, and optionally
// which field of the request is wrong. Codes are mapped once each to HTTP (controller/api/problem.cc), gRPC and exit
// codes (cli/exit_code.h).

#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.h"

namespace skerry {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  // the request is malformed or breaks a documented rule; `fields` says where
  kNotFound,         // no such job, node, model, policy, blob
  kAlreadyExists,    // same name, other content
  kConflict,         // the state does not allow it now (e.g. cancel of a finished job)
  kIdempotencyMismatch,  // an Idempotency-Key was used before with another request
  kUnsatisfiable,        // no node of the fleet can ever meet the constraints
  kNoCapacity,           // nobody can take it now; try later
  kTooLarge,             // over a documented limit
  kQuotaRate,            // its namespace submits faster than it may; try later
  kQuotaOpenJobs,        // its namespace has as many open jobs as it may
  kQuotaInputBytes,      // likewise of bytes of open jobs' inputs
  kQuotaStoredBytes,     // likewise of bytes of inputs, results and models that are kept
  kOverloaded,           // the controller sheds load; try later
  kStorageFull,          // the disk has no space for it; try later
  kDeadlineExceeded,     // the deadline passed before a result
  kCancelled,            // cancelled by its owner
  kModelFailed,          // the model raised an error on this input (the user's error)
  kRunnerCrashed,        // the process that ran the model died or was ended
  kNodeLost,             // the node vanished while it ran
  kSequenceLost,         // the state of the task's sequence is gone; a new sequence can be started
  kQuarantined,          // the task crashed runners on several nodes and is not tried again
  kCorrupt,              // stored or received bytes fail their check
  kUnavailable,          // not ready: starting, stopping, or cut off
  kUnsupported,          // understood, but this build or node cannot do it
  kUnauthenticated,
  kPermissionDenied,
  kIo,        // the operating system refused a read or write
  kInternal,  // a bug here
};

// snake_case name as it stands in REST problems, metrics and logs: "invalid_argument", "not_found", ...
std::string_view to_string(ErrorCode code);

// One wrong field of a request: a JSON pointer ("/constraints/deadline_ms") or a YAML path, and what would be right.
struct FieldIssue {
  std::string field;
  std::string message;

  bool operator==(const FieldIssue&) const = default;
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::vector<FieldIssue> fields = {};
  Duration retry_after{};  // of a refusal for now: not before; 0 = not known

  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// return fail(ErrorCode::kNotFound, fmt::format("no model named '{}'", name));
inline std::unexpected<Error> fail(ErrorCode code, std::string message,
                                   std::vector<FieldIssue> fields = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(fields)});
}

// Passes an error on to a caller with another value type: if (!r) return fail(std::move(r).error());
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace skerry
