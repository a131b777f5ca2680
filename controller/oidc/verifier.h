// verifier.h: who a caller with a token of an issuer is, and what the configuration lets him do.
//
// verify() is all that the API asks. A token's issuer is found by the key that it names, not by what it says of itself: so
// nothing of a stranger's payload is read before a signature has been checked. Where two issuers have keys of one id, each
// is tried; a token that passes by one's key must also name that one. An unknown key makes us fetch keys again, in the
// background and bounded: the caller is refused meanwhile and may come again.
//
// Owned by the daemon, which makes it once; one thread for each issuer fetches keys (key_keeper.h). Thread-safe.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "controller/oidc/key_keeper.h"
#include "controller/oidc/settings.h"

namespace skerry::oidc {

struct KnownCaller {
  std::string issuer;         // its name in the configuration
  std::string subject;        // `sub`: unique with the issuer, for ever
  std::vector<Grant> grants;  // none: known, but allowed nothing
  Instant expires_at;         // of the token; what is begun with it should not outlive it by much

  std::string id() const { return "oidc:" + issuer + ":" + subject; }  // for audit and quotas
};

class Verifier {
 public:
  using MakeFetcher = std::function<std::unique_ptr<outbound::Fetcher>(const outbound::Policy&)>;

  // `clock` and `log` outlive it. `make_fetcher` is called now, once for each issuer whose keys are fetched.
  Verifier(Settings settings, const MakeFetcher& make_fetcher, Clock& clock, Log& log);
  ~Verifier();

  // Whether a bearer token looks like one that is for us: three parts. Others are looked up elsewhere.
  static bool is_jwt(std::string_view token);

  // `now` is the time of the wall, by which issuers go. kUnauthenticated says why it is refused; kUnavailable: the keys to
  // tell are not there yet, or too old, come again.
  Result<KnownCaller> verify(std::string_view token, Instant now);

  struct IssuerState {
    std::string name;
    std::size_t keys = 0;  // that count now
    std::string problem;   // of the last fetch; empty if it was good
    Duration age{};        // of the keys
  };
  std::vector<IssuerState> state() const;  // for readiness and metrics

 private:
  struct Issuer;

  std::vector<std::unique_ptr<Issuer>> issuers_;
};

}  // namespace skerry::oidc
