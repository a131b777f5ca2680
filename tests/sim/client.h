// client.h: clients that submit, wait, cancel, repeat themselves and keep a ledger of what they
// were told.
//
// What they were told must stay true: an acknowledged job ends, once, and what they saw of an ended
// job never changes. A task of a sequence that succeeded ran on the state that every earlier success of the
// sequence had left, unless a task between them was told that the state was lost.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/core/core.h"
#include "tests/sim/world.h"

namespace skerry::sim {

// The model that all tasks are of, whole.
ModelManifest model();

// Every task that a client draws has a number from 1, in a label that outlives its inputs; 0 = none.
std::uint64_t task_number(const core::JobSpec& spec);

class Clients {
 public:
  Clients(World& world, Random random);

  void install_model();
  bool model_known() const { return model_known_; }
  void plan_requests(Duration over);
  void answer(const core::Answer& answer);
  void controller_died();  // every open request fails; those with a key are sent again

  // What its client does, and has done, to a task.
  FaultSet faults_of(std::uint64_t number) const {
    return number < faults_.size() ? faults_[number] : FaultSet();
  }

  std::uint64_t jobs() const { return acknowledged_.size(); }
  std::uint64_t succeeded() const;
  // After healing: what is not as the ledger says.
  std::vector<std::string> complaints() const;

 private:
  struct Request {
    core::Submit submit;  // its times are ours
    std::uint64_t number = 0;
    std::vector<std::shared_ptr<const std::string>> blobs;  // large inputs
  };

  void request(std::uint64_t number);
  void send(Request request);
  void tell(const Request& request);
  void check_answered(core::Ticket ticket, Instant due);
  void marks(const Request& request, Fault fault);
  void draw_inputs(core::JobSpec& spec, Request& request);
  void told(JobId id);
  void told_end(const core::Job& job);
  core::JobSpec draw_job(Request& request);
  void maybe_cancel(JobId id);
  void check_sequences(std::vector<std::string>& complaints) const;

  World& world_;
  Random random_;
  const double sequence_share_;  // of tasks
  const double cancel_share_;
  core::Ticket next_ticket_ = 1;
  std::vector<FaultSet> faults_{1};                     // by number of task
  std::map<std::uint64_t, std::vector<JobId>> by_key_;  // by request: what its key stands for
  std::map<core::Ticket, Request> open_;
  bool model_known_ = false;
  std::map<JobId, std::optional<core::TaskState>> acknowledged_;  // and how it ended, once told
};

}  // namespace skerry::sim
