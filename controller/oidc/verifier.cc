#include "controller/oidc/verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace skerry::oidc {

namespace {

std::unique_ptr<KeySource> source_of(const IssuerSettings& issuer,
                                     const Verifier::MakeFetcher& make_fetcher) {
  if (!issuer.key_file.empty()) {
    return keys_of_file(issuer.key_file);
  }
  if (!issuer.jwks_url.empty()) {
    return keys_of_url(issuer.jwks_url, make_fetcher(issuer.policy));
  }
  return discovered_keys(issuer.rules.issuer, make_fetcher(issuer.policy));
}

}  // namespace

struct Verifier::Issuer {
  IssuerSettings settings;
  KeyKeeper keys;
};

Verifier::Verifier(Settings settings, const MakeFetcher& make_fetcher, Clock& clock, Log& log) {
  for (const IssuerSettings& issuer : settings.issuers) {
    issuers_.push_back(std::unique_ptr<Issuer>(new Issuer{
        issuer, {issuer.name, source_of(issuer, make_fetcher), settings.times, clock, log}}));
  }
}

Verifier::~Verifier() = default;

bool Verifier::is_jwt(std::string_view token) { return std::ranges::count(token, '.') == 2; }

Result<KnownCaller> Verifier::verify(std::string_view token, Instant now) {
  const Result<UnverifiedToken> read = read_token(token);
  if (!read) {
    return fail(read.error());
  }
  std::optional<Error> refusal;
  const Issuer* without_keys = nullptr;
  for (const auto& issuer : issuers_) {
    const std::shared_ptr<const KeySet> keys = issuer->keys.keys();
    const PublicKey* const key = keys ? keys->find(read->key_id) : nullptr;
    if (key == nullptr) {
      without_keys = keys ? without_keys : issuer.get();
      continue;
    }
    const Result<Claims> claims = oidc::verify(*read, *key, issuer->settings.rules, now);
    if (claims) {
      return KnownCaller{.issuer = issuer->settings.name,
                         .subject = claims->subject,
                         .grants = grants_of(claims->all, issuer->settings.roles),
                         .expires_at = claims->expires_at};
    }
    refusal = claims.error();
  }
  if (refusal) {
    return fail(*std::move(refusal));
  }
  for (const auto& issuer : issuers_) {
    issuer->keys.want();
  }
  if (without_keys != nullptr) {
    return fail({.code = ErrorCode::kUnavailable,
                 .message = fmt::format(
                     "the token cannot be checked: the keys of the issuer '{}' are not known: {}",
                     without_keys->settings.name, without_keys->keys.state().problem)});
  }
  return fail(ErrorCode::kUnauthenticated,
              "the token is refused: no issuer is known to have the key that it names; if the "
              "issuer has just changed its "
              "keys, come again in a minute");
}

std::vector<Verifier::IssuerState> Verifier::state() const {
  std::vector<IssuerState> states;
  for (const auto& issuer : issuers_) {
    KeyKeeper::State keys = issuer->keys.state();
    states.push_back({.name = issuer->settings.name,
                      .keys = keys.keys ? keys.keys->keys.size() : 0,
                      .problem = std::move(keys.problem),
                      .age = keys.age});
  }
  return states;
}

}  // namespace skerry::oidc
