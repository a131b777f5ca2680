// events.h: everything that can happen to the core. Shells translate their world into these values.
//
// A Ticket is the caller's number for an answer: the driver picks it, the core only returns it
// (effects.h, Answer).

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/ids.h"
#include "common/manifest.h"
#include "common/payload.h"
#include "common/time.h"
#include "controller/core/access.h"
#include "controller/core/job.h"
#include "controller/core/records.h"
#include "scheduler/fleet.h"

namespace skerry::core {

// Who asked, for the audit trail: "token:ID", "oidc:ISSUER SUBJECT", "node:NAME", "local".
struct By {
  std::string caller = "local";
  std::string address;
};

// The namespaces that the caller may look into. What lies elsewhere is not there for them.
struct Within {
  std::optional<std::vector<std::string>> only = {};  // nullopt = all

  bool holds(std::string_view ns) const {
    return !only || std::ranges::find(*only, ns) != only->end();
  }
};

using Ticket = std::uint64_t;
constexpr Ticket kNoTicket = 0;

// ---- from clients

struct IdempotencyKey {
  std::string key;             // as the client sent it; scoped by namespace
  std::string request_digest;  // another request under the same key is refused
};

// All jobs of a request are accepted together or refused together. Answer: Submitted; or, when
// `wait_until` is set and there is one job, Finished (or Submitted when the time is up first).
struct Submit {
  Ticket ticket = kNoTicket;
  std::vector<JobSpec> jobs;  // not empty, one namespace
  std::optional<IdempotencyKey> idempotency;
  std::optional<Instant> wait_until;
  By by = {};
};
// Answer: Finished when the job ends, StillRunning when the time is up.
struct Await {
  Ticket ticket = kNoTicket;
  Within within = {};
  JobId job;
  Instant until;
};
struct JobFilter {
  std::string ns;     // empty = all
  std::string model;  // empty = all
  std::optional<TaskState> state;
  Within within = {};
};
// Answer: Listed, with jobs of id < before, newest first. One event looks at no more than
// kJobsPerList jobs, so a page may hold fewer than `limit`, or none, and yet not be the last.
struct ListJobs {
  Ticket ticket = kNoTicket;
  JobFilter filter;
  std::optional<JobId> before;
  std::size_t limit = 100;
};
constexpr std::size_t kJobsPerList = 10'000;
// The caller went away: its answer is not wanted. A job of durability none is cancelled.
struct Abandon {
  Ticket ticket = kNoTicket;
};
// Answer: Changed. kConflict if the job ended otherwise; cancelling twice is fine.
struct CancelJob {
  Ticket ticket = kNoTicket;
  Within within = {};
  JobId job;
  By by = {};
};
// Answer: Changed (false = it was the same already).
struct PutModel {
  Ticket ticket = kNoTicket;
  ModelManifest manifest;
  std::uint64_t revision =
      0;  // as the controller of this site numbered it; 0 = the next of our own
  By by = {};
};
// Answer: Changed. kConflict while jobs of the model are open.
struct DeleteModel {
  Ticket ticket = kNoTicket;
  std::string name;
  By by = {};
};
enum class NodeAction : std::uint8_t { kCordon, kUncordon, kDrain, kRemove };
// Answer: Changed. kRemove forgets a node that is not connected.
struct ChangeNode {
  Ticket ticket = kNoTicket;
  std::string name;
  NodeAction action = NodeAction::kCordon;
  By by = {};
};
// A policy bundle, as bytes. Answer: Changed (false = it is the newest of its name already).
// kInvalidArgument and kTooLarge as PolicyFactory; kConflict if too many are held.
struct ApplyPolicy {
  Ticket ticket = kNoTicket;
  std::string name;  // must be the bundle's
  std::shared_ptr<const std::string> bundle;
  By by = {};
};
enum class PolicyAction : std::uint8_t { kPromote, kShadow, kUnshadow, kDelete };
// Of the newest version of that name. Answer: Changed. kNotFound lists the known policies.
// kConflict: a shadow that is active, one too many, a deletion of what is in use.
struct ChangePolicy {
  Ticket ticket = kNoTicket;
  std::string name;
  PolicyAction action = PolicyAction::kPromote;
  By by = {};
};
// The policy that was active before becomes active again. Answer: Changed. kConflict if there is
// none.
struct RollBackPolicy {
  Ticket ticket = kNoTicket;
  By by = {};
};
// The bundle that comes with the controller, at its start. It becomes active if `activate` says so
// and no operator, in the configuration or since, has chosen a policy. Without a bundle, one that
// became active like this makes room for the configured policy. No answer: PolicyChanged says what
// came of it.
struct OfferPolicy {
  std::shared_ptr<const std::string> bundle;
  std::string origin;  // where it came from, for people
  bool activate = false;
  std::string why;  // it is, or is not, to be active
};

// ---- access

// Answer: Changed. kAlreadyExists; kTooLarge if there are too many.
struct PutToken {
  Ticket ticket = kNoTicket;
  Token token;  // created_at and created_by are filled in
  By by = {};
};
// Answer: Changed. kNotFound.
struct RevokeToken {
  Ticket ticket = kNoTicket;
  std::string id;
  By by = {};
};
// When each was last used, since this was last said.
struct TokensUsed {
  std::vector<std::pair<std::string, Instant>> last;
};
// As for tokens.
struct PutJoinToken {
  Ticket ticket = kNoTicket;
  JoinToken token;
  By by = {};
};
struct DropJoinToken {
  Ticket ticket = kNoTicket;
  std::string id;
  By by = {};
};
// A machine wants to be a node, and has shown that the key is its own. Answer: Enrolled, to the first key
// that comes with the token, and to that one again; or to whoever came with a key that an operator gave.
// kPermissionDenied; kInvalidArgument if the name does not fit; kConflict if the name is another machine's.
struct Enrol {
  Ticket ticket = kNoTicket;
  std::string token_id = {};
  std::string secret_hash = {};
  std::optional<JoinGrant> grant = {};  // instead of a token
  std::string node;
  std::string key;  // digest of its public key
  By by = {};
};
// A node wants its certificate renewed. Answer: Enrolled. kPermissionDenied.
struct RenewIdentity {
  Ticket ticket = kNoTicket;
  std::string node;
  std::string key;
  By by = {};
};
// Its session ends at once, and nothing with its key is believed any more, until it has joined again.
// Answer: Changed. kNotFound.
struct RevokeNode {
  Ticket ticket = kNoTicket;
  std::string node;
  By by = {};
};
struct AuditEntry {
  By by;
  std::string action;   // "job.submit", ...
  std::string object;   // an id, a name, or how many
  std::string ns;       // empty = none
  std::string detail;   // may be empty
  std::string outcome;  // "done", "denied"
};
// For the audit trail, beside the changes of the core's own state, which note themselves: somebody asked for
// what they may not do, or is about to do something elsewhere. Answer: Changed.
struct NoteInAudit {
  Ticket ticket = kNoTicket;
  AuditEntry entry;
};

// ---- from agents, by way of the hub

struct AttemptRef {
  JobId job;
  std::uint32_t number = 0;
  AttemptUid uid;

  bool operator==(const AttemptRef&) const = default;
};
struct VariantName {
  std::string model;
  std::string variant;

  auto operator<=>(const VariantName&) const = default;
};
// What an agent has loaded. A variant that was applied anew since is another one, even if only its
// manifest changed: no runner is shared between revisions.
struct LoadedVariant {
  VariantName name;
  std::uint64_t revision = 0;  // of the manifest that it was loaded with; 0 = an older agent

  auto operator<=>(const LoadedVariant&) const = default;
};
struct Telemetry {
  double cpu_fraction = 0;
  std::uint64_t memory_used_bytes = 0;
  std::uint64_t memory_total_bytes = 0;
  double load_1m = 0;
  double temperature_c = 0;  // 0 = not known
  double power_w = 0;
  std::string power_source;
  std::uint32_t queued = 0;
  std::uint32_t running = 0;
  std::uint32_t spooled = 0;                 // results that wait to be acknowledged
  bool spool_full = false;                   // it gives new work back
  double bandwidth_bytes_per_s = 0;          // 0 = not measured yet
  double gpu_fraction = 0;                   // of the busiest GPU
  std::uint64_t gpu_memory_used_bytes = 0;   // of all GPUs
  std::uint64_t gpu_memory_total_bytes = 0;  // 0 = it has none
};

struct AgentHello {
  SessionId session;
  std::string identity;           // of the agent's state; empty = not known
  std::uint64_t incarnation = 0;  // grows with every start from that state
  scheduler::NodeSpec node;
  std::string energy_source;
  std::vector<std::string> devices;  // "cpu", "cuda:0"
  std::string software_version;
  std::uint32_t capacity = 0;
  std::vector<AttemptRef> running;
  std::vector<AttemptRef> spooled;
  std::vector<LoadedVariant> resident;
  Duration alone{};
  std::string
      certified_key;      // digest of the key that its link was opened with; empty = in plain text
  bool site_api = false;  // it serves its site while we are away: GiveOrders are for it
};
struct AgentHeartbeat {
  SessionId session;
  Duration rtt{};  // 0 = not measured yet
  Telemetry telemetry;
};
struct AttemptStarted {
  SessionId session;
  AttemptRef attempt;
};
struct AttemptEnded {
  SessionId session;
  AttemptRef attempt;
  AttemptOutcome outcome = AttemptOutcome::kSucceeded;
  std::string error;
  Payload output;
  Usage usage;
};
struct AttemptReturned {
  SessionId session;
  AttemptRef attempt;
  std::string reason;
};
struct CreditsChanged {
  SessionId session;
  std::uint32_t capacity = 0;
};
struct ProbeEnded {
  SessionId session;
  VariantName variant;
  std::uint64_t revision = 0;  // of the manifest that was probed; 0 = an older agent
  std::string error;           // empty on success
  Duration load{};
  std::vector<Duration> service;
  std::uint64_t memory_bytes = 0;
};
struct ResidentChanged {
  SessionId session;
  std::vector<LoadedVariant> variants;
};
struct SessionClosed {
  SessionId session;
  bool goodbye = false;  // a planned stop
};
// A job that its site accepted while it was alone. TakeSiteJob answers it.
struct SiteJobBrought {
  SessionId session;
  SiteJobRecords job;
};

// ---- a site's own core: what is given to the controller (Settings::brings_jobs)

// Holds back jobs with ids above `after` that have not begun and that nobody waits for, to be brought.
// Answer: HandedOver.
struct HandOver {
  Ticket ticket = kNoTicket;
  JobId after;
  std::size_t most = 0;
};
// The controller has taken a job that was brought, or refused it.
struct SiteJobSettled {
  JobId job;
  JobId taken_as;  // the controller's id; 0 = refused
};

// ---- from the shell's timer

// Time passed. The shell sends it when Core::next_timer() is due; sending it more often is
// harmless.
struct Tick {};

using Event =
    std::variant<Submit, Await, ListJobs, Abandon, CancelJob, PutModel, DeleteModel, ChangeNode,
                 ApplyPolicy, ChangePolicy, RollBackPolicy, OfferPolicy, PutToken, RevokeToken,
                 TokensUsed, PutJoinToken, DropJoinToken, Enrol, RenewIdentity, RevokeNode,
                 NoteInAudit, AgentHello, AgentHeartbeat, AttemptStarted, AttemptEnded,
                 AttemptReturned, CreditsChanged, ProbeEnded, ResidentChanged, SessionClosed,
                 SiteJobBrought, HandOver, SiteJobSettled, Tick>;

// Who asked, where that is kept; nullptr where nobody did.
inline By* by_of(Event& event) {
  return std::visit(
      [](auto& concrete) -> By* {
        if constexpr (requires { concrete.by; }) {
          return &concrete.by;
        } else {
          return nullptr;
        }
      },
      event);
}

// The caller's number, where the event has an answer; nullptr where it has none.
inline Ticket* ticket_of(Event& event) {
  return std::visit(
      [](auto& concrete) -> Ticket* {
        if constexpr (requires { concrete.ticket; }) {
          return &concrete.ticket;
        } else {
          return nullptr;
        }
      },
      event);
}

}  // namespace skerry::core
