#include "common/error.h"

namespace skerry {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kAlreadyExists:
      return "already_exists";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kIdempotencyMismatch:
      return "idempotency_mismatch";
    case ErrorCode::kUnsatisfiable:
      return "unsatisfiable";
    case ErrorCode::kNoCapacity:
      return "no_capacity";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kQuotaRate:
      return "quota_jobs_per_s";
    case ErrorCode::kQuotaOpenJobs:
      return "quota_open_jobs";
    case ErrorCode::kQuotaInputBytes:
      return "quota_input_bytes";
    case ErrorCode::kQuotaStoredBytes:
      return "quota_stored_bytes";
    case ErrorCode::kOverloaded:
      return "overloaded";
    case ErrorCode::kStorageFull:
      return "storage_full";
    case ErrorCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kModelFailed:
      return "model_failed";
    case ErrorCode::kRunnerCrashed:
      return "runner_crashed";
    case ErrorCode::kNodeLost:
      return "node_lost";
    case ErrorCode::kSequenceLost:
      return "sequence_lost";
    case ErrorCode::kQuarantined:
      return "quarantined";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace skerry
