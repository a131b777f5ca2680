// records.h: what the core asks to be stored, as typed values. controller/records/codec.h
// turns them into bytes.
//
// A restart is restore(all records): what is not in a record is lost with the process, on purpose
// (RUNNING, heartbeats, estimates' history).

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/manifest.h"
#include "controller/core/access.h"
#include "controller/core/job.h"
#include "scheduler/candidate_facts.h"
#include "scheduler/place.h"

namespace skerry::core {

struct JobRecord {  // written once
  JobId id;
  JobSpec spec;
  Instant submitted_at{};
};
struct StoredAttempt {
  std::uint32_t number = 0;
  AttemptUid uid;
  std::string node_name;
  std::string variant_name;
  Instant leased_at{};
  scheduler::Objectives predicted;
};
struct TaskRecord {  // at every durable transition
  JobId id;
  TaskState state = TaskState::kReady;
  std::uint32_t attempts = 0;
  std::vector<StoredAttempt> live;
  std::vector<std::string> excluded_nodes;
  Retries retries;
  Instant ready_at{};
  std::uint64_t version = 0;
  bool handing_over = false;  // of a site's job, as in Job
  bool kept_here = false;
  JobId taken_as;
};
struct ResultRecord {  // once, with the terminal TaskRecord
  JobId id;
  TaskResult result;
};
// A job of a site, as its store has it.
struct SiteJobRecords {
  JobRecord job;
  TaskRecord task;
  std::optional<ResultRecord> result;  // set if it ended
};
struct NodeRecord {
  NodeId id;
  scheduler::NodeSpec spec;
  std::uint64_t incarnation = 0;
  bool cordoned = false;
  bool draining = false;
  Instant enrolled_at{};
};
struct ModelRecord {
  std::uint64_t revision = 0;
  ModelManifest manifest;
};
struct IdempotencyRecord {
  std::string ns;
  std::string key;
  std::string request_digest;
  std::vector<JobId> jobs;
};
// Of a policy that the controller holds; built-in ones have version "1".
struct PolicyRef {
  std::string name;
  std::string version;

  auto operator<=>(const PolicyRef&) const = default;
};
struct PolicyRecord {
  PolicyRef ref;
  std::uint64_t number = 0;  // order of application
  Instant applied_at{};
  std::shared_ptr<const std::string> bundle;
  bool offered = false;  // it came with the controller, not from an operator
};
// One decision, in names, for explain: it must still read well when nodes and models are gone.
struct DecisionCandidate {
  std::string node;
  std::string variant;
  scheduler::Prediction prediction;
  scheduler::Objectives normalised;
  double score = 0;
  scheduler::CandidateFacts facts;
};
// What a shadow would have chosen.
struct DecisionShadow {
  PolicyRef policy;
  std::optional<std::uint32_t> chosen;  // into candidates; empty: it failed, or rested
};
struct DecisionRecord {
  JobId job;
  std::uint32_t attempt = 0;
  Instant at{};
  std::string policy;
  std::string policy_version;
  std::string fallback_reason;
  std::string hedge_reason;  // why there is a second attempt while the first goes on; else empty
  scheduler::Preference preference;
  std::string model;
  double input_bytes = 0;
  std::optional<double> deadline_left_s;
  std::uint64_t waiting = 0;  // other tasks in line
  scheduler::Scale scale;
  scheduler::Trend trend;
  std::vector<DecisionCandidate> candidates;  // best score first
  std::uint32_t chosen = 0;                   // into candidates
  std::uint32_t considered = 0;               // candidates; those not recorded scored worse
  std::vector<DecisionShadow> shadows;
  scheduler::MaskCounts masked{};
};
struct MetaRecord {
  Epoch epoch;       // of the process that wrote it
  PolicyRef policy;  // the active one
  std::optional<PolicyRef> previous_policy;
  std::vector<PolicyRef> shadows;
  bool operator_chose = false;      // the active policy; else it came by configuration or default
  std::uint64_t last_revision = 0;  // of any model ever; agents and caches know a manifest by it
};
struct DeleteRecords {  // retention: the job with its task, result, decisions
  JobId id;
  std::uint32_t attempts = 0;
};
struct DeleteIdempotency {
  std::string ns;
  std::string key;
};
struct DeleteModelRecord {
  std::string name;
};
struct DeleteNodeRecord {
  std::string name;
};
struct DeletePolicyRecord {
  PolicyRef ref;
};

struct TokenRecord {
  Token token;
};
struct DeleteTokenRecord {
  std::string id;
};
struct JoinTokenRecord {
  JoinToken token;
};
struct DeleteJoinTokenRecord {
  std::string id;
};
struct NodeIdentityRecord {
  NodeIdentity identity;
};
// See audit.cc.
struct AuditRecord {
  std::uint64_t seq = 0;  // from 1, without gaps
  std::string line;       // JSON, without a line end
  std::string hash;       // SHA-256 of the line, 32 bytes
  std::string seal;       // of the hash, by the audit key
};
struct DeleteAuditRecord {
  std::uint64_t seq = 0;
};

using RecordWrite =
    std::variant<JobRecord, TaskRecord, ResultRecord, NodeRecord, ModelRecord, IdempotencyRecord,
                 DecisionRecord, MetaRecord, DeleteRecords, DeleteIdempotency, DeleteModelRecord,
                 DeleteNodeRecord, PolicyRecord, DeletePolicyRecord, TokenRecord, DeleteTokenRecord,
                 JoinTokenRecord, DeleteJoinTokenRecord, NodeIdentityRecord, AuditRecord,
                 DeleteAuditRecord>;

// Everything stored, for restore(). Decisions and outputs of results stay in the store; they are
// read when asked for.
struct StoredState {
  MetaRecord meta;  // epoch 0 = a fresh store
  std::vector<NodeRecord> nodes;
  std::vector<ModelRecord> models;
  std::vector<JobRecord> jobs;  // ascending ids
  std::vector<TaskRecord> tasks;
  std::vector<ResultRecord> results;
  std::vector<IdempotencyRecord> idempotency;
  std::vector<PolicyRecord> policies;
  std::vector<Token> tokens;
  std::vector<JoinToken> join_tokens;
  std::vector<NodeIdentity> identities;
  std::uint64_t audit_first = 1;  // of the lines that are kept
  std::optional<AuditRecord> audit_last;
};

}  // namespace skerry::core
