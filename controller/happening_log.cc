#include "controller/happening_log.h"

#include <fmt/format.h>

#include <string>

namespace skerry::controller {

namespace {

void line(Log& log, const core::JobChanged& it) {
  if (log.should_log(spdlog::level::debug)) {
    log.debug("job {}{}", to_string(it.state),
              fields({{"job", to_string(it.job)},
                      {"model", it.model},
                      {"number", std::to_string(it.attempt)},
                      {"node", it.node},
                      {"reason", it.reason}}));
  }
}
void line(Log&, const core::JobEnded&) {}       // its JobChanged was logged
void line(Log&, const core::SubmitRefused&) {}  // a metric: one line each would be a flood
void line(Log&, const core::DecisionMade&) {}
void line(Log& log, const core::AttemptFailed& it) {
  log.warn("attempt {}{}", it.reason,
           fields({{"job", to_string(it.job)}, {"model", it.model}, {"node", it.node}}));
}
void line(Log& log, const core::HedgeLooked& it) {
  if (log.should_log(spdlog::level::debug)) {
    log.debug("hedge {}{}", to_string(it.verdict),
              fields({{"job", to_string(it.job)}, {"model", it.model}}));
  }
}
void line(Log& log, const core::HedgeEnded& it) {
  if (log.should_log(spdlog::level::debug)) {
    log.debug("hedge {}{}", to_string(it.end),
              fields({{"job", to_string(it.job)}, {"model", it.model}}));
  }
}
void line(Log& log, const core::NodeChanged& it) {
  log.info("node {} is {}: {}{}", it.node, it.state, it.reason, fields({{"node", it.node}}));
}
void line(Log& log, const core::SpoolChanged& it) {
  if (it.full) {
    log.warn("the spool of node {} is full, with {} results: it takes no new work{}", it.node,
             it.spooled, fields({{"node", it.node}}));
  } else {
    log.info("the spool of node {} has room again{}", it.node, fields({{"node", it.node}}));
  }
}
void line(Log& log, const core::BrakeChanged& it) {
  if (it.on) {
    log.warn("most nodes fell silent together: nothing is placed again until they are back{}",
             fields({{"site", it.site}}));
  } else {
    log.info("the silence is over: tasks are placed again");
  }
}
void line(Log& log, const core::ModelChanged& it) { log.info("model {} {}", it.model, it.change); }
void line(Log& log, const core::PolicyChanged& it) {
  log.info("policy {} {}{}{}{}", it.policy, it.change, it.reason.empty() ? "" : ": ", it.reason,
           fields({{"policy", it.policy}, {"version", it.version}}));
}
void line(Log& log, const core::BreakerChanged& it) {
  const std::string tags = fields({{"policy", it.policy}, {"version", it.version}});
  if (it.state == "open") {
    log.warn("the breaker of policy {} opened, greedy decides: {}{}", it.policy, it.reason, tags);
  } else {
    log.info("the breaker of policy {} is {}{}", it.policy, it.state, tags);
  }
}

void line(Log& log, const core::AccessChanged& it) {
  if (it.identity) {
    log.info("node {} {}{}", it.identity->node, it.identity->revoked ? "was revoked" : "enrolled",
             fields({{"node", it.identity->node}}));
  } else {
    log.info("token {} {}", it.token ? it.token->id : *it.token_gone,
             it.token ? "made" : "is gone");
  }
}

}  // namespace

void log_happening(Log& log, const core::Happening& happening) {
  std::visit([&](const auto& it) { line(log, it); }, happening);
}

}  // namespace skerry::controller
