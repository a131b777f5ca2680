// first_secrets.h: what a controller makes for itself at its first start: the audit trail's key, and the
// token of its first admin.
//
// Both lie in its data folder, each readable by its user alone (pki/secret_file.h). Blocking.

#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/log.h"
#include "controller/auth/token_text.h"
#include "controller/core/access.h"
#include "controller/gateway.h"

namespace skerry::controller {

// Made if it is not there. kPermissionDenied: others may read it; kCorrupt: it is no key; kIo.
Result<std::string> audit_key(const std::string& folder);

// Makes a token with every right, and writes its text to admin.token before the core knows of it. Returns at
// once; the log says where it lies, and `known` is called once the token counts. kIo, kPermissionDenied.
Status make_first_token(Gateway& gateway, const std::string& folder, Log& log,
                        std::function<void()> known);

}  // namespace skerry::controller
