#include "agent/membership/renewal.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "agent/membership/joining.h"
#include "common/digest.h"
#include "common/random.h"

namespace skerry::agent {

namespace {

constexpr Duration kLongestSleep = minutes(10);  // clocks are set, machines sleep
constexpr Duration kFirstPause = seconds(5);
constexpr Duration kLongestPause = minutes(5);

// False: told to stop.
bool sleep_for(Duration time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, stop, std::chrono::microseconds(time.count()), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

Renewal::Renewal(Papers papers, Clock& clock, Log& log)
    : papers_(std::move(papers)),
      clock_(clock),
      log_(log),
      random_(Random(random_seed()).uniform()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

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
  Duration pause = kFirstPause;
  for (Instant due = next_time(); !stop.stop_requested();) {
    const Instant now = clock_.now();
    if (now < due) {
      if (!sleep_for(std::min(since(now, due), kLongestSleep), stop)) {
        return;
      }
      continue;
    }
    if (const Status renewed = renew(papers_, now); renewed) {
      pause = kFirstPause;
      due = next_time();
      log_.info("renewed the certificate, which holds until {}", rfc3339(expires_at()));
    } else {
      log_.warn("the certificate, which holds until {}, is not renewed yet: {}",
                rfc3339(expires_at()), renewed.error().message);
      due = now + pause;
      pause = std::min(pause * 2, kLongestPause);
    }
  }
}

}  // namespace skerry::agent
