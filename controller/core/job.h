// job.h: what a client submits, and what became of it.
//
// A job holds one task (the unit of placement); a task has attempts, numbered from 1, of which at
// most two live at once.
//
//   READY --> LEASED --> RUNNING --> SUCCEEDED | FAILED | CANCELLED | EXPIRED | QUARANTINED
//     ^         |           |          (terminal: they absorb every later event)
//     |         +-----+-----+--> UNKNOWN   its node is silent: RUNNING again when it returns, or
//     |               |                    READY when it is given up
//     +--- BACKOFF <--+                    waiting to try again
//
// A job that a site accepted while it was alone may end there as MOVED: the controller has it.
//
// LEASED: an attempt was given to a node, which has not started it. Only LEASED, BACKOFF, READY and
// the terminal states are stored; RUNNING and UNKNOWN come back as UNKNOWN after a restart.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "common/payload.h"
#include "common/time.h"
#include "scheduler/constraints.h"
#include "scheduler/fleet.h"
#include "scheduler/objectives.h"

namespace skerry::core {

enum class Urgency : std::uint8_t { kBatch, kNormal, kInteractive };
enum class Durability : std::uint8_t {
  kDurable,  // acknowledged only when stored
  kNone,     // for a waiting caller: nothing is stored, the answer is the result or an error
};
enum class TaskState : std::uint8_t {
  kReady,
  kLeased,
  kRunning,
  kBackoff,
  kUnknown,
  kSucceeded,
  kFailed,
  kCancelled,
  kExpired,
  kQuarantined,
  kMoved,
};
constexpr std::size_t kTaskStates = 11;
std::string_view to_string(Urgency urgency);  // "batch", "normal", "interactive"
std::string_view to_string(TaskState state);  // "READY", "LEASED", ...
std::optional<Urgency> parse_urgency(std::string_view name);
std::optional<TaskState> parse_task_state(std::string_view name);
constexpr bool is_terminal(TaskState state) { return state >= TaskState::kSucceeded; }
// A node has it, or had it when it was last heard of and is waited for.
constexpr bool is_with_a_node(TaskState state) {
  return state == TaskState::kLeased || state == TaskState::kRunning ||
         state == TaskState::kUnknown;
}

struct JobSpec {
  std::string ns = "default";
  std::string model;
  Payload inputs;
  scheduler::Preference preference;
  std::string preference_name;  // the preset it came from; empty if given as weights
  scheduler::Constraints constraints;
  Urgency urgency = Urgency::kNormal;
  Durability durability = Durability::kDurable;
  std::string sequence;  // tasks of one sequence run in order on one runner; empty = none
  std::map<std::string, std::string> labels;
};

// What an attempt really took, as its node reports it.
struct Usage {
  Duration queue{};
  Duration fetch{};
  Duration load{};
  Duration service{};
  double energy_j = 0;
  std::string energy_source;  // "rapl", "hwmon", "nvml", "modelled"
  double cost_usd = 0;

  bool operator==(const Usage&) const = default;
};

enum class AttemptOutcome : std::uint8_t {
  kSucceeded,
  kModelFailed,     // the user's error: never tried again
  kCrashed,         // the runner died
  kInfrastructure,  // artifact, input, disk, ...
  kCancelled,
  kExpired,
  kSequenceLost,  // the node does not hold the state that the task was to continue from
};
std::string_view to_string(AttemptOutcome outcome);  // "succeeded", "model_failed", ...

// What a shadow's choice was predicted to cost when an attempt was placed.
struct ShadowExpectation {
  std::uint64_t serial = 0;  // of the shadow
  double cost = 0;           // weighted sum of normalised objectives
  bool agrees = false;       // it chose the same
};
// What an attempt's outcome is held against, once it comes.
struct Expectation {
  std::uint64_t activation = 0;  // of the policy that was active
  bool by_policy = false;        // it decided; else greedy did in its place
  scheduler::Scale scale;
  scheduler::Objectives greedy;  // predicted of greedy's choice
  double cost = 0;               // predicted of the one that was chosen
  std::vector<ShadowExpectation> shadows;
};

// One execution of a task on one node.
struct Attempt {
  std::uint32_t number = 0;
  AttemptUid uid;
  NodeId node;
  scheduler::VariantId variant;
  std::string node_name;  // names as they were, for records that outlive nodes and models
  std::string variant_name;
  Instant leased_at{};
  std::optional<Instant> started_at;
  scheduler::Objectives predicted;
  double predicted_service_s = 0;  // what the fleet's backlog counts for it
  // Not stored; an attempt from before a restart has none of these.
  std::optional<Expectation> expected;
  double deviation_s = 0;  // one of its predicted latency
  bool loads = false;      // its variant was not loaded there
  bool hedge = false;      // a second attempt while the first goes on (hedging.cc)
  bool silent = false;     // its node is not heard of; a late result still wins if it is the first
};

// How a task ended.
struct TaskResult {
  std::uint32_t attempt = 0;  // which one; 0 = none (cancelled or expired while waiting)
  AttemptUid uid;
  std::string node_name;
  std::string variant_name;
  Payload output;              // empty unless succeeded
  std::optional<Error> error;  // set unless succeeded
  Usage usage;
  scheduler::Objectives predicted;
  scheduler::Objectives
      actual;  // of the same as predicted: latency from this attempt's decision on
  Instant ended_at{};
  std::optional<Instant> brought_at = std::nullopt;  // by its site; it is remembered from then on

  Instant remembered_from() const { return brought_at.value_or(ended_at); }
};

struct Retries {
  std::uint32_t infrastructure = 0;
  std::uint32_t crashes = 0;
  std::uint32_t returned = 0;  // given back unstarted; only slows the next try

  bool operator==(const Retries&) const = default;
};

// A job as the core holds it and as queries see it.
struct Job {
  // Whether anything of it is ever written: not with durability none.
  bool stored() const { return spec.durability == Durability::kDurable; }

  JobId id;
  JobSpec spec;  // inputs are dropped when the job ends
  Instant submitted_at{};
  TaskState state = TaskState::kReady;
  std::uint32_t attempts = 0;    // made so far
  std::vector<Attempt> live;     // at most kMaxLiveAttempts
  std::vector<NodeId> excluded;  // nodes where an attempt failed
  Retries retries;
  Instant ready_at{};  // BACKOFF ends
  std::optional<TaskResult>
      result;  // terminal only; the output's bytes may be in the store instead
  // Grows with every change. What is not stored (RUNNING, ...) is counted again after a restart, so
  // only together with the epoch it never repeats: both are the ETag.
  std::uint64_t version = 0;
  Epoch epoch;  // in which the version was counted
  // Of a site's job, on its way to the controller: held back until that says what became of it; not to
  // be brought, since it was refused; the id that it has there.
  bool handing_over = false;
  bool kept_here = false;
  JobId taken_as;
  std::uint64_t last_batch =
      0;  // number of the batch that holds its newest record; 0 = none (durability none)
};

constexpr std::size_t kMaxLiveAttempts = 2;

}  // namespace skerry::core
