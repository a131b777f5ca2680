// renewal.h: renews a node's certificate for as long as its agent runs.
//
// Has a thread of its own, which sleeps until the certificate is due and asks REST again and again when it
// does not answer. gRPC sees the new file by itself (credentials.h). Ends with the object. Owned by the
// daemon; clock and log outlive it.

#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <thread>

#include "agent/membership/papers.h"
#include "common/log.h"
#include "common/time.h"

namespace skerry::agent {

class Renewal {
 public:
  Renewal(Papers papers, Clock& clock, Log& log);

  // When the certificate ends; for telemetry. Unix epoch: not known yet.
  Instant expires_at() const { return instant_from_us(expires_us_.load()); }

 private:
  void run(const std::stop_token& stop);
  Instant next_time();

  const Papers papers_;
  Clock& clock_;
  Log& log_;
  const double random_;
  std::atomic<std::int64_t> expires_us_ = 0;
  std::jthread thread_;
};

}  // namespace skerry::agent
