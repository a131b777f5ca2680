#include "agent/membership/self_joining.h"

#include <algorithm>

#include "agent/membership/pause.h"
#include "common/secrets/given_secrets.h"

namespace skerry::agent {

namespace {

constexpr Duration kFirstPause = milliseconds(500);
constexpr Duration kLongestPause = seconds(10);

// The controller starts, its address is not known yet, a secret is not mounted yet, the clock is not set
// yet, the machine that had the name before is not yet known to be gone.
bool may_pass(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kNotFound ||
         code == ErrorCode::kUnauthenticated || code == ErrorCode::kConflict;
}

}  // namespace

Result<Membership> join_by_key(const Papers& papers, const JoinSettings& settings,
                               const std::string& node, Instant now) {
  auto key = secrets::read_given_secret(settings.key_file);
  if (!key) {
    return fail(std::move(key).error());
  }
  return join(papers,
              {.line = {.token = *std::move(key), .url = settings.url, .authority = {}},
               .node = node,
               .ca_file = settings.ca_file},
              now);
}

Result<Membership> join_patiently(const Papers& papers, const JoinSettings& settings,
                                  const std::string& node, const std::stop_token& stop, Log& log) {
  for (Duration pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    // A clock of its own each time: one that was anchored before the machine's was set stays wrong.
    auto joined = join_by_key(papers, settings, node, SystemClock().now());
    if (joined || !may_pass(joined.error().code)) {
      return joined;
    }
    log.warn("node {} has not joined at {} yet, and tries again in {:.1f} s: {}", node,
             settings.url, to_seconds(pause), joined.error().message);
    if (!pause_for(pause, stop)) {
      return joined;
    }
  }
}

}  // namespace skerry::agent
