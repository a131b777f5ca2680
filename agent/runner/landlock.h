// landlock.h: the kernel's Landlock for a runner: it may read its libraries, use its devices and its scratch space, and open
// nothing else; connect and listen nowhere; send signals and reach abstract sockets only among itself. The model needs no
// rule, for it comes as an open descriptor.
//
// How much of that holds depends on the kernel's version of Landlock, which is asked: files from 5.13 on, truncation from
// 6.2, TCP from 6.7, ioctl of devices from 6.10, signals and abstract sockets from 6.12. Nothing is undone on an error.

#pragma once

#include "agent/runner/jail.h"
#include "common/error.h"

namespace skerry::runner {

// jailed: the root is jail.h's, all of which may be read. Needs no_new_privs. kUnsupported: the kernel has none, or has it
// switched off.
Status enter_landlock(const Places& places, bool jailed);

// The version that the kernel offers; 0 if none.
int landlock_version();

}  // namespace skerry::runner
