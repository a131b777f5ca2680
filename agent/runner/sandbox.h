// sandbox.h: what a runner gives up before it touches a model, since a TorchScript file is a program from outside.
//
// Called once, first thing, while the process has one thread. Some of it needs nobody's permission and is always done: no
// new privileges, no capabilities, no core dump, not to be traced, every descriptor closed but those named, files for the
// owner alone (umask 077), first to go when memory runs out, and death with the agent. The rest are layers (layers.h), of
// which the kernel or a container may forbid some: each stands alone, and the report says which are there and why others
// are not. Namespaces are made with the process, by the agent; the runner furnishes them.
//
// The order matters: files are mounted while there are privileges, privileges go before Landlock and the filter of system
// calls, and the filter is last since it forbids most of what the others need. docs/sandbox.md says what each layer stops.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/runner/layers.h"

namespace skerry::runner {

struct SandboxOptions {
  Layers layers;  // to enter
  Layers
      born;  // of those, the namespaces that the process was born in: kUser, kMount, kPid, kNetwork, kIpc
  std::vector<int> kept_fds;          // beside 0, 1 and 2
  int socket_fd = -1;                 // to the agent, whose end of it closes when the agent is gone
  std::uint64_t memory_limit_mb = 0;  // of private writable memory; 0 = none
  std::uint32_t uid = 0;              // to become, with the group of the same number; 0 = stay
  std::uint64_t scratch_mb = 16;      // of /scratch, which goes with the process
  std::uint32_t tasks = 128;          // processes and threads at the most
  std::string library;                // what must be readable in the end: the library with libtorch
  std::vector<std::string> readable;  // beside it: files and folders
  std::vector<std::string> devices;   // of GPUs; with one, the driver's needs are allowed for
};

struct SandboxReport {
  std::vector<LayerState> layers;  // kCgroup apart
  bool usable = true;              // false: a layer broke half-way, and the process must end
};

SandboxReport enter_sandbox(const SandboxOptions& options);

}  // namespace skerry::runner
