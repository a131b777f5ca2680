#include "agent/credentials.h"

#include <fmt/format.h>

namespace skerry::agent {

bool is_loopback(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const bool octets_only = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && octets_only) ||
         address.starts_with("unix:");
}

Result<std::shared_ptr<grpc::ChannelCredentials>> channel_credentials(const std::string& controller,
                                                                      bool insecure_dev) {
  if (!insecure_dev && !is_loopback(controller)) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format(
            "the controller {} is not on this machine and the connection would not be encrypted: "
            "set insecure_dev only on a network you trust",
            controller));
  }
  return grpc::InsecureChannelCredentials();
}

}  // namespace skerry::agent
