#include "controller/hub/credentials.h"

#include <fmt/format.h>

namespace skerry::hub {

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address == "[::1]" ||
         address.starts_with("127.");
}

Status check_secured(const HubOptions& options) {
  if (options.tls) {
    return options.tls->admission != nullptr
               ? Status()
               : fail(ErrorCode::kInvalidArgument,
                      "the agents' port has TLS and nobody to say which nodes are members");
  }
  if (!is_loopback(options.listen) && !options.insecure_dev) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the agents' port would listen on {} unsecured; listen on 127.0.0.1, "
                            "or set insecure_dev on a network you trust",
                            options.listen));
  }
  return {};
}

}  // namespace skerry::hub
