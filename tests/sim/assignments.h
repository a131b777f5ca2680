// assignments.h: what agents were told to run, as the core's commands have it; and whether it takes
// back what nobody wants any more.
//
// When a job ends, each other attempt of it that an open session was told of is cancelled with the
// same batch, on a silent node too: it may come back with it. Kept beside the core, told of every
// event and its effects.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/core/core.h"

namespace skerry::sim {

class Assignments {
 public:
  void before(const core::Event& event);
  // Returns a complaint for each attempt that goes on though its job has ended.
  std::vector<std::string> after(const core::Effects& effects);
  void clear() { sessions_.clear(); }  // the controller is another one

 private:
  struct Session {
    std::string node;
    std::map<AttemptUid, JobId> open;
  };

  void forget(SessionId session, AttemptUid uid);
  std::vector<std::string> still_open(JobId job) const;

  std::map<SessionId, Session> sessions_;
  std::string says_hello_;  // the node that did so last
};

}  // namespace skerry::sim
