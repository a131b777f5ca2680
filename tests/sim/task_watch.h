// task_watch.h: follows every task of the core through its states, and counts under which faults
// each transition happened (coverage.h).
//
// Told of all that an event made happen before any of it leaves, and of every start of a controller:
// then tasks are as the store has them, and what was never durable is forgotten.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controller/core/core.h"
#include "tests/sim/coverage.h"
#include "tests/sim/fault_log.h"

namespace skerry::sim {

class TaskWatch {
 public:
  // What the client of the task of that number (client.h) does to it.
  using ClientFaults = std::function<FaultSet(std::uint64_t number)>;

  TaskWatch(const FaultLog& faults, ClientFaults client_faults, Coverage& coverage)
      : faults_(faults), client_faults_(std::move(client_faults)), coverage_(coverage) {}

  // Sentences about transitions that no task may make.
  std::vector<std::string> happened(const std::vector<core::Output>& outputs,
                                    const core::Core& core, Instant now);
  std::vector<std::string> restarted(const core::StoredState& stored, const core::Core& core,
                                     Instant now);

 private:
  struct Known {
    core::TaskState state = core::TaskState::kReady;
    NodeSet nodes;  // with an attempt of it
    std::uint64_t number = 0;
  };

  const FaultLog& faults_;
  const ClientFaults client_faults_;
  Coverage& coverage_;
  std::map<JobId, Known> known_;
};

}  // namespace skerry::sim
