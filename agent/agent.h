// agent.h: the whole agent but for its I/O: session and executor wired to each other.
//
// Runs against its seams alone (AgentLink, Journal, Engines, Blobs, EnergyMeter, Sensors), so that
// a simulation can run many of it on a virtual clock. Every event comes in by a method with the
// time; each ends by settling: engines' results are collected, slots filled, and messages written.
// The owner then sets its timer to next_timer().
//
// stop(): gives back what has not started, lets runs finish until the limit, delivers results, says
// goodbye; stopped() tells when it is over.
//
// Not thread-safe; used on one strand.

#pragma once

#include <string>

#include "agent/executor.h"
#include "agent/session.h"

namespace skerry::agent {

// What the machine's sensors said last.
class Sensors {
 public:
  virtual ~Sensors() = default;
  virtual Telemetry sample(
      Instant now) = 0;  // queued, running and spooled are filled in by the agent
};

struct AgentOptions {
  std::string node_name;
  std::string identity;
  std::uint64_t incarnation = 1;
  std::string software_version;
  Capabilities capabilities;
  Duration stop_limit = seconds(10);
  SessionOptions session;
  ExecutorOptions executor;
};

class Agent final : public SessionSubject {
 public:
  Agent(AgentOptions options, AgentLink& link, Journal& journal, std::vector<Engine*> engines,
        Blobs& blobs, EnergyMeter& meter, Sensors& sensors, Epoch newest_epoch, Random random,
        Log& log);

  void start(Instant now);
  void stop(Instant now);
  bool stopped() const { return session_.stopped(); }

  void link_opened(Instant now, ConnectionId id);
  void link_received(Instant now, ConnectionId id, std::vector<Incoming> frame);
  void link_written(Instant now, ConnectionId id);
  void link_closed(Instant now, ConnectionId id, const std::string& reason);
  void blob_fetched(Instant now, Fetched fetched);
  void blob_stored(Instant now, Stored stored);
  // After an engine got an event of its own.
  void settle(Instant now);
  void on_time(Instant now);
  Instant next_timer() const;

  Epoch newest_epoch() const { return session_.newest_epoch(); }
  const Session& session() const { return session_; }

  Hello hello() override;
  Telemetry telemetry(Instant now) override;

 private:
  void handle(Instant now, ToAgent message);

  const AgentOptions options_;
  Journal& journal_;
  Sensors& sensors_;
  Executor executor_;
  Session session_;
  bool stopping_ = false;
  Instant stop_at_ = kNever;     // runs are aborted
  Instant abandon_at_ = kNever;  // results are not waited for any more
};

}  // namespace skerry::agent
