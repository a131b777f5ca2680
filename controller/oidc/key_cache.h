// key_cache.h: an issuer's keys between two fetches: which count, and when to fetch again.
//
//            fetched                      refresh after the last time, or wanted and retry after it
//   none ------------> fresh ---------------------------------> due ---- fetched ----> fresh
//    ^ failed: retry                                             | failed: the keys go on, retry
//    +------------------- stale after the last good time --------+
//
// Pure: time is given. Not thread-safe; KeyKeeper (key_keeper.h) guards it.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/time.h"
#include "controller/oidc/jwks.h"

namespace skerry::oidc {

struct KeyTimes {
  Duration refresh = minutes(15);  // again, so long after the last time
  Duration retry =
      seconds(30);            // at the soonest, for a token by an unknown key, or after a failure
  Duration stale = hours(6);  // after the last good time, they are used no more
};

class KeyCache {
 public:
  explicit KeyCache(const KeyTimes& times) : times_(times) {}

  // nullptr: none were fetched yet, or too long ago.
  std::shared_ptr<const KeySet> keys(Instant now) const;
  // Somebody came with a key that is not among them. However often, that is one fetch for each retry.
  void want() { wanted_ = true; }
  // When the next fetch may start; in the past if it may now.
  Instant due() const;
  void fetched(Result<KeySet> set, Instant now);

  // Of the last fetch; empty if it was good.
  const std::string& problem() const { return problem_; }
  std::optional<Instant> good_at() const { return good_at_; }

 private:
  KeyTimes times_;
  std::shared_ptr<const KeySet> keys_;
  std::optional<Instant> tried_at_;
  std::optional<Instant> good_at_;
  bool wanted_ = false;
  std::string problem_ = "not fetched yet";
};

}  // namespace skerry::oidc
