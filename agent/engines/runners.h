// runners.h: the torch engine's seam to its runner processes.
//
// Implemented by agent/runner_process.h and by fakes. Calls never call back: frames and exits
// arrive later as calls to TorchEngine (received, exited). A runner that was killed, or could not
// be started, still answers with exited, once.

#pragma once

#include <cstdint>
#include <string>

#include "agent/runner/protocol.h"

namespace skerry::agent {

using RunnerId = std::uint64_t;  // chosen by the engine, from 1

struct RunnerExit {
  std::string how;             // "by signal 11 (Segmentation fault)", "with status 3"
  bool never_started = false;  // the process could not be made; how says why
};

struct RunnerNeeds {
  std::uint64_t memory_limit_bytes = 0;  // of its private writable memory; 0 = none
  std::string artifact_path;             // the model that it is to load, verified; empty = none
};

class Runners {
 public:
  virtual ~Runners() = default;

  virtual void spawn(RunnerId id, const RunnerNeeds& needs) = 0;
  virtual void send(RunnerId id, const runner::Frame& frame) = 0;
  virtual void kill(RunnerId id) = 0;
};

}  // namespace skerry::agent
