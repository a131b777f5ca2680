#include "common/endpoint.h"

#include <fmt/format.h>

#include <charconv>

namespace skerry {

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  Endpoint endpoint;
  const char* const end = text.data() + text.size();
  const char* const digits = colon == std::string_view::npos ? end : text.data() + colon + 1;
  const auto [rest, error] = std::from_chars(digits, end, endpoint.port);
  if (colon == std::string_view::npos || digits == end || error != std::errc() || rest != end) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not address:port, such as 127.0.0.1:8080", text));
  }
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  endpoint.address = address;
  return endpoint;
}

Result<Endpoint> parse_listen_address(std::string_view text, bool off_loopback) {
  Result<Endpoint> endpoint = parse_endpoint(text);
  if (endpoint && !off_loopback && !is_loopback_address(endpoint->address)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is reachable from other machines without TLS; give it a certificate, use "
                    "a loopback address, or --insecure-dev on a network where everybody is trusted",
                    endpoint->address));
  }
  return endpoint;
}

bool is_loopback_address(std::string_view address) {
  const bool octets_only = address.find_first_not_of("0123456789.") == std::string_view::npos;
  return (address.starts_with("127.") && octets_only) || address == "::1";
}

}  // namespace skerry
