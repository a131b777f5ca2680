// executor.h: decides what runs on this node when: a queue, slots, materials, deadlines,
// cancellation, probes.
//
// A state machine without I/O: commands and answers come in with the time; engines and blobs are
// asked to do things and answer later; messages for the controller gather in take_messages(). Every
// accepted attempt is in the journal until its result is acknowledged or it is given back. The
// owner calls on_time when next_timer() has come, and settle() once after every event, which
// collects what engines ended and fills free slots.
//
// Capacity = slots + queue depth. What is over it, of an engine not here, or arrives while draining
// is given back. A cancelled or expired run gets a short grace to end by itself and is then aborted
// with its runner. A cancelled one gets as long as loading its variant takes, if that is more: a new
// runner would not be there any sooner.
//
// What is to be loaded must be what the manifest names, and signed where this node asks for that: the
// controller's word is not enough. An attempt of anything else ends, unfetched, for another node to try.
//
// Not thread-safe; used on the agent's strand.

#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/attempt.h"
#include "agent/blobs.h"
#include "agent/energy.h"
#include "agent/journal.h"
#include "agent/probes.h"
#include "common/log.h"
#include "common/model_trust.h"

namespace skerry::agent {

struct ExecutorOptions {
  std::uint32_t slots = 1;
  std::uint32_t queue_depth = 4;
  Duration grace = milliseconds(200);  // of a cancelled or expired run, before its runner is ended
  Duration longest_grace = milliseconds(800);  // so that what is cancelled is gone within a second
  Duration patience = seconds(2);    // how long an attempt without room lets later ones pass
  std::size_t spool_limit = 10'000;  // unsettled results; beyond it new work is given back
  std::uint64_t spool_limit_bytes = 256u << 20;
  std::size_t remembered = 4096;  // uids of settled attempts, to tell a late duplicate
  NodePhysics physics;
  ModelTrust trust;
};

class Executor {
 public:
  // All referents outlive the executor.
  Executor(ExecutorOptions options, std::vector<Engine*> engines, Blobs& blobs, Journal& journal,
           EnergyMeter& meter, Log& log);

  // Takes up what the journal holds; once, before anything else.
  void restore(Instant now);

  void assign(Instant now, Assign assign);
  void cancel(Instant now, const Cancel& cancel);
  void probe(Instant now, const Probe& probe);
  void set_draining(Instant now, bool draining);
  void abort_running(Instant now, const std::string& reason);  // at the end of a stop's patience

  void fetched(Instant now, Fetched fetched);
  void stored(Instant now, Stored stored);
  void on_time(Instant now);
  Instant next_timer() const;
  void settle(Instant now);

  std::vector<ToController> take_messages();

  std::uint32_t capacity() const;
  std::uint32_t queued() const;
  std::uint32_t running() const { return running_; }
  bool idle() const { return attempts_.empty(); }
  bool spool_full() const;  // too many results wait, or their disk is full
  const std::vector<VariantRef>& resident() const { return resident_; }

 private:
  using Attempts = std::map<RunToken, Attempt>;

  // Commands (executor.cc).
  Engine* engine_of(const KnownManifest& manifest) const;
  void note_spool();
  std::string refusal() const;  // why no more is taken now; empty if more is
  bool repeated(const AttemptRef& attempt);
  void admit(Instant now, Assign assign, ManifestPtr manifest, Engine* engine, Instant received);
  void fetch_materials(Instant now, Attempt& attempt);
  void materials_arrived(Instant now, Attempt& attempt);
  void give_back(const AttemptRef& attempt, std::string reason);
  void give_back(Attempt& attempt, std::string reason);
  void end_unstarted(Attempt& attempt, Outcome outcome, std::string reason);
  void end_soon(Instant now, Attempt& attempt, Outcome outcome, std::string reason, Duration grace);
  void watch(Instant at, RunToken token);
  Duration grace_of(const Attempt& attempt) const;  // once it is cancelled
  Attempt* find(RunToken token);
  Attempt* find(AttemptUid uid);

  // Runs (executor_runs.cc).
  bool start_next(Instant now);
  void start(Instant now, Attempt& attempt, Work work);
  static bool is_loaded(const Engine& engine, const VariantRef& variant);
  bool start_probe(Instant now);
  void ended(Instant now, RunEnded run);
  void finish(Attempt& attempt, Ended result);
  void forget(Attempt& attempt, bool returned);
  Usage usage(Instant now, const Attempt& attempt, const RunEnded& run);
  void count_running(Instant now, int change);
  void probe_ended(std::optional<ProbeResult> result, RunToken token);
  void tell_resident();

  const ExecutorOptions options_;
  const std::vector<Engine*> engines_;
  Blobs& blobs_;
  Journal& journal_;
  EnergyMeter& meter_;
  Log& log_;

  Manifests manifests_;
  Attempts attempts_;
  std::unordered_map<AttemptUid, RunToken> by_uid_;
  std::set<QueuePlace> waiting_;
  std::set<std::pair<Instant, RunToken>>
      timers_;  // deadlines, ends of grace; may name attempts that are gone
  Probes probes_;
  std::unordered_map<RunToken, std::string> probe_artifacts_;  // fetched, to be released
  std::deque<AttemptUid> remembered_order_;
  std::unordered_map<AttemptUid, bool> remembered_;  // whether it was given back
  RunToken last_token_ = 0;
  std::uint32_t running_ = 0;
  bool draining_ = false;
  bool spool_was_full_ = false;
  EnergyLedger ledger_;
  std::vector<VariantRef> resident_;
  std::map<std::string, Duration> loads_;  // what loading took last, by "model/variant"
  std::vector<ToController> messages_;
};

}  // namespace skerry::agent
