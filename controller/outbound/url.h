// url.h: reads a URL in the one form in which nobody reads it otherwise.
//
// Two parsers that see two hosts in one URL are how guards are passed; so whatever other parsers are known to
// differ on is refused here and not repaired: credentials, backslashes, fragments, percent-encoding or other
// than letters, digits and hyphens in the host, addresses in other forms than inet_pton's (decimal, octal, hex,
// short), a dot at the end, control characters, anything beyond ASCII. What is fetched is what Target::url()
// says, not the text that came in.
//
// Pure; call from anywhere. Every refusal is kInvalidArgument or kPermissionDenied and names the rule; none
// repeats the path, which may hold a secret.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "controller/outbound/address.h"

namespace skerry::outbound {

constexpr std::size_t kMostUrlBytes = 2048;

struct Target {
  std::string scheme;                // "https" or "http"
  std::string host;                  // a name in lower case, or an address without brackets
  std::optional<IpAddress> address;  // if the host is one
  std::uint16_t port = 0;
  std::string path;  // with its query; begins with /

  std::string origin() const;  // "https://idp.example:443"
  std::string url() const { return origin() + path; }
};

// kInvalidArgument; kPermissionDenied for a scheme other than http and https.
Result<Target> parse_url(std::string_view url);

// A name by which a host may be asked for: labels of letters, digits and hyphens, in any case.
bool is_host_name(std::string_view name);

}  // namespace skerry::outbound
