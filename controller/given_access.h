// given_access.h: who may call and who may join by secrets that an operator gave as files, instead of by
// tokens that the controller made: for what is installed by a program (charts, images), which has to know
// its secrets before the controller runs.
//
// Thread-safe. Made by the daemon at its start; the clock and the log outlive it.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config.h"
#include "common/error.h"
#include "common/log.h"
#include "common/secrets/given_secrets.h"
#include "controller/auth/caller.h"
#include "controller/core/access.h"

namespace skerry::controller {

// A file with a caller's token.
struct TokenFile {
  std::string name;
  std::string file;
  std::vector<core::Grant> grants;
};
// A file with a key that machines join by.
struct JoinKeyFile {
  std::string file;
  core::JoinGrant grant;
};
struct GivenAccessOptions {
  std::vector<TokenFile> tokens;
  std::vector<JoinKeyFile> join_keys;
};

// The sections token_files and join_keys of the configuration; what is wrong becomes issues.
GivenAccessOptions read_given_access(ConfigFields root);

class GivenAccess {
 public:
  // kInvalidArgument, kPermissionDenied, kNotFound, kIo: a file, by its name.
  static Result<std::unique_ptr<GivenAccess>> open(GivenAccessOptions options, Clock& clock,
                                                   Log& log);

  // nullopt: it is no token that was given.
  std::optional<auth::Caller> caller(std::string_view shown);
  // nullopt: it is no key that was given.
  std::optional<core::JoinGrant> join_grant(std::string_view shown);
  // Whether somebody has every right already.
  bool has_admin() const;

 private:
  explicit GivenAccess(GivenAccessOptions options) : options_(std::move(options)) {}

  const GivenAccessOptions options_;
  std::unique_ptr<secrets::GivenSecrets> tokens_;  // in the order of options_
  std::unique_ptr<secrets::GivenSecrets> join_keys_;
};

}  // namespace skerry::controller
