// state.h: the core's tables. Handlers (submit.cc, attempts.cc, ...) are free functions over a
// Context of this state.
//
//   jobs        every open job and the retained ended ones, by id
//   ready       which of them wait for a node, in order of turn
//   quotas      what each namespace has of them
//   sequences   stateful sequences: where each one's state is, and which tasks wait their turn
//   nodes       every enrolled node; its session is set while its agent is connected
//   models      manifests, and which variants exist
//   policies    bundles, which one is active, and which are shadows
//   tokens      who may call, who may join, and which nodes have (join_tokens, identities)
//   audit       where the trail of what callers changed stands
//   waiters     callers that wait for a job's end
//   timers      what waits for time
//
// Ownership: State owns everything; entries refer to each other by id only.

#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/random.h"
#include "controller/core/blob_uses.h"
#include "controller/core/core.h"
#include "controller/core/policy_factory.h"
#include "controller/core/policy_table.h"
#include "controller/core/quotas.h"
#include "controller/core/ready_queue.h"
#include "controller/core/timers.h"
#include "scheduler/tail.h"

namespace skerry::core {

struct JobEntry {
  Job job;
  scheduler::ModelId model;
  std::uint64_t ready_order = 0;  // its place in the ready queue; 0 = not queued
  Instant ready_since{};
  Instant hedge_at = kNever;      // the next look whether a second attempt pays
  std::uint64_t sequence = 0;     // number of its sequence; 0 = none
  std::uint64_t idempotency = 0;  // number of the key it was submitted under; 0 = none
  std::vector<Ticket> waiters;
};

struct SequenceEntry {
  std::string key;
  std::optional<NodeId> node;  // where its state lives, once the first task was placed
  std::optional<scheduler::VariantId> variant;
  std::optional<JobId> active;  // placed or up for placement
  std::deque<JobId> behind;
  Instant idle_since{};
  bool held = false;      // a task of it succeeded there: what follows continues from that
  std::string_view lost;  // why, which its next task is told; empty: it is not
};

// How many nodes of a site, or of the fleet, are worth waiting for, and how many of those are
// silent. For the brake.
struct SilenceCount {
  std::uint32_t known = 0;
  std::uint32_t silent = 0;
};

struct NodeEntry {
  NodeId id;
  scheduler::NodeSpec spec;
  std::string identity;  // of the agent that was welcomed last; empty = not known
  std::uint64_t incarnation = 0;
  bool cordoned = false;
  bool draining = false;
  Instant enrolled_at{};
  std::optional<SessionId> session;
  bool suspect = false;       // silent for suspect_after
  bool overdue = false;       // silent for a heartbeat less than that
  bool given_up = true;       // DISCONNECTED: its tasks were placed again
  Instant last_heard{};       // or when its stream broke, or when we started
  bool recovering = false;    // not seen yet since we started
  Instant timer_at = kNever;  // its next look by the clock
  std::string counted_site;   // as it stands in State::site_silence
  SilenceCount counted;
  std::uint64_t counted_slots = 0;  // as they stand in State::slots
  Duration alone{};
  std::uint32_t brought = 0;
  std::uint32_t brought_jobs = 0;  // of its site, since its last hello
  bool wants_orders = false;
  std::string energy_source;
  std::vector<std::string> devices;
  std::string software_version;
  Telemetry telemetry;
  double rtt_s = 0;
  std::uint32_t capacity = 0;
  std::set<JobId> jobs;  // with a live attempt here
  // Cancelled, and its agent has not said yet that they are over: with the seconds each counts for.
  std::map<AttemptUid, double> ending;
  std::vector<LoadedVariant> loaded;  // as its agent says
  std::set<VariantName> resident;     // those of them that are of the newest revision
  std::set<VariantName> cold;         // that it had loaded until its agent started anew
  std::optional<VariantName> probing;
  std::set<VariantName> probed;                         // of this session
  std::map<scheduler::VariantId, Instant> measured_at;  // last, by a probe or a task
  Instant probe_again_at{};                             // not before
  Instant warm_up_at{};                                 // likewise
};

struct ModelEntry {
  scheduler::ModelId id;
  std::uint64_t revision = 0;
  ModelManifest manifest;
  // By name; of those in the manifest. Another artifact is another variant, with an id of its own.
  std::map<std::string, scheduler::VariantId> variants;
  std::uint64_t open_jobs = 0;
  scheduler::Tail tail;  // of its interactive attempts
  // Second attempts that were expected to end first, and that did, those of long ago faded.
  double hedges_promised = 0;
  double hedges_won = 0;
  bool tripped = false;
  Instant tripped_until{};
  std::uint32_t trips = 0;            // since a task of it succeeded
  std::map<NodeId, Instant> crashes;  // the last one on each node, unless it worked there since
};

using IdempotencyName = std::pair<std::string, std::string>;  // namespace, key
struct IdempotencyEntry {
  IdempotencyName name;
  std::string request_digest;
  std::vector<JobId> jobs;
  std::size_t remembered = 0;  // of the jobs; the key goes with the last of them
  BatchNumber batch = 0;
};

struct AuditTrail {
  std::uint64_t first = 1;  // of the lines that are kept
  std::uint64_t last = 0;
  std::string hash = std::string(32, '\0');  // of the last one
};

struct State {
  State(Settings settings_in, std::uint64_t seed, CoreHelpers helpers);

  Settings settings;
  Clock* stopwatch;
  PolicyFactory* factory;
  Random ids;     // attempt uids
  Random jitter;  // backoff
  Epoch epoch;
  std::uint64_t next_job = 1;
  BatchNumber batches = 0;
  std::uint64_t last_revision = 0;  // of any model ever, so that none is used twice

  scheduler::Fleet fleet;
  scheduler::Placer placer;
  PolicyTable policies;
  std::uint64_t decisions_recorded = 0;

  std::map<JobId, JobEntry> jobs;
  std::array<std::uint64_t, kTaskStates> by_state{};  // how many jobs are in each TaskState
  std::uint64_t open_jobs = 0;
  std::deque<JobId> ended;       // retained, oldest first
  bool forgets_by_time = false;  // a timer waits for the oldest of them
  std::set<JobId> to_bring;      // a site's: ended, or held back, and not settled by the controller
  ReadyQueue ready;
  std::uint64_t slots = 0;  // of the nodes that are there
  Quotas quotas;
  bool held_timer_set = false;  // a lane of it is held, or a task set aside
  double hedges_left = 0;       // of the budget
  std::map<std::uint64_t, SequenceEntry> sequences;
  std::map<std::string, std::uint64_t> sequence_numbers;
  std::uint64_t next_sequence = 1;

  std::map<std::string, NodeEntry> nodes;
  std::vector<std::string> node_names;  // by NodeId
  std::map<SessionId, std::string> sessions;
  std::map<std::string, SilenceCount> site_silence;
  std::set<std::string> silent_sites;  // most of whose nodes are
  SilenceCount fleet_silence;
  bool braking = false;
  bool brake_spent = false;  // it held for brake_max; not again before the silence has ended
  Instant braking_since{};

  std::map<std::string, ModelEntry> models;
  std::vector<std::string> model_names;    // by ModelId
  std::vector<VariantName> variant_names;  // by VariantId

  std::map<std::uint64_t, IdempotencyEntry> idempotency;  // by number
  std::map<IdempotencyName, std::uint64_t> idempotency_numbers;
  std::uint64_t next_idempotency = 1;
  struct Waiter {
    JobId job;
    Instant until{};
    bool owns_job = false;     // durability none: the job dies with the caller
    bool from_submit = false;  // answers Submitted, not StillRunning, when the time is up
  };
  std::map<Ticket, Waiter> waiters;
  std::map<std::string, Token, std::less<>> tokens;
  std::map<std::string, JoinToken, std::less<>> join_tokens;
  std::map<std::string, NodeIdentity, std::less<>> identities;  // by node
  AuditTrail audit;
  BlobUses blob_uses;
  Timers timers;
};

}  // namespace skerry::core
