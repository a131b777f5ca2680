// grpc_status.h: the one place where error codes become gRPC status codes. Pure.

#pragma once

#include <grpcpp/support/status.h>

#include "common/error.h"

namespace skerry::hub {

grpc::StatusCode to_grpc(ErrorCode code);
grpc::Status to_grpc(const Error& error);

}  // namespace skerry::hub
