// credentials.h: how the agent secures its way to the controller: the one place that makes channel
// credentials.
//
// With an identity it is TLS both ways: the agent shows its certificate, and believes whoever proves to be
// the controller of the same installation, whatever address it was reached by. gRPC reads the files again
// as they change, so a renewal needs no restart.

#pragma once

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "common/error.h"

namespace skerry::agent {

struct TlsFiles {
  std::string identity = {};  // key and certificates in one PEM (pki::to_pem), a secret file
  std::string trust = {};     // the authorities that are believed

  bool is_set() const { return !identity.empty(); }
};

// "127.0.0.1:8081", "[::1]:7443", "localhost:7443", "unix:/run/skerry.sock".
bool is_loopback(const std::string& address);

// Whether the way would be secured: encrypted, or within this machine, or insecure_dev. kPermissionDenied,
// kInvalidArgument. Reads no file.
Status check_secured(const std::string& controller, bool insecure_dev, const TlsFiles& tls);

// Unencrypted without `tls`. As check_secured(); and what is wrong with a file, by name:
// kPermissionDenied, kNotFound, kInvalidArgument.
Result<std::shared_ptr<grpc::ChannelCredentials>> channel_credentials(const std::string& controller,
                                                                      bool insecure_dev,
                                                                      const TlsFiles& tls);

}  // namespace skerry::agent
