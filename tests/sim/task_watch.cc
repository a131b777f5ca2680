#include "tests/sim/task_watch.h"

#include <fmt/format.h>

#include "tests/sim/client.h"

namespace skerry::sim {

namespace {

// Simulated nodes are n0, n1, ...
NodeSet node_of(const std::string& name) {
  return name.empty() ? NodeSet() : NodeSet().set(node_number(name));
}

NodeSet nodes_of(const core::Job& job) {
  NodeSet nodes;
  for (const core::Attempt& attempt : job.live) {
    nodes |= node_of(attempt.node_name);
  }
  return nodes;
}

}  // namespace

std::vector<std::string> TaskWatch::happened(const std::vector<core::Output>& outputs,
                                             const core::Core& core, Instant now) {
  std::vector<std::string> complaints;
  for (const core::Output& output : outputs) {
    const auto* happening = std::get_if<core::Happening>(&output.what);
    const auto* changed = happening ? std::get_if<core::JobChanged>(happening) : nullptr;
    if (changed == nullptr) {
      continue;
    }
    const core::Job* job = core.find_job(changed->job);
    const auto [it, fresh] = known_.try_emplace(changed->job);
    Known& known = it->second;
    if (fresh && job != nullptr) {
      known.number = task_number(job->spec);
    }
    if (!fresh && known.state == changed->state) {
      continue;
    }
    const NodeSet now_at = job != nullptr ? nodes_of(*job) : NodeSet();
    const Transition made{fresh ? std::nullopt : std::optional(known.state), changed->state};
    const FaultSet felt = faults_.felt(now, known.nodes | now_at | node_of(changed->node)) |
                          client_faults_(known.number);
    if (!coverage_.count(made, felt)) {
      complaints.push_back(fmt::format("{} went {}", to_string(changed->job), name_of(made)));
    }
    known.state = changed->state;
    known.nodes = now_at | node_of(changed->node);
  }
  return complaints;
}

std::vector<std::string> TaskWatch::restarted(const core::StoredState& stored,
                                              const core::Core& core, Instant now) {
  std::vector<std::string> complaints;
  std::map<JobId, core::TaskState> states;
  for (const core::JobRecord& record : stored.jobs) {
    states[record.id] = core::TaskState::kReady;
  }
  for (const core::TaskRecord& record : stored.tasks) {
    states[record.id] = record.state;
  }
  std::map<JobId, Known> before;
  before.swap(known_);
  for (auto [id, from] : states) {
    const core::Job& job = *core.find_job(id);
    const auto old = before.find(id);
    // Beyond LEASED nothing is stored of what goes on.
    if (from == core::TaskState::kLeased && old != before.end() &&
        (old->second.state == core::TaskState::kRunning ||
         old->second.state == core::TaskState::kUnknown)) {
      from = old->second.state;
    }
    const Known known{.state = job.state, .nodes = nodes_of(job), .number = task_number(job.spec)};
    const FaultSet felt = faults_.felt(now, known.nodes) | client_faults_(known.number);
    if (from != job.state && !coverage_.count({from, job.state}, felt)) {
      complaints.push_back(
          fmt::format("{} went {} over a restart", to_string(id), name_of({from, job.state})));
    }
    known_[id] = known;
  }
  return complaints;
}

}  // namespace skerry::sim
