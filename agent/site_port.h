// site_port.h: the agent's seam to its site's own API, which takes jobs while the controller is away.
//
// The site places its jobs on this node alone, through a session of its own (an AgentLink in the same
// process), as a second master beside the controller. What the controller says of it arrives here;
// what the site has to say to the controller goes the other way by Agent::bring().
//
// Implemented by agent/site/site.h. Called on the agent's strand; calls never call back.

#pragma once

#include "agent/link.h"
#include "agent/messages.h"

namespace skerry::agent {

class SitePort {
 public:
  virtual ~SitePort() = default;

  // The controller is there, or is not any more.
  virtual void connected(bool live) = 0;
  virtual void ordered(StandingOrders orders) = 0;
  virtual void taken(const SiteJobTaken& taken) = 0;
};

// What an agent is given of its site; both outlive it.
struct SiteParts {
  AgentLink& link;
  SitePort& port;
};

}  // namespace skerry::agent
