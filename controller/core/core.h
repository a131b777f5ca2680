// core.h: the controller's state machine. It owns all job, task, attempt, node and lease state.
//
// One call changes it: apply(event, now) -> effects. No threads, no clock, no I/O, no randomness
// but the given seed, no unordered iteration that reaches an output: the same events at the same
// times always yield the same effects, which is what tests/sim relies on. One strand runs it.
// Handlers are grouped by what they handle (submit.cc, attempts.cc, sessions.cc, ...) over the
// tables of state.h; this file is the door.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/time.h"
#include "controller/core/effects.h"
#include "controller/core/events.h"
#include "controller/core/job.h"
#include "controller/core/records.h"
#include "controller/core/settings.h"
#include "controller/core/shadow_stats.h"
#include "scheduler/breaker.h"
#include "scheduler/place.h"

namespace skerry::core {

enum class NodeState : std::uint8_t {
  kReady,
  kSuspect,
  kDisconnected,
  kDraining,
  kDrained,
  kCordoned
};
std::string_view to_string(NodeState state);  // "READY", "SUSPECT", ...

// A node as queries see it.
struct NodeView {
  NodeId id;
  scheduler::NodeSpec spec;
  NodeState state = NodeState::kDisconnected;
  bool connected = false;
  bool cordoned = false;  // or draining or drained: an operator keeps work from it
  std::uint64_t incarnation = 0;
  std::string energy_source;
  std::vector<std::string> devices;
  std::string software_version;
  Instant enrolled_at{};
  Instant last_heartbeat{};
  std::optional<Instant>
      certified_at;                // its newest certificate; none: it is not enrolled, or revoked
  Duration alone{};                // how long it had been without us before its last hello
  std::uint32_t brought = 0;       // results it had spooled then
  std::uint32_t brought_jobs = 0;  // that its site had accepted and ended while it was alone
  Telemetry telemetry;
  double rtt_s = 0;
  double bandwidth_bytes_per_s = 0;
  std::uint32_t capacity = 0;
  std::uint32_t outstanding = 0;
  std::vector<VariantName> resident;
};

struct EstimateView {
  std::string node;
  std::string variant;
  bool resident = false;
  scheduler::Estimate service;  // seconds
  scheduler::Estimate load;
};

struct ModelView {
  ModelManifest manifest;
  std::uint64_t revision = 0;
  bool tripped = false;
  std::vector<EstimateView> estimates;  // by node, then variant
};

// A namespace that the settings name: what it has, and what it may have.
struct QuotaView {
  std::string ns;
  Quota quota;
  std::uint64_t open_jobs = 0;
  std::uint64_t running = 0;
  std::uint64_t input_bytes = 0;
  std::uint64_t stored_bytes = 0;  // with results that are kept, and its models
};

struct QueueStats {
  std::uint64_t ready = 0;  // waiting for a node
  std::uint64_t backoff = 0;
  std::uint64_t leased = 0;
  std::uint64_t running = 0;
  std::uint64_t unknown = 0;
  bool braking = false;        // see Settings::brake_fraction
  std::uint64_t retained = 0;  // ended, still known
  Duration oldest_ready{};
};

// A policy that the controller holds: a heuristic, or one version of a bundle.
struct PolicyView {
  PolicyRef ref;
  bool builtin = false;
  bool newest = true;  // of its name
  bool active = false;
  bool previous = false;
  Instant applied_at{};
  std::shared_ptr<const std::string> bundle;  // nullptr if built in
  std::optional<ShadowStats> shadow;          // set if it is one
};
// Of the active policy; heuristics have none.
struct BreakerView {
  scheduler::BreakerState state = scheduler::BreakerState::kClosed;
  std::uint64_t trips = 0;
  std::string fault;  // of the last trip; empty if there was none
  std::string reason;
  Instant rests_until{};  // while open
  double drift = 0;       // mean relative cost of the newest window of outcomes; 0 = none yet
  double drift_limit = 0;
};
struct PoliciesView {
  PolicyRef active;
  std::optional<PolicyRef> previous;
  bool operator_chose = false;
  std::vector<PolicyView> items;  // built-in ones, then bundles by name and version
  std::optional<BreakerView> breaker;
};

struct State;  // state.h
class PolicyFactory;

// What the core uses and does not own; each outlives it.
struct CoreHelpers {
  Clock* stopwatch = nullptr;        // times decisions, for metrics and breakers, nothing else
  PolicyFactory* factory = nullptr;  // nullptr: bundles are refused
};

class Core {
 public:
  Core(Settings settings, std::uint64_t seed, CoreHelpers helpers = {});
  ~Core();

  // Call once, before any event: takes over what an earlier process stored, and opens a new epoch.
  // The effects' batch must be durable before anything else happens.
  Effects restore(StoredState stored, Instant now);

  Effects apply(Event event, Instant now);

  // Everything up to this batch is durable. Yields the blobs that nobody needs any more; to be called
  // before the outputs that wait for it leave.
  std::vector<std::string> made_durable(BatchNumber batch);

  // When the next Tick is due; kNever if nothing waits for time.
  Instant next_timer() const;
  BatchNumber batches_written() const;

  // ---- queries
  const Settings& settings() const;
  Epoch epoch() const;
  const Job* find_job(JobId id) const;  // nullptr if unknown or no longer retained
  // Why a READY job is not placed yet, as counted at its last try; empty if it was not tried.
  std::optional<scheduler::MaskCounts> waiting_for(JobId id) const;
  std::vector<NodeView> nodes() const;  // by name
  std::optional<NodeView> node(std::string_view name) const;
  std::vector<ModelView> models() const;  // by name
  std::optional<ModelView> model(std::string_view name) const;
  const ModelManifest* manifest(std::string_view model, std::uint64_t revision) const;
  // What a job of this namespace means by a model's name; nullptr: there is none.
  const ModelManifest* manifest_for(std::string_view ns, std::string_view name) const;
  PoliciesView policies() const;
  QueueStats queue_stats(Instant now) const;
  std::vector<QuotaView> quotas() const;  // by namespace
  // The dry run. kNotFound if there is no such model.
  Result<std::vector<scheduler::PlanEntry>> plan(const JobSpec& spec, Instant now) const;
  const scheduler::Fleet& fleet() const;
  std::vector<Token> tokens() const;             // by id
  std::vector<JoinToken> join_tokens() const;    // likewise; those that have expired among them
  std::vector<NodeIdentity> identities() const;  // by node
  // By an open job, a retained result or a model, or by one that was until a batch of which nobody
  // has said yet that it is durable.
  bool blob_in_use(std::string_view digest) const;
  bool is_artifact(std::string_view digest) const;
  // Whether a node has to do with a blob: an artifact, or the input of what is at the node.
  bool may_fetch(const std::string& node,
                 std::string_view digest) const;  // of a model that is applied now
  // A site's: what is to be brought to the controller, by id.
  std::vector<Job> jobs_to_bring(JobId after, std::size_t most) const;
  std::size_t to_bring() const;
  // For invariants in tests: a sentence for each rule that is broken; empty when all is well.
  std::vector<std::string> broken_invariants() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace skerry::core
