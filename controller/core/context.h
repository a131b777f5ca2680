// context.h: one apply() in progress: the state, the time, and the effects gathered so far.
//
// The helpers keep the order "persist, then act": a record written here belongs to the batch of
// this apply, and an output about a job waits for the newest batch that holds a record of that job.

#pragma once

#include <string>
#include <utility>

#include "controller/core/effects.h"
#include "controller/core/state.h"

namespace skerry::core {

struct Context {
  State& state;
  Instant now;
  Effects effects = {};

  // The number that this apply's batch has or will have.
  BatchNumber batch() const { return state.batches + 1; }

  // The one that holds what this apply writes of the job; 0 if nothing of it is ever written.
  BatchNumber batch_of(const Job& job) const { return job.stored() ? batch() : 0; }

  // Everything up to now: for what depends on the state as a whole, not on one job.
  BatchNumber batch_so_far() const { return effects.writes.empty() ? state.batches : batch(); }

  void write(RecordWrite record) { effects.writes.push_back(std::move(record)); }

  void answer(Ticket ticket, Result<Reply> reply, BatchNumber after = 0) {
    if (ticket != kNoTicket) {
      effects.outputs.push_back({after, Answer{ticket, std::move(reply)}});
    }
  }
  void send(SessionId session, AgentCommand command, BatchNumber after = 0) {
    effects.outputs.push_back({after, Send{session, std::move(command)}});
  }
  void happen(Happening happening, BatchNumber after = 0) {
    effects.outputs.push_back({after, std::move(happening)});
  }
};

// ---- jobs.cc: changes of a job that several handlers share

// What watchers are told beside a job's new state.
struct Told {
  std::uint32_t attempt = 0;  // whose node and variant it is; 0 = the newest
  std::string_view node = {};
  std::string_view variant = {};
  std::string_view reason = {};
  bool same_state = false;
};
// Every change of a job's state goes through one of the next two: the counts stay true, the version
// grows, and watchers hear of it once the job's newest record is durable. set_state is for what a
// restart finds out anew (RUNNING, UNKNOWN, a backoff that is over); it does nothing if that is the
// state already.
void set_state(Context& ctx, JobEntry& entry, TaskState to, const Told& told = {});
// For the others: the job's task record is written, if it is durable.
void store_state(Context& ctx, JobEntry& entry, TaskState to, const Told& told = {});
// Counts alone: for restore, which changes nothing.
void count_state(State& state, JobEntry& entry, TaskState to);
// A job that is open from now on, and what it was submitted with.
void count_open(State& state, const JobEntry& entry);
// Something else of the job changed that its task record holds.
void job_changed(Context& ctx, JobEntry& entry);
void announce(Context& ctx, const JobEntry& entry, const Told& told = {});
void announce_end(Context& ctx, const Job& job);  // beside the above
// Puts a READY job in line for a node.
void line_up(Context& ctx, JobEntry& entry);
// Ends the job: terminal state, result, waiters, losers cancelled, retention.
void end_job(Context& ctx, JobEntry& entry, TaskState state, TaskResult result);
void end_with_error(Context& ctx, JobEntry& entry, TaskState state, ErrorCode code,
                    std::string message);
// Takes a live attempt off its node. The caller decides what becomes of the job.
void drop_attempt(Context& ctx, JobEntry& entry, AttemptUid uid);
// It is over at its node, or never heard of again, which was not known when it was cancelled.
void cancelled_is_over(Context& ctx, NodeEntry& node, AttemptUid uid);
void forget_cancelled(Context& ctx, NodeEntry& node);  // all of its
Attempt* find_attempt(JobEntry& entry, AttemptUid uid);
AttemptRef ref_of(const JobEntry& entry, const Attempt& attempt);
// Another attempt of it is heard of.
bool goes_on_elsewhere(const JobEntry& entry);
// Decides what becomes of an open job after one of its attempts was lost or fell silent: it goes on
// with another, waits for a silent one (UNKNOWN), or gets in line again.
void settle(Context& ctx, JobEntry& entry, std::string_view reason);
// A silent attempt is heard of again.
void resume(Context& ctx, JobEntry& entry, Attempt& attempt, bool running);
// Its live attempt is gone for good: try again, or give up when the budget is spent.
void retry_after_loss(Context& ctx, JobEntry& entry, std::string_view reason);
void deadline_timer(Context& ctx, JobId id);
void backoff_timer(Context& ctx, JobId id);
void use_blob(State& state, const Payload& payload);
void drop_blob(Context& ctx, const std::string& digest);

// ---- nodes.cc
NodeEntry* node_of(State& state, SessionId session);  // nullptr: not, or no longer, a session
NodeEntry& node_by_id(State& state, NodeId id);
NodeState state_of(const NodeEntry& node);
void announce_node(Context& ctx, const NodeEntry& node, std::string_view reason,
                   BatchNumber after = 0);
void drained_if_empty(Context& ctx, NodeEntry& node);

// ---- records.cc
TaskRecord record_of(const State& state, const Job& job);
NodeRecord record_of(const NodeEntry& node);
MetaRecord meta_record(const State& state);

// ---- sequences.cc
constexpr std::string_view kNodeWasLost =
    "the node that held this sequence's state was lost; start a new sequence";
constexpr std::string_view kVariantWasRemoved =
    "the model has no longer the variant that held this sequence's state; start a new sequence";
// From one task of a sequence to the next.
bool keeps_state(const State& state, const JobSpec& spec);
void bind_sequence(Context& ctx, const Job& ended);
void join_sequence(Context& ctx,
                   JobEntry& entry);  // instead of line_up, for a new job with a sequence
void sequence_placed(Context& ctx, JobEntry& entry, NodeId node, scheduler::VariantId variant);
SequenceStep sequence_step(const State& state, const JobEntry& entry);
void sequence_task_ended(Context& ctx, JobEntry& entry);
void sequence_lost(Context& ctx, std::uint64_t sequence, std::string_view why);
// Why it was lost without a task to be told, which is this one; empty if it was not.
std::string_view sequence_was_lost(const State& state, const JobEntry& entry);
// The node lost what it held, or is given up.
void sequences_lost_with(Context& ctx, NodeId node);
// A model was applied without some of its variants, or deleted.
void sequences_lost_with_variants(State& state);
void sequence_timer(Context& ctx, std::uint64_t sequence);

// ---- placing.cc
scheduler::TaskView view_of(const Context& ctx, const JobEntry& entry);
// Makes the attempt that was decided on, with its decision record, and counts it at its node.
Attempt& make_attempt(Context& ctx, JobEntry& entry, const scheduler::Decision& decision,
                      std::string_view hedge_reason = {});
// Tells its node, once the job's record is written.
void assign(Context& ctx, JobEntry& entry, const Attempt& attempt);
void place_ready_tasks(Context& ctx);
void held_timer(Context& ctx);

// ---- hedging.cc
void watch(Context& ctx, JobEntry& entry);  // its first attempt was placed
void hedge_timer(Context& ctx, JobId id);
// What an attempt that succeeded says of its model's tail.
void learn_tail(Context& ctx, const JobEntry& entry, const Attempt& attempt);
// Likewise one that is cancelled since its task has ended.
void learn_cut_short(Context& ctx, const JobEntry& entry, const Attempt& attempt);
// The attempt ended, or was given back; the job's others are still live.
void hedge_ended(Context& ctx, const JobEntry& entry, const Attempt& attempt, bool succeeded);
// The attempt is let go of before it ended.
void hedge_dropped(Context& ctx, const JobEntry& entry, const Attempt& attempt);

// ---- submit.cc
// Ties the key to the jobs of its request that are known.
void remember_key(State& state, IdempotencyEntry entry);
// May a job be taken that has not ended? The limits and the model's state are looked at.
Status admit_open(const State& state, const JobSpec& spec, Instant now);
// Takes a job that admit_open let pass, and puts it in line.
JobId accept_job(Context& ctx, JobSpec spec, Instant submitted_at);
void handle(Context& ctx, Submit& event);
void handle(Context& ctx, Await& event);
void handle(Context& ctx, ListJobs& event);
void handle(Context& ctx, Abandon& event);
void handle(Context& ctx, CancelJob& event);
void answer_waiters(Context& ctx, JobEntry& entry);  // the job has ended
void wait_timer(Context& ctx, Ticket ticket);

// ---- attempts.cc
void handle(Context& ctx, AttemptStarted& event);
void handle(Context& ctx, AttemptEnded& event);
void handle(Context& ctx, AttemptReturned& event);

// ---- sessions.cc
void handle(Context& ctx, AgentHello& event);
void handle(Context& ctx, AgentHeartbeat& event);
void handle(Context& ctx, CreditsChanged& event);
void handle(Context& ctx, ResidentChanged& event);
void handle(Context& ctx, SessionClosed& event);

// ---- site_jobs.cc, handing_over.cc
void handle(Context& ctx, SiteJobBrought& event);
void handle(Context& ctx, HandOver& event);
void handle(Context& ctx, SiteJobSettled& event);
bool waits_to_be_brought(const State& state, const Job& job);

// ---- standing_orders.cc
void give_orders(Context& ctx, const NodeEntry& node, BatchNumber after);
void orders_changed(Context& ctx);

// ---- liveness.cc
void node_heard(Context& ctx, NodeEntry& node);  // anything came from it
void fall_silent(Context& ctx, NodeEntry& node, std::string_view reason);
void node_timer(Context& ctx, NodeId id);
void schedule_node_timer(Context& ctx, NodeEntry& node);
void update_availability(Context& ctx, NodeEntry& node);
void end_brake_if_over(Context& ctx);
void give_up_node(Context& ctx, NodeEntry& node, std::string_view why);

// ---- models.cc
void handle(Context& ctx, PutModel& event);
void handle(Context& ctx, DeleteModel& event);
void install_model(State& state, const ModelManifest& manifest, std::uint64_t revision);
void model_crashed_on(Context& ctx, ModelEntry& model, NodeId node);
void model_worked_on(ModelEntry& model, NodeId node);
void trip_timer(Context& ctx, scheduler::ModelId id);
std::uint64_t artifact_bytes(const ModelManifest& manifest);  // of all its variants
// What a job of this namespace means by a model's name: its namespace's own before everybody's, and
// never another namespace's. nullptr: there is none.
const ModelEntry* find_model(const State& state, std::string_view ns, std::string_view name);
// What the node has loaded: told to the fleet, as far as it is of the newest manifests.
void set_loaded(State& state, NodeEntry& node, std::vector<LoadedVariant> loaded);

// ---- probing.cc
void handle(Context& ctx, ProbeEnded& event);
void probe_next(Context& ctx, NodeEntry& node);   // the next variant never measured there
void probe_again(Context& ctx, NodeEntry& node);  // if it is idle and it is time
void warm_up(Context& ctx, const scheduler::WarmUp& wanted);

// ---- operators.cc
void handle(Context& ctx, ChangeNode& event);

// ---- policies.cc
void handle(Context& ctx, ApplyPolicy& event);
void handle(Context& ctx, ChangePolicy& event);
void handle(Context& ctx, RollBackPolicy& event);
void handle(Context& ctx, OfferPolicy& event);
void restore_policies(Context& ctx, const MetaRecord& meta, std::vector<PolicyRecord>& records);

// ---- judging.cc
Expectation expectation_of(const State& state, const scheduler::Decision& decision);
void count_shadows(State& state, const scheduler::Decision& decision);
void judge_outcome(Context& ctx, const Job& job, const Attempt& attempt,
                   const scheduler::Objectives& actual);
void tell_breaker(Context& ctx);  // if its state has changed since it was last told

// ---- decisions.cc: of the attempt that is to be made next
DecisionRecord decision_record(Context& ctx, const JobEntry& entry,
                               const scheduler::Decision& decision, std::string_view hedge_reason);

// ---- access.cc
void handle(Context& ctx, PutToken& event);
void handle(Context& ctx, RevokeToken& event);
void handle(Context& ctx, TokensUsed& event);

// ---- enrolment.cc
void handle(Context& ctx, PutJoinToken& event);
void handle(Context& ctx, DropJoinToken& event);
void handle(Context& ctx, Enrol& event);
void handle(Context& ctx, RenewIdentity& event);
void handle(Context& ctx, RevokeNode& event);
// Why an agent that says it is this node is not believed; nullopt if it is.
std::optional<Error> refused_identity(const State& state, const AgentHello& hello);

// ---- audit.cc
std::optional<AuditEntry> audit_entry(const State& state,
                                      const Event& event);  // of what a caller asks for
void audit(Context& ctx, const AuditEntry& entry);
void handle(Context& ctx, NoteInAudit& event);

// ---- retention.cc
void retain(Context& ctx, JobEntry& entry);
void retention_timer(Context& ctx);

// ---- restore.cc
void restore(Context& ctx, StoredState stored);

}  // namespace skerry::core
