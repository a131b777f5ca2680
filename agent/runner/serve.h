// serve.h: the runner's loop: reads frames from the agent's socket, runs the model, writes the
// answers in order.

#pragma once

namespace skerry::runner {

// Returns when the socket closes: 0 if the agent closed it, 1 if a read or write failed, 2 if what
// came was no frame for a runner (the agent and the runner are of different builds). Blocks; the
// caller's thread does everything.
int serve(int fd);

}  // namespace skerry::runner
