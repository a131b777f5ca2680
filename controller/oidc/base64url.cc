#include "controller/oidc/base64url.h"

#include "common/digest.h"

namespace skerry::oidc {

Result<std::string> from_base64url(std::string_view text) {
  const auto refused = [] {
    return fail(
        ErrorCode::kInvalidArgument,
        "this is not base64url: it takes A-Z, a-z, 0-9, - and _, no padding, and zeros for the "
        "bits that are left over");
  };
  if (text.find_first_of("+/=") != std::string_view::npos) {  // of base64, which is decoded below
    return refused();
  }
  std::string base64(text);
  for (char& c : base64) {
    c = c == '-' ? '+' : (c == '_' ? '/' : c);
  }
  base64.append((4 - base64.size() % 4) % 4, '=');
  Result<std::string> bytes = from_base64(base64);
  return bytes ? std::move(bytes) : refused();
}

}  // namespace skerry::oidc
