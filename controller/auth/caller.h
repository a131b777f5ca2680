// caller.h: somebody who calls the API, as far as they have shown who they are.

#pragma once

#include <string>
#include <vector>

#include "controller/core/access.h"

namespace skerry::auth {

struct Caller {
  std::string id;  // "token:ID", "file:NAME", "oidc:ISSUER SUBJECT", "anybody"
  std::vector<core::Grant> grants;
  Instant until = kNever;  // what it showed is good until then
};

}  // namespace skerry::auth
