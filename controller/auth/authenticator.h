// authenticator.h: who is calling: the Authorization header of a request as a Caller.
//
//   Bearer sky_ID_SECRET   a token of ours (directory.h)
//   Bearer a.b.c           a JWT of an identity provider, if one is configured
//   Bearer ...             anything else: a token that an operator gave as a file, if there are any
//
// Thread-safe, but for set_jwt() and set_given(), which come before the first request.

#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "common/error.h"
#include "controller/auth/directory.h"
#include "controller/core/effects.h"

namespace skerry::auth {

enum class Mode : std::uint8_t {
  kTokens,
  kOpen,  // nobody is asked: everybody is the cluster's admin (--insecure-dev)
};

class Authenticator {
 public:
  explicit Authenticator(Mode mode) : mode_(mode) {}

  // kUnauthenticated says what to send.
  Result<Caller> caller(std::string_view authorization, Instant now);

  using VerifyJwt = std::function<Result<Caller>(std::string_view token, Instant now)>;
  void set_jwt(VerifyJwt verify) { verify_jwt_ = std::move(verify); }
  // nullopt: it is none that was given.
  using FindGiven = std::function<std::optional<Caller>(std::string_view token)>;
  void set_given(FindGiven find) { find_given_ = std::move(find); }
  // The core told of it.
  void heard(const core::AccessChanged& change);
  Directory& directory() { return directory_; }

 private:
  const Mode mode_;
  Directory directory_;
  VerifyJwt verify_jwt_;
  FindGiven find_given_;
};

}  // namespace skerry::auth
