// credentials.h: how the agent secures its way to the controller: the one place that makes channel
// credentials.

#pragma once

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "common/error.h"

namespace skerry::agent {

// "127.0.0.1:8081", "[::1]:7443", "localhost:7443", "unix:/run/skerry.sock".
bool is_loopback(const std::string& address);

// Unencrypted, and therefore for this machine alone unless insecure_dev: kPermissionDenied for any
// other address.
Result<std::shared_ptr<grpc::ChannelCredentials>> channel_credentials(const std::string& controller,
                                                                      bool insecure_dev);

}  // namespace skerry::agent
