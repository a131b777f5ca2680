// policy.h: where the controller may be sent by a URL that somebody else wrote, and how much it takes there.
//
// Deny by default: a policy without hosts lets nothing pass. The rules have names, which stand in every
// refusal: 'hosts', 'schemes', 'ports', 'networks' (address.h), those of the URL's form (url.h), 'redirects',
// 'size', 'headers', 'time', 'tls' (client.h). Pure; call from anywhere.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "controller/outbound/address.h"
#include "controller/outbound/url.h"

namespace skerry::outbound {

struct Policy {
  // Names ("idp.example"), addresses ("192.0.2.1"), all names below one ("*.idp.example", not itself), or all
  // ("*"), for users whose hosts nobody can list; then only the networks guard.
  std::vector<std::string> hosts;
  std::vector<std::string> schemes = {"https"};
  std::vector<std::uint16_t> ports = {443};
  std::vector<Network> networks;  // of special addresses, that are allowed nevertheless
  std::string ca_file;  // PEM of who may sign a server's certificate; empty: whom the system trusts
  Duration timeout = seconds(10);  // of it all: resolving, connecting, sending, receiving
  std::uint64_t most_body_bytes = 1ULL << 20;    // of an answer
  std::uint64_t most_header_bytes = 1ULL << 14;  // of an answer, with interim ones and trailers
};

// Whether a pattern of Policy::hosts is one: kInvalidArgument.
Status check_host_pattern(std::string_view pattern);

// The URL's form, scheme, host and port; and its address, if the host is one. kInvalidArgument,
// kPermissionDenied.
Result<Target> check_url(std::string_view url, const Policy& policy);

}  // namespace skerry::outbound
