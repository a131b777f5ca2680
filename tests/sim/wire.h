// wire.h: between an agent's messages and the core's values, as controller/hub/translate.h and
// agent/wire.h do it together, without the bytes in between.

#pragma once

#include <optional>
#include <string>

#include "agent/messages.h"
#include "controller/core/effects.h"
#include "controller/core/events.h"

namespace skerry::sim {

// nullopt: the core is not told of it (a goodbye, a refusal).
std::optional<core::Event> to_core(agent::ToController message, SessionId session);

// manifest_json: of the model that an assignment or a probe is about. heartbeat_sent: what an echo
// answers.
agent::ToAgent to_agent(const core::AgentCommand& command, const std::string& manifest_json,
                        Instant heartbeat_sent);

}  // namespace skerry::sim
