// start.h: what a runner is told on its command line, and the way from there into its sandbox: shared by skerry-runner and
// by the hostile programs of tests/sandbox, which stand where it stands.

#pragma once

#include <string>

#include "agent/runner/sandbox.h"
#include "common/error.h"

namespace skerry::runner {

struct Start {
  int socket_fd = -1;
  int model_fd = -1;     // of the model's file; -1: by the path that the Load names
  bool reports = false;  // says Ready once inside; true if layers were named
  Layers required;       // without one of them the runner ends
  SandboxOptions sandbox;
};

constexpr const char* kStartUsage =
    "  --fd N                 the stream socket to the agent\n"
    "  --model-fd N           the model's file, open for reading\n"
    "  --memory-limit-mb M    of private writable memory\n"
    "  --layers A,B           of the sandbox: user, mount, pid, network, ipc, seccomp, landlock, "
    "limits, none;\n"
    "                         without it network, seccomp and limits\n"
    "  --required A,B         those without which it ends\n"
    "  --born A,B             namespaces that it was started in\n"
    "  --uid N                the user and group to become\n"
    "  --tasks N              threads and processes at the most\n"
    "  --scratch-mb M         of /scratch\n"
    "  --readable PATH        to be seen inside; may be repeated\n"
    "  --device PATH          of a GPU; may be repeated\n";

// kInvalidArgument: what is wrong, in a sentence.
Result<Start> parse_start(int argc, char** argv);

constexpr int kNoSandboxExit =
    71;  // EX_OSERR: a layer that was required is missing, or one broke half-way

// Enters the sandbox, says Ready if that is wanted, and returns the report as a line; ends the process with kNoSandboxExit
// if it must not go on. library: the path of the one with libtorch; more_fds: descriptors to keep beside the two above.
std::string begin(Start start, std::string library, std::vector<int> more_fds);

}  // namespace skerry::runner
