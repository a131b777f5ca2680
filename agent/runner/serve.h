// serve.h: the runner's loop: reads frames from the agent's socket, runs the model, writes the
// answers in order.

#pragma once

#include "common/process_memory.h"

namespace skerry::runner {

struct Descriptors {
  int socket_fd = -1;
  int model_fd = -1;  // of the model's file; -1: it is opened by the path that the Load names
};

// Returns when the socket closes: 0 if the agent closed it, 1 if a read or write failed, 2 if what
// came was no frame for a runner (the agent and the runner are of different builds). Blocks; the
// caller's thread does everything.
int serve(const Descriptors& descriptors, const OwnMemory& memory);

}  // namespace skerry::runner
