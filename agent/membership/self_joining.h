// self_joining.h: a machine that becomes a node by itself, with a key that many machines were given: as
// agents do that a chart or an image starts.
//
// Blocking; one thread at a time for one set of papers.

#pragma once

#include <stop_token>
#include <string>

#include "agent/membership/joining.h"
#include "common/log.h"

namespace skerry::agent {

// Where to join, by what, and whom to believe.
struct JoinSettings {
  std::string url;       // of REST; empty: it joins by a line alone
  std::string key_file;  // secrets/given_secrets.h
  std::string ca_file;

  bool is_set() const { return !url.empty(); }
};

// Once. Errors as join(), and of the key's file.
Result<Membership> join_by_key(const Papers& papers, const JoinSettings& settings,
                               const std::string& node, Instant now);

// Until it is a node, or told to stop: again and again while the controller does not answer, or what it
// needs is not there yet. kPermissionDenied, kInvalidArgument: the controller refuses, and says why.
Result<Membership> join_patiently(const Papers& papers, const JoinSettings& settings,
                                  const std::string& node, const std::stop_token& stop, Log& log);

}  // namespace skerry::agent
