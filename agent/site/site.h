// site.h: a site that works while its controller is away: a small controller in the agent's process.
//
//   clients --> ApiServer --> Driver --> Core (greedy, or the policy it was given) --> SiteLink --> Agent
//                             |  RocksDB and blobs in state_dir/site
//   Agent   --> ordered()  --> models, policy and callers, as the controller has them
//   Bringer --> Agent::bring() --> controller: jobs that ended here, and those that have not begun
//
// The API is the controller's own, with one node; the doorman sends to the controller what is its to
// answer. An acknowledged job is durable here as it is there.
//
// Made by main() by way of make_site(), owned by the daemon, used on its strand.

#pragma once

#include "agent/local_site.h"

namespace skerry::agent {

// nullptr if the configuration names no address for a site's API. kCorrupt, kIo, kUnavailable: as
// store::open_rocks_store, or the address cannot be bound.
Result<std::unique_ptr<LocalSite>> make_site(const AgentConfig& config, SiteHost host);

}  // namespace skerry::agent
