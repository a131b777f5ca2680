// program.h: an agent's command line. docs/agent.md tells how to use it.
//
// There are two programs. skerry-agent has no site's API, and with it neither a store nor a server: a third of
// the memory. Where local_api.listen is set it becomes skerry-agent-site, the same process with the same
// arguments, before it does anything else.

#pragma once

#include "agent/local_site.h"

namespace skerry::agent {

// Does as main() does. An empty `make_site`: this program has no site.
int run_program(int argc, char** argv, const MakeSite& make_site);

}  // namespace skerry::agent
