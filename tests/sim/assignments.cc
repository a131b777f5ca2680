#include "tests/sim/assignments.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::sim {

void Assignments::forget(SessionId session, AttemptUid uid) {
  if (const auto it = sessions_.find(session); it != sessions_.end()) {
    it->second.open.erase(uid);
  }
}

void Assignments::before(const core::Event& event) {
  if (const auto* hello = std::get_if<core::AgentHello>(&event)) {
    says_hello_ = hello->node.name;
  } else if (const auto* closed = std::get_if<core::SessionClosed>(&event)) {
    sessions_.erase(closed->session);
  } else if (const auto* ended = std::get_if<core::AttemptEnded>(&event)) {
    forget(ended->session, ended->attempt.uid);
  } else if (const auto* returned = std::get_if<core::AttemptReturned>(&event)) {
    forget(returned->session, returned->attempt.uid);
  }
}

std::vector<std::string> Assignments::after(const core::Effects& effects) {
  std::vector<JobId> ended;
  for (const core::Output& output : effects.outputs) {
    if (const auto* send = std::get_if<core::Send>(&output.what)) {
      if (std::holds_alternative<core::WelcomeAgent>(send->command)) {  // else it was refused
        std::erase_if(sessions_, [&](const auto& known) {
          return known.second.node == says_hello_;  // the core hears no more of the older one
        });
        sessions_[send->session] = {.node = says_hello_, .open = {}};
      } else if (const auto* assign = std::get_if<core::AssignAttempt>(&send->command)) {
        sessions_[send->session].open[assign->attempt.uid] = assign->attempt.job;
      } else if (const auto* cancel = std::get_if<core::CancelAttempt>(&send->command)) {
        forget(send->session, cancel->attempt.uid);
      }
    } else if (const auto* happening = std::get_if<core::Happening>(&output.what)) {
      const auto* job = std::get_if<core::JobEnded>(happening);
      if (job != nullptr) {
        ended.push_back(job->job);
      }
    }
  }
  std::vector<std::string> complaints;
  for (const JobId job : ended) {
    for (std::string& complaint : still_open(job)) {
      complaints.push_back(std::move(complaint));
    }
  }
  return complaints;
}

std::vector<std::string> Assignments::still_open(JobId job) const {
  std::vector<std::string> complaints;
  for (const auto& [id, session] : sessions_) {
    const bool open = std::ranges::any_of(
        session.open, [&](const auto& attempt) { return attempt.second == job; });
    if (open) {
      complaints.push_back(fmt::format("{} ended and its attempt on {} was not cancelled",
                                       to_string(job), session.node));
    }
  }
  return complaints;
}

}  // namespace skerry::sim
