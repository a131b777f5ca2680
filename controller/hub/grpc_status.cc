#include "controller/hub/grpc_status.h"

namespace skerry::hub {

grpc::StatusCode to_grpc(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorCode::kConflict:
    case ErrorCode::kIdempotencyMismatch:
    case ErrorCode::kUnsatisfiable:
    case ErrorCode::kModelFailed:
    case ErrorCode::kQuarantined:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::kNoCapacity:
    case ErrorCode::kTooLarge:
    case ErrorCode::kQuotaRate:
    case ErrorCode::kQuotaOpenJobs:
    case ErrorCode::kQuotaInputBytes:
    case ErrorCode::kQuotaStoredBytes:
    case ErrorCode::kOverloaded:
    case ErrorCode::kStorageFull:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kDeadlineExceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case ErrorCode::kCancelled:
      return grpc::StatusCode::CANCELLED;
    case ErrorCode::kRunnerCrashed:
    case ErrorCode::kNodeLost:
    case ErrorCode::kSequenceLost:
      return grpc::StatusCode::ABORTED;
    case ErrorCode::kCorrupt:
      return grpc::StatusCode::DATA_LOSS;
    case ErrorCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kUnsupported:
      return grpc::StatusCode::UNIMPLEMENTED;
    case ErrorCode::kUnauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case ErrorCode::kPermissionDenied:
      return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::UNKNOWN;
}

grpc::Status to_grpc(const Error& error) { return {to_grpc(error.code), error.message}; }

}  // namespace skerry::hub
