// spawn.h: starts a runner process.
//
// The child is made as by vfork, so a large agent starts it as fast as a small one, and does nothing but system calls until
// it becomes the runner: joins its control groups, takes its processors and its place in the queue for them, gets a session
// of its own and with it no terminal, and dies with the thread that called spawn. Its standard input is empty; its standard
// error is `stderr_fd`; its environment is what is given and nothing else. The namespaces that are asked for are made with
// it, since some cannot be entered later: they are the runner's to furnish (agent/runner/sandbox.h).
//
// Call from the strand's thread alone. Errors leave no process behind.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/error.h"

namespace skerry::agent {

struct SpawnOptions {
  std::string program;                   // absolute, or relative to the working directory
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // "NAME=value"
  int socket_fd = -1;                    // becomes descriptor 3 of the child
  int model_fd = -1;                     // becomes descriptor 4; -1 = none
  int stderr_fd = -1;
  std::vector<std::string> cgroup_procs;  // files to join by
  std::vector<int> processors;            // empty = any
  int nice = 0;
  int namespaces = 0;  // CLONE_NEW...; with a user namespace, this user is its root
};

constexpr int kRunnerSocketFd = 3;
constexpr int kRunnerModelFd = 4;

Result<pid_t> spawn(const SpawnOptions& options);  // kNotFound, kPermissionDenied, kIo

// Whether this machine lets us make these namespaces, tried with a process that ends at once; kUnsupported: why not.
Status try_namespaces(int namespaces);

// Ends a whole process group of spawn's; nothing if it is gone.
void kill_group(pid_t pid);

}  // namespace skerry::agent
