// credentials.h: how the agents' port is secured. Without TLS it serves loopback alone.

#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string_view>

#include "common/error.h"
#include "controller/hub/options.h"

namespace skerry::hub {

bool is_loopback(std::string_view address);

// kInvalidArgument if agents of other machines could reach an unsecured port, unless insecure_dev
// allows it.
Result<std::shared_ptr<grpc::ServerCredentials>> server_credentials(const HubOptions& options);

}  // namespace skerry::hub
