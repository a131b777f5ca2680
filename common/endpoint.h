// endpoint.h: "address:port" of settings, such as 127.0.0.1:8080 or [::1]:0.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry {

struct Endpoint {
  std::string address;     // without brackets
  std::uint16_t port = 0;  // 0: the kernel picks
};

Result<Endpoint> parse_endpoint(std::string_view text);  // kInvalidArgument
// The same of an address to listen on: off loopback only if that is allowed, since what is said there is
// encrypted, or since insecure_dev was asked for.
Result<Endpoint> parse_listen_address(std::string_view text, bool off_loopback);

// Whether an address is of this machine alone.
bool is_loopback_address(std::string_view address);

}  // namespace skerry
