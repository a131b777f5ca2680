// joining.h: how a machine becomes a node, and stays one: enrolment by a join line, and a new certificate
// before the old one ends.
//
// Both ask REST (controller/api/joining.cc). Blocking; one thread at a time for one set of papers.

#pragma once

#include <string>

#include "agent/membership/papers.h"
#include "common/error.h"
#include "common/join_line.h"
#include "common/time.h"

namespace skerry::agent {

struct JoinRequest {
  JoinLine line;             // its authority may be empty where there is a ca_file
  std::string node;          // its name
  std::string ca_file = {};  // of REST, where it shows a certificate that is not the installation's
};

// Makes this machine the node; what it was before is forgotten. May be repeated with the same line until it
// succeeds: the key stays the same. kUnauthenticated: the other end is not the one that the line names;
// kPermissionDenied and others: as REST answers; kUnavailable.
Result<Membership> join(const Papers& papers, const JoinRequest& request, Instant now);

// Asks for a new certificate for the same key. kUnavailable, and as REST answers.
Status renew(const Papers& papers, Instant now);

// When to ask for it: at half of the certificate's life, a tenth of it sooner or later, by a random number
// from 0 to 1 that is the node's own, so that a fleet that joined together does not renew together.
Instant renewal_time(Instant not_before, Instant not_after, double random);

}  // namespace skerry::agent
