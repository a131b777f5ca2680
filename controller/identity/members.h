// members.h: which nodes are enrolled, and with which key: what the agents' port asks at every handshake.
//
// A copy of what the core knows, told to it when it is durable (effects.h, AccessChanged). Thread-safe.

#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "common/error.h"
#include "controller/core/access.h"

namespace skerry::identity {

class Members {
 public:
  // Whether connections that were admitted before must end: the node was revoked, or has another key now.
  bool put(const core::NodeIdentity& identity);

  // kPermissionDenied: not enrolled, with another key, or revoked; a sentence for the log.
  Status check(std::string_view node, std::string_view key) const;

 private:
  struct Member {
    std::string key;
    bool revoked = false;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Member, std::less<>> members_;
};

}  // namespace skerry::identity
