// process.h: what a program that holds secrets does with its own process before anything else.

#pragma once

#include <string>

#include "common/error.h"

namespace skerry {

// Files that it makes are its user's alone, and no core dump of it is written. Once, at the start of main.
void keep_secrets();

// If this is root, and the folder is there and another user's: becomes that user for good, so that what is
// written there is the daemon's that lives in it. kIo.
Status become_owner_of(const std::string& folder);

}  // namespace skerry
