// session.h: keeps the agent in touch with its controller: hello, heartbeats, reconnects, and
// results until they are settled.
//
//             start              opened              Welcome
//   kStopped -------> kConnecting ------> kGreeting --------> kLive
//                       ^      | closed,     | closed, late,     | closed, silent,
//                       |      v late        v refused           v refused, flooded
//                       +--- kWaiting <------+-------------------+
//                   full-jitter delay
//   finish: kLive --everything delivered, Goodbye written--> kStopped
//
// A state machine without I/O: events come in with the time, frames go out through AgentLink, and
// the owner calls on_time when next_timer() has come. Messages gather while a write is under way
// and leave together. What is not queued twice: a heartbeat, the credits and the resident set, of
// which only the newest counts. Results are not queued here at all: a cursor walks the journal's
// spool, from its start after every Welcome, so each is sent again until it is acknowledged.
// That an attempt started is no hurry: it waits a moment for company, so that of a short forward
// both messages leave in one write.
//
// Commands of an older epoch than the newest seen are dropped and logged. Messages for the executor
// are handed back by received(). Until a hello is said, messages are dropped: it will say it all.
// From then on they gather, since they change what it said, and leave after the Welcome.
//
// Not thread-safe; used on the agent's strand.

#pragma once

#include <deque>
#include <optional>
#include <string>

#include "agent/journal.h"
#include "agent/link.h"
#include "common/log.h"
#include "common/random.h"

namespace skerry::agent {

struct SessionOptions {
  std::string peer = "the controller";   // in logs
  Duration heartbeat = seconds(1);       // until a Welcome sets another
  Duration silence_limit = seconds(10);  // a live connection without a word is given up
  Duration greeting_limit = seconds(10);
  Duration backoff_base = milliseconds(100);
  Duration backoff_cap = seconds(5);
  Duration started_delay = milliseconds(5);  // the moment for which Started waits
  std::size_t outbox_limit = 4096;           // messages; beyond it the connection is given up
  std::size_t frame_bytes = 1 << 20;
  std::size_t frame_messages = 512;
};

// What the session tells about the agent; asked at the moment of sending.
class SessionSubject {
 public:
  virtual ~SessionSubject() = default;
  virtual Hello hello() = 0;  // running, spooled and alone are filled in by the session
  virtual Telemetry telemetry(Instant now) = 0;
};

class Session {
 public:
  // newest_epoch: the newest ever seen, from before a restart. All referents outlive the session.
  Session(SessionOptions options, AgentLink& link, Journal& journal, SessionSubject& subject,
          Epoch newest_epoch, Random random, Log& log);

  void start(Instant now);
  // Says goodbye once everything is delivered, then stops; stopped() tells when.
  void finish(Instant now, std::string reason);
  // Stops at once.
  void abandon();

  void opened(Instant now, ConnectionId id);
  [[nodiscard]] std::optional<ToAgent> received(Instant now, ConnectionId id, Incoming message);
  void written(Instant now, ConnectionId id);
  void closed(Instant now, ConnectionId id, const std::string& reason);
  void on_time(Instant now);
  Instant next_timer() const;

  // Queues a message (of the kinds Started, Returned, Credits, ProbeResult, Resident); it leaves
  // with the next flush.
  void send(Instant now, ToController message);
  // Writes what has gathered, if no write is under way. To be called once after each event.
  void flush(Instant now);

  bool live() const { return state_ == State::kLive; }
  bool stopped() const { return state_ == State::kStopped; }
  Epoch newest_epoch() const { return newest_epoch_; }
  Duration rtt() const { return rtt_; }

 private:
  enum class State { kStopped, kConnecting, kGreeting, kLive, kWaiting };

  void connect(Instant now);
  void drop_connection(Instant now, const std::string& reason);
  void wait_to_retry(Instant now);
  void welcomed(Instant now, const Welcome& welcome);
  void acknowledged(const ResultAck& ack);
  void refused(Instant now, const Refused& refusal);
  bool outdated(Epoch epoch, const char* what, const AttemptRef& attempt);
  bool hurries() const;
  std::vector<Outgoing> next_frame(Instant now);
  void add(std::vector<Outgoing>& frame, ToController body);

  const SessionOptions options_;
  AgentLink& link_;
  Journal& journal_;
  SessionSubject& subject_;
  Random random_;
  Log& log_;

  State state_ = State::kStopped;
  ConnectionId connection_ = 0;
  Epoch newest_epoch_;
  std::uint32_t failures_ = 0;  // in a row
  Instant deadline_ = kNever;   // of connecting and greeting; the retry while waiting
  std::optional<Instant> alone_since_;
  std::optional<std::string> goodbye_;
  bool goodbye_sent_ = false;

  // Of the live connection:
  std::uint64_t last_seq_ = 0;
  bool writing_ = false;
  Instant heard_;
  Duration heartbeat_;
  Instant next_heartbeat_ = kNever;
  bool heartbeat_due_ = false;
  Duration rtt_{};
  std::deque<ToController> outbox_;
  std::size_t patient_ = 0;    // of those, how many say that an attempt started
  Instant patience_ = kNever;  // when they leave at the latest
  std::optional<Credits> credits_;
  std::optional<Resident> resident_;
  JournalPosition cursor_ = 0;
};

}  // namespace skerry::agent
