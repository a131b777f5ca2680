// spawn.h: starts a runner process.
//
// The child is made by vfork, so a large agent starts it as fast as a small one, and does nothing
// but system calls until it becomes the runner: joins its control groups, takes its processors and
// its place in the queue for them, gets a process group of its own, and dies with the thread that
// called spawn. Its standard input is empty; its standard error is `stderr_fd`.
//
// Call from the strand's thread alone. Errors leave no process behind.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/error.h"

namespace skerry::agent {

struct SpawnOptions {
  std::string program;                 // absolute, or relative to the working directory
  std::vector<std::string> arguments;  // without the program's name
  int socket_fd = -1;                  // becomes descriptor 3 of the child
  int stderr_fd = -1;
  std::vector<std::string> cgroup_procs;  // files to join by
  std::vector<int> processors;            // empty = any
  int nice = 0;
};

constexpr int kRunnerSocketFd = 3;

Result<pid_t> spawn(const SpawnOptions& options);  // kNotFound, kPermissionDenied, kIo

// Ends a whole process group of spawn's; nothing if it is gone.
void kill_group(pid_t pid);

}  // namespace skerry::agent
