// make_secrets.h: what an installation is given before it runs, for who has nothing that makes secrets:
// `skerry-controller secrets FOLDER`.
//
//   FOLDER/authority.key  FOLDER/ca.pem         authority.key_file and .chain_file; callers believe ca.pem
//   FOLDER/tokens/admin, metrics, test          token_files
//   FOLDER/join.key                             join_keys
//
// What others need of it can be put into folders of their own, so that they are shown nothing else.
//
// Blocking.

#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "common/time.h"

namespace skerry::controller {

// Makes what is not there yet, for this user alone; what is there stays. Returns the paths of what it made.
// kPermissionDenied: others may use the folder; kIo.
Result<std::vector<std::string>> make_secrets(const std::string& folder, Instant now);

// Copies these files of one folder into another, which is for this user alone. kNotFound, kIo.
Status share_secrets(const std::string& folder, const std::vector<std::string>& files,
                     const std::string& into);

}  // namespace skerry::controller
