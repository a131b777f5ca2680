// wire.h: the agent's messages as frames of proto/skerry/v1/agent.proto, and back. Nothing else of
// the agent's logic sees a generated type.
//
// Texts that could hold anything (a model's error) are cut and made valid UTF-8, since a frame with
// other bytes in a text field would not parse.

#pragma once

#include <vector>

#include "agent/messages.h"
#include "skerry/v1/agent.pb.h"

namespace skerry::agent {

v1::AgentFrame to_wire(const std::vector<Outgoing>& messages);
// Takes the payloads out of the frame.
std::vector<Incoming> from_wire(v1::ControllerFrame& frame);

}  // namespace skerry::agent
