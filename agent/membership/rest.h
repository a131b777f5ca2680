// rest.h: one POST to the controller's REST API, over TLS that believes either the installation's own
// authorities or those of a file.
//
// Blocks for at most kRestLimit. Call from anywhere.

#pragma once

#include <string>
#include <string_view>

#include "common/error.h"
#include "common/pki/tls_context.h"
#include "common/time.h"

namespace skerry::agent {

constexpr Duration kRestLimit = seconds(20);

struct RestTrust {
  pki::PeerCheck check = {};  // of who answers; or, if there is none,
  std::string ca_file = {};   // whose certificates are believed, for the URL's host
};

struct RestAnswer {
  int status = 0;
  std::string body;
};

// `url` as "https://host:port/prefix"; over http only to this machine. kUnavailable: no answer;
// kUnauthenticated: the other end is not believed; kInvalidArgument, kPermissionDenied: the URL.
Result<RestAnswer> post(const std::string& url, std::string_view target, std::string body,
                        const RestTrust& trust);

}  // namespace skerry::agent
