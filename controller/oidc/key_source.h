// key_source.h: where an issuer's keys come from: a file, a URL, or where its own configuration says (OpenID Connect
// Discovery 1.0). A source keeps nothing; every fetch asks anew.

#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "common/error.h"
#include "controller/oidc/jwks.h"
#include "controller/outbound/fetcher.h"

namespace skerry::oidc {

class KeySource {
 public:
  virtual ~KeySource() = default;
  // Blocks; called from one thread at a time. Any error of files, outbound::Fetcher or parse_key_set.
  virtual Result<KeySet> fetch(std::stop_token stop) = 0;
};

std::unique_ptr<KeySource> keys_of_file(std::string path);
std::unique_ptr<KeySource> keys_of_url(std::string url, std::unique_ptr<outbound::Fetcher> fetcher);
// The document at ISSUER/.well-known/openid-configuration must name the very issuer, or it is that of another.
std::unique_ptr<KeySource> discovered_keys(std::string issuer,
                                           std::unique_ptr<outbound::Fetcher> fetcher);

}  // namespace skerry::oidc
