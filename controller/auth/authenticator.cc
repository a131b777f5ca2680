#include "controller/auth/authenticator.h"

#include <algorithm>

namespace skerry::auth {

namespace {

constexpr std::string_view kScheme = "bearer ";
constexpr std::size_t kMostBytes = 16 * 1024;  // of a JWT; ours are far shorter

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_bearer(std::string_view authorization) {
  return authorization.size() > kScheme.size() &&
         std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme, {}, lower);
}

}  // namespace

void Authenticator::heard(const core::AccessChanged& change) {
  if (change.token) {
    directory_.put(*change.token);
  } else if (change.token_gone) {
    directory_.remove(*change.token_gone);
  }
}

Result<Caller> Authenticator::caller(std::string_view authorization, Instant now) {
  if (mode_ == Mode::kOpen) {
    return Caller{.id = "anybody", .grants = {{.role = core::Role::kClusterAdmin}}};
  }
  if (!is_bearer(authorization) || authorization.size() > kMostBytes) {
    return fail(ErrorCode::kUnauthenticated,
                "this needs a token: send the header Authorization: Bearer TOKEN (skerryctl "
                "--token-file, or SKERRY_TOKEN_FILE)");
  }
  const std::string_view shown = authorization.substr(kScheme.size());
  if (auto given = find_given_ ? find_given_(shown) : std::nullopt) {
    return *std::move(given);
  }
  if (std::ranges::count(shown, '.') == 2) {
    return verify_jwt_
               ? verify_jwt_(shown, now)
               : fail(ErrorCode::kUnauthenticated,
                      "this controller trusts no identity provider; use a token of its own");
  }
  const auto token = read_token(TokenKind::kCaller, shown);
  return token ? directory_.caller(*token, now) : fail(token.error());
}

}  // namespace skerry::auth
