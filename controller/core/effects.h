// effects.h: everything the core wants done. The shell (controller/driver.h) does it.
//
// Persist, then act: every output names the batch that must be durable before it may leave. Batches
// are numbered by the core from 1; an apply() yields at most one, and the store takes them in
// order. 0 = needs nothing durable.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/error.h"
#include "controller/core/events.h"
#include "controller/core/job.h"
#include "controller/core/records.h"

namespace skerry::core {

using BatchNumber = std::uint64_t;

// ---- answers to clients

struct Submitted {
  std::vector<JobId> jobs;
  bool replayed = false;  // the Idempotency-Key had been used for this very request
};
struct Finished {
  Job job;  // terminal
};
struct StillRunning {
  Job job;
};
struct Listed {
  std::vector<Job> jobs;
  std::optional<JobId> next;  // where the next page starts; none = this is the last
};
struct Changed {
  bool changed = false;
};
struct HandedOver {
  std::optional<JobId> last;  // none = there was nothing to hand over
};
struct Enrolled {
  NodeIdentity identity;
};
using Reply =
    std::variant<Submitted, Finished, StillRunning, Listed, Changed, HandedOver, Enrolled>;
struct Answer {
  Ticket ticket = kNoTicket;
  Result<Reply> reply;
};

// ---- commands to agents

struct WelcomeAgent {
  Epoch epoch;
  Duration heartbeat{};
};
struct RefuseAgent {  // the session ends
  Error error;
};
struct AckHeartbeat {};  // the hub echoes the agent's own timestamp
// What a task of a sequence finds on its node.
enum class SequenceStep : std::uint8_t {
  kBegins,     // nothing: the state starts afresh, whatever the node may remember under this name
  kContinues,  // what the tasks before it left; without that it must not run
};
struct AssignAttempt {
  AttemptRef attempt;
  Epoch epoch;
  std::string ns;  // of the job: a node does not share what it runs between namespaces
  std::string model;
  std::string variant;
  std::uint64_t manifest_revision = 0;  // the hub sends the manifest once per stream and revision
  Payload input;
  Duration remaining{};  // until the deadline; 0 = none
  std::string sequence;  // with its namespace, since nodes serve all of them; empty = none
  SequenceStep sequence_step = SequenceStep::kBegins;
  bool interactive = false;
};
struct CancelAttempt {
  AttemptRef attempt;
  Epoch epoch;
  std::string reason;
};
struct AckResult {
  AttemptRef attempt;
  bool committed = false;
};
struct ProbeVariant {
  std::string model;
  std::string variant;
  std::uint64_t manifest_revision = 0;
  std::uint32_t runs = 1;
  bool resident_only = false;  // an error instead of loading it
};
struct SetNodeMode {
  bool draining = false;
};
// What the node is to work by while we are away.
struct GiveOrders {
  struct Model {
    std::string name;
    std::uint64_t revision = 0;
  };
  std::vector<Model> models;
  // Of those who may call the site's API, with no more than reading and submitting.
  struct Token {
    std::string id;
    std::string secret_hash;
    std::vector<std::string> readers;     // namespaces; "" = all of them
    std::vector<std::string> submitters;  // likewise
    bool reads_metrics = false;
    Instant expires_at = kNever;
  };
  std::vector<Token> tokens;
  std::string policy;
  std::shared_ptr<const std::string> bundle;  // nullptr: it is built in
};
// The answer to SiteJobBrought.
struct TakeSiteJob {
  JobId job;          // the site's
  JobId taken_as;     // ours; 0 = refused
  std::string error;  // why
};
using AgentCommand =
    std::variant<WelcomeAgent, RefuseAgent, AckHeartbeat, AssignAttempt, CancelAttempt, AckResult,
                 ProbeVariant, SetNodeMode, GiveOrders, TakeSiteJob>;
struct Send {
  SessionId session;
  AgentCommand command;
};

// ---- what happened, for metrics, logs and event watchers

struct JobChanged {
  JobId job;
  std::string ns;
  std::string model;
  TaskState state = TaskState::kReady;
  std::uint32_t attempt = 0;
  std::string node;
  std::string variant;
  std::string reason;       // of a failure, a retry or a second attempt
  bool same_state = false;  // something else of it changed
};
struct JobEnded {  // beside the JobChanged
  JobId job;
  std::string ns;
  std::string model;
  std::string node;
  std::string variant;
  std::string preference;  // preset, or "custom"
  TaskState state = TaskState::kSucceeded;
  Duration total{};  // submit to end
  Usage usage;
  scheduler::Objectives predicted;
  scheduler::Objectives actual;
};
struct SubmitRefused {  // for now: over a quota, or too much for the controller
  std::string ns;
  std::uint64_t jobs = 0;
  std::string reason;  // the error's code
};
struct DecisionMade {
  JobId job;
  std::string model;
  std::string policy;
  bool placed = false;
  bool fallback = false;
  Duration waited{};  // ready to placed
  Duration took{};    // the decision itself; 0 where the core was given no stopwatch
  std::uint32_t candidates = 0;
};
struct AttemptFailed {
  JobId job;
  std::string model;
  std::string node;
  std::string reason;    // outcome name, or "returned"
  bool retried = false;  // the task goes on, with another attempt
};
// Somebody looked whether a second attempt of an interactive task pays, the first being late.
enum class HedgeVerdict : std::uint8_t {
  kMade,
  kNotWorth,   // its energy and cost outweigh the time it is expected to save
  kUncertain,  // too little is known of the model, or of the variant on either node
  kNoNode,     // no other node that has a slot idle and the variant loaded may take it
  kNoBudget,
  kHeldBack,  // others wait for a place, the brake holds, or the first's node is silent
};
std::string_view to_string(HedgeVerdict verdict);  // "made", "not_worth", ...
struct HedgeLooked {
  JobId job;
  std::string model;
  HedgeVerdict verdict = HedgeVerdict::kNotWorth;
};
enum class HedgeEnd : std::uint8_t {
  kWon,      // its result is the task's
  kLost,     // the first's is
  kFailed,   // it ended without a result
  kDropped,  // the task ended otherwise, or its node was lost
};
std::string_view to_string(HedgeEnd end);  // "won", "lost", ...
struct HedgeEnded {
  JobId job;
  std::string model;
  HedgeEnd end = HedgeEnd::kLost;
  double spent_j = 0;  // by whichever of the two was in vain, as modelled
};
struct NodeChanged {
  std::string node;
  std::string state;  // as in NodeView
  std::string reason;
};
struct SpoolChanged {  // a node has too many results that wait to be acknowledged, or no more
  std::string node;
  bool full = false;
  std::uint32_t spooled = 0;
};
struct BrakeChanged {  // too many nodes fell silent together: nothing is placed again for a while
  bool on = false;
  std::string site;  // empty = the fleet
};
struct ModelChanged {
  std::string model;
  std::string change;  // "applied", "deleted", "tripped", "restored"
};
struct PolicyChanged {
  std::string policy;
  std::string version;
  std::string change;  // "applied", "promoted", "rolled_back", "shadowed", "unshadowed", "deleted";
                       // of the one that comes with the controller: "refused", "not_promoted"
  std::string reason;  // of a change that nobody asked for
};
struct BreakerChanged {  // of the active policy
  std::string policy;
  std::string version;
  std::string state;   // "closed", "open", "half_open"
  std::string fault;   // why it opened: "not_finite", ...
  std::string reason;  // the same as a sentence
};
// For those who decide what callers and nodes may do; told when it is durable. One of them is set.
struct AccessChanged {
  std::optional<Token> token;
  std::optional<std::string> token_gone;
  std::optional<NodeIdentity> identity;
};
using Happening = std::variant<JobChanged, JobEnded, SubmitRefused, DecisionMade, AttemptFailed,
                               HedgeLooked, HedgeEnded, NodeChanged, SpoolChanged, BrakeChanged,
                               ModelChanged, PolicyChanged, BreakerChanged, AccessChanged>;

struct Output {
  BatchNumber after = 0;
  std::variant<Answer, Send, Happening> what;
};

struct Effects {
  std::vector<RecordWrite>
      writes;                   // one atomic batch, numbered Core::batches_written(); empty = none
  std::vector<Output> outputs;  // in order
};

}  // namespace skerry::core
