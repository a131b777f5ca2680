#include "agent/membership/renewal.h"

#include <algorithm>

#include "agent/membership/joining.h"
#include "agent/membership/pause.h"
#include "common/digest.h"
#include "common/random.h"

namespace skerry::agent {

namespace {

constexpr Duration kLongestSleep = minutes(10);  // clocks are set, machines sleep
constexpr Duration kFirstPause = seconds(5);
constexpr Duration kLongestPause = minutes(5);
constexpr Duration kLook = seconds(5);                // at the link
constexpr Duration kAloneBeforeAsking = seconds(20);  // also between two times

}  // namespace

Renewal::Renewal(Papers papers, JoinSettings rejoin, Clock& clock, Log& log)
    : rejoin_(std::move(rejoin)),
      alone_since_(clock.now()),
      pause_(kFirstPause),
      papers_(std::move(papers)),
      clock_(clock),
      log_(log),
      random_(Random(random_seed()).uniform()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

// A fleet that lost its controller does not ask all at once.
Duration Renewal::shortest_alone() const {
  return duration_from_seconds(to_seconds(kAloneBeforeAsking) * (0.75 + 0.5 * random_));
}

Instant Renewal::next_time() {
  const auto identity = papers_.identity();
  if (!identity) {
    log_.error("the certificate cannot be renewed: {}", identity.error().message);
    return clock_.now() + kLongestPause;
  }
  const pki::Certificate& own = identity->chain.front();
  expires_us_ = to_us(own.not_after());
  return renewal_time(own.not_before(), own.not_after(), random_);
}

void Renewal::run(const std::stop_token& stop) {
  alone_limit_ = shortest_alone();
  due_ = next_time();
  while (!stop.stop_requested()) {
    const Instant now = clock_.now();
    if (now >= due_) {
      try_to_renew(now);
    } else if (rejoin_.is_set()) {
      look_at_link(now);
    }
    const Duration longest = rejoin_.is_set() ? kLook : kLongestSleep;
    const Instant next = std::max(due_, now + milliseconds(1));
    if (!pause_for(std::min(since(now, next), longest), stop)) {
      return;
    }
  }
}

void Renewal::try_to_renew(Instant now) {
  if (const Status renewed = renew(papers_, now); renewed) {
    pause_ = kFirstPause;
    due_ = next_time();
    log_.info("renewed the certificate, which holds until {}", rfc3339(expires_at()));
  } else {
    log_.warn("the certificate, which holds until {}, is not renewed yet: {}",
              rfc3339(expires_at()), renewed.error().message);
    due_ = now + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
  }
}

// The agents' port turns a stranger away without a word. REST says whether it is that.
void Renewal::look_at_link(Instant now) {
  if (linked_) {
    alone_since_ = now;
    alone_limit_ = shortest_alone();
    return;
  }
  if (since(alone_since_, now) < alone_limit_) {
    return;
  }
  alone_since_ = now;
  alone_limit_ =
      std::min(alone_limit_ * 2, kLongestPause);  // asking costs the controller a signature
  const Status known = renew(papers_, SystemClock().now());
  if (known) {
    due_ = next_time();
  }
  // Unauthenticated: its certificate is too old, or of an authority that is gone.
  if (known || (known.error().code != ErrorCode::kPermissionDenied &&
                known.error().code != ErrorCode::kUnauthenticated)) {
    return;
  }
  const auto membership = papers_.membership();
  if (!membership || !*membership) {
    return;
  }
  const auto joined = join_by_key(papers_, rejoin_, (*membership)->node, SystemClock().now());
  if (joined) {
    due_ = next_time();
    log_.warn("the controller did not know this node by its key any more; it joined again as {}",
              joined->node);
  } else {
    log_.error("the controller does not know this node by its key, and it cannot join again: {}",
               joined.error().message);
  }
}

}  // namespace skerry::agent
