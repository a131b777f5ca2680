// directory.h: who is calling, by the token that came with the request.
//
// A copy of the core's tokens for the threads of the API. The core tells of each change when it is
// durable (effects.h, AccessChanged), so a revoked token is refused from then on: within milliseconds.
//
// Thread-safe. Made by the daemon's main; put() and remove() are called on the core's strand.

#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "controller/auth/caller.h"
#include "controller/auth/token_text.h"
#include "controller/core/access.h"

namespace skerry::auth {

class Directory {
 public:
  void put(core::Token token);
  void remove(std::string_view id);

  // kUnauthenticated, in one sentence for whatever is wrong with it; expired ones alone are told so.
  Result<Caller> caller(const TokenText& shown, Instant now);
  // Whose tokens were used since the last call, and when last.
  std::vector<std::pair<std::string, Instant>> take_uses();

 private:
  std::shared_mutex mutex_;  // of tokens_: changes are rare
  std::map<std::string, core::Token, std::less<>> tokens_;
  std::mutex uses_mutex_;  // of uses_
  std::map<std::string, Instant> uses_;
};

}  // namespace skerry::auth
