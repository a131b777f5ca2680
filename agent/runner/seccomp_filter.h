// seccomp_filter.h: the system calls that a runner may make: those that libtorch, its libraries and the C library were seen
// to make while models load and run (docs/sandbox.md says how they were found), and nothing else.
//
// What is not allowed fails with EPERM, so that a library that only tries goes on without; clone3 and io_uring fail with
// ENOSYS, for which callers have another way. What nothing honest calls ends the process with SIGSYS at once: its being
// called is proof that the process is no longer our program. The lists are in seccomp_filter.cc, with the reasons.

#pragma once

#include "common/error.h"

namespace skerry::runner {

// For this process and what it starts, for good; call it last, with no_new_privs and one thread. gpu: also what NVIDIA's
// driver calls. kUnsupported: the kernel has no filters, or this build no libseccomp.
Status enter_filter(bool gpu);

}  // namespace skerry::runner
