// process.h: what a daemon that holds secrets does with its own process before anything else.

#pragma once

namespace skerry {

// Files that it makes are its user's alone, and no core dump of it is written. Once, at the start of main.
void keep_secrets();

}  // namespace skerry
