#include "controller/hub/credentials.h"

#include <fmt/format.h>

namespace skerry::hub {

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address == "[::1]" ||
         address.starts_with("127.");
}

Result<std::shared_ptr<grpc::ServerCredentials>> server_credentials(const HubOptions& options) {
  if (!is_loopback(options.listen) && !options.insecure_dev) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the agents' port would listen on {} unsecured; listen on 127.0.0.1, "
                            "or set insecure_dev on a network you trust",
                            options.listen));
  }
  return grpc::InsecureServerCredentials();
}

}  // namespace skerry::hub
