// renewal.h: renews a node's certificate for as long as its agent runs; and joins again by a key, if it
// was given one, when the controller does not know the node any more, as one that lost its disk.
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
#include "agent/membership/self_joining.h"
#include "common/log.h"
#include "common/time.h"

namespace skerry::agent {

class Renewal {
 public:
  Renewal(Papers papers, JoinSettings rejoin, Clock& clock, Log& log);

  // Whether the controller talks to this node; from any thread.
  void set_linked(bool linked) { linked_ = linked; }

  // When the certificate ends; for telemetry. Unix epoch: not known yet.
  Instant expires_at() const { return instant_from_us(expires_us_.load()); }

 private:
  void run(const std::stop_token& stop);
  Instant next_time();
  void try_to_renew(Instant now);
  void look_at_link(Instant now);
  Duration shortest_alone() const;

  const JoinSettings rejoin_;
  std::atomic<bool> linked_ = false;
  Instant alone_since_{};
  Duration alone_limit_{};  // after which it is asked whether the controller knows this node
  Instant due_{};
  Duration pause_{};

  const Papers papers_;
  Clock& clock_;
  Log& log_;
  const double random_;
  std::atomic<std::int64_t> expires_us_ = 0;
  std::jthread thread_;
};

}  // namespace skerry::agent
