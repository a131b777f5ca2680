// daemon.h: the agent's shells around its state machines: one thread, one strand, everything that
// does I/O.
//
// Owned by main. run() serves until SIGTERM or SIGINT has been obeyed (a second one ends at once),
// or until the state directory cannot be written, which is the only error it returns. gRPC's
// threads and the one thread for blocking file work post to the strand and touch nothing else.

#pragma once

#include <memory>

#include "agent/config.h"
#include "agent/local_site.h"
#include "common/error.h"
#include "common/log.h"

namespace skerry::agent {

class Daemon {
 public:
  // Opens the state directory, reads the certificates, and finds out what the machine offers. kUnsupported: not
  // what the settings require of the sandbox of runners.
  static Result<std::unique_ptr<Daemon>> make(const AgentConfig& config, const MakeSite& make_site,
                                              Log& log);
  ~Daemon();

  Status run();

 private:
  class Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::agent
