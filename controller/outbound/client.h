// client.h: the one HTTP client by which the controller fetches a URL that is not compiled in.
//
// A fetch goes like this: the URL is read strictly and held against the policy; its name is resolved once, by us;
// every address of it is held against the policy, and one that is refused refuses the whole; then libcurl connects to
// those addresses and, as a second guard, may open a socket to no other. No second resolution, so no rebinding; no
// redirects; no proxy, password file or cookie from the environment or from disk; HTTP/1.1; certificates checked
// against the URL's host.
//
// Each fetch is a connection of its own. A client changes nothing of itself: any number of threads may fetch at once.
// Reasons: docs/decisions/outbound.md.

#pragma once

#include "controller/outbound/fetcher.h"
#include "controller/outbound/policy.h"
#include "controller/outbound/resolver.h"

namespace skerry::outbound {

class Client final : public Fetcher {
 public:
  // `resolver` outlives the client.
  Client(Policy policy, Resolver& resolver);

  // kInvalidArgument and kPermissionDenied: refused by a rule, nothing was connected to (or, for 'redirects', nothing
  // further). kTooLarge: the answer is; kDeadlineExceeded; kCancelled; kUnavailable: no connection, no trust, no HTTP.
  // Messages name host and rule, never path or body.
  Result<Response> fetch(const Request& request, std::stop_token stop) override;

 private:
  Policy policy_;
  Resolver& resolver_;
};

}  // namespace skerry::outbound
