// sandbox_config.h: the section `sandbox` of an agent's settings; docs/sandbox.md explains each.

#pragma once

#include "agent/config.h"

namespace skerry::agent {

// What is wrong becomes an issue of the fields. environment: the agent's own, of which a runner gets what is named.
void read_sandbox(ConfigFields fields, const Environment& environment, AgentConfig& config);

}  // namespace skerry::agent
