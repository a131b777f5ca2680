// runner_groups.h: memory and tasks of each runner bounded by a control group, where this machine lets the agent make one:
// the sandbox's layer "cgroup". It counts what rlimits do not, the kernel's memory and what lies in scratch among it, and
// what a runner takes beyond it ends the runner, not the node.
//
// Blocking, but only on the kernel's own file systems. Groups of an agent that died are removed at the next start.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/control_groups.h"
#include "common/error.h"

namespace skerry::agent {

class RunnerGroups {
 public:
  // Finds out what works by trying. kUnsupported: why memory, or tasks, cannot be bounded here.
  static Result<RunnerGroups> detect();
  // With the parents given, for tests: one of version 2, or two of version 1, of memory and of pids.
  explicit RunnerGroups(std::vector<GroupParent> parents) : parents_(std::move(parents)) {}

  // The groups of a new runner: the files to join them by. memory_bytes: 0 = no bound; tasks: threads and processes.
  Result<std::vector<std::string>> make(std::uint64_t runner, std::uint64_t memory_bytes,
                                        std::uint32_t tasks) const;
  void remove(std::uint64_t runner) const;  // after its processes are gone

 private:
  std::vector<GroupParent> parents_;
};

}  // namespace skerry::agent
