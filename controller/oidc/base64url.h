// base64url.h: reads base64url as JOSE writes it (RFC 7515, 2): no padding, no line breaks.
//
// Canonical only: one text for the same bytes, so bits beyond the last byte must be zero. Pure.

#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::oidc {

Result<std::string> from_base64url(std::string_view text);  // kInvalidArgument

}  // namespace skerry::oidc
