// sandbox.h: what a runner gives up before it touches a model, since a TorchScript file is a
// program from outside.
//
// Called once, first thing, while the process has one thread. Each layer stands alone: one that
// this kernel or container does not permit is reported and left out, so that the same runner works
// on a laptop and under a strict policy; whoever needs a layer reads the report.

#pragma once

#include <cstdint>
#include <string>

namespace skerry::runner {

struct SandboxOptions {
  int kept_fd =
      -1;  // the socket to the agent; 0, 1 and 2 stay too, every other descriptor is closed
  std::uint64_t memory_limit_mb = 0;  // of private writable memory; 0 = none
};

// Returns the report, one line: "no-new-privs yes, network none (Operation not permitted), ...".
std::string enter_sandbox(const SandboxOptions& options);

}  // namespace skerry::runner
