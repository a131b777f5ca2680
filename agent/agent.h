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
// With a site (site_port.h) it has two masters, each with a session and a journal of its own; they
// share the executor's slots and queue. Only the controller drains, probes, and gives orders.
//
// Not thread-safe; used on one strand.

#pragma once

#include <optional>
#include <string>

#include "agent/executor.h"
#include "agent/masters_journal.h"
#include "agent/memory_journal.h"
#include "agent/session.h"
#include "agent/site_port.h"

namespace skerry::agent {

// What the machine's sensors said last.
class Sensors {
 public:
  virtual ~Sensors() = default;
  virtual Telemetry sample(Instant now) = 0;  // what the agent knows itself is filled in by it
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
        Log& log, std::optional<SiteParts> site = std::nullopt);

  void start(Instant now);
  void stop(Instant now);
  bool stopped() const {
    return session_.stopped() && (!site_session_ || site_session_->stopped());
  }

  // Of the link to one of its masters.
  void link_opened(Instant now, ConnectionId id, Master master = Master::kController);
  void link_received(Instant now, ConnectionId id, std::vector<Incoming> frame,
                     Master master = Master::kController);
  void link_written(Instant now, ConnectionId id, Master master = Master::kController);
  void link_closed(Instant now, ConnectionId id, const std::string& reason,
                   Master master = Master::kController);
  void blob_fetched(Instant now, Fetched fetched);
  void blob_stored(Instant now, Stored stored);
  // Sends a job of the site to the controller, if that is there.
  void bring(Instant now, SiteJob job);
  // After an engine got an event of its own.
  void settle(Instant now);
  void on_time(Instant now);
  Instant next_timer() const;

  Epoch newest_epoch() const { return session_.newest_epoch(); }
  const Session& session() const { return session_; }

  Hello hello() override;
  Telemetry telemetry(Instant now) override;

 private:
  Session& session_with(Master master);
  void handle(Instant now, ToAgent message, Master master);
  void command(Instant now, ToAgent message);
  void route(Instant now, ToController message);
  void tell_site();

  const AgentOptions options_;
  Journal& journal_;
  MemoryJournal site_journal_;
  MastersJournal journals_;
  Sensors& sensors_;
  SitePort* const site_;
  Executor executor_;
  Session session_;
  std::optional<Session> site_session_;
  bool site_knows_live_ = false;
  bool stopping_ = false;
  Instant stop_at_ = kNever;     // runs are aborted
  Instant abandon_at_ = kNever;  // results are not waited for any more
};

}  // namespace skerry::agent
