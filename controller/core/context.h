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

// Every change of a job's state goes through here, so that the counts stay true.
void set_state(State& state, JobEntry& entry, TaskState to);
// Writes the job's task record, if it is durable, and counts the change.
void job_changed(Context& ctx, JobEntry& entry);
// Tells watchers; call after job_changed.
void announce(Context& ctx, const JobEntry& entry, std::string_view node = {},
              std::string_view variant = {}, std::string_view reason = {});
// Puts the job in line for a node (state READY).
void make_ready(Context& ctx, JobEntry& entry);
// Ends the job: terminal state, result, waiters, losers cancelled, retention.
void end_job(Context& ctx, JobEntry& entry, TaskState state, TaskResult result);
void end_with_error(Context& ctx, JobEntry& entry, TaskState state, ErrorCode code,
                    std::string message);
// Takes a live attempt off its node. The caller decides what becomes of the job.
void drop_attempt(Context& ctx, JobEntry& entry, AttemptUid uid);
Attempt* find_attempt(JobEntry& entry, AttemptUid uid);
AttemptRef ref_of(const JobEntry& entry, const Attempt& attempt);
void use_blob(State& state, const Payload& payload);
void drop_blob(Context& ctx, const std::string& digest);

// Decides what becomes of an open job after one of its attempts was lost or fell silent: it goes on
// with another, waits for a silent one (UNKNOWN), or gets in line again.
void settle(Context& ctx, JobEntry& entry, std::string_view reason);
// A silent attempt is heard of again.
void resume(State& state, JobEntry& entry, Attempt& attempt, bool running);

// ---- sequences.cc
constexpr std::string_view kNodeWasLost =
    "the node that held this sequence's state was lost; start a new sequence";
void bind_sequence(Context& ctx, const Job& ended);
void join_sequence(Context& ctx,
                   JobEntry& entry);  // instead of make_ready, for a new job with a sequence
void sequence_placed(Context& ctx, JobEntry& entry, NodeId node, scheduler::VariantId variant);
SequenceStep sequence_step(const State& state, const JobEntry& entry);
void sequence_task_ended(Context& ctx, JobEntry& entry);
void sequence_lost(Context& ctx, std::uint64_t sequence, std::string_view why);
// It was lost while it idled, and its next task is to be told.
bool sequence_was_lost(const State& state, const JobEntry& entry);
// The node lost what it held, or is given up.
void sequences_lost_with(Context& ctx, NodeId node);
void sequence_timer(Context& ctx, std::uint64_t sequence);

// ---- placing.cc
void place_ready_tasks(Context& ctx);
void held_timer(Context& ctx);

// ---- submit.cc
void handle(Context& ctx, Submit& event);
void handle(Context& ctx, Await& event);
void handle(Context& ctx, Abandon& event);
void handle(Context& ctx, CancelJob& event);
void answer_waiters(Context& ctx, JobEntry& entry);  // the job has ended
void wait_timer(Context& ctx, Ticket ticket);

// ---- attempts.cc
void handle(Context& ctx, AttemptStarted& event);
void handle(Context& ctx, AttemptEnded& event);
void handle(Context& ctx, AttemptReturned& event);
// The node's live attempt is gone for good: try again, or give up when the budget is spent.
void retry_after_loss(Context& ctx, JobEntry& entry, std::string_view reason);

// ---- sessions.cc
void handle(Context& ctx, AgentHello& event);
void handle(Context& ctx, AgentHeartbeat& event);
void handle(Context& ctx, CreditsChanged& event);
void handle(Context& ctx, ResidentChanged& event);
void handle(Context& ctx, SessionClosed& event);
NodeEntry* node_of(State& state, SessionId session);  // nullptr: not, or no longer, a session
NodeEntry& node_by_id(State& state, NodeId id);

// ---- liveness.cc
void node_heard(Context& ctx, NodeEntry& node);  // anything came from it
void fall_silent(Context& ctx, NodeEntry& node, std::string_view reason);
void node_timer(Context& ctx, NodeId id);
void schedule_node_timer(Context& ctx, NodeEntry& node);
void update_availability(Context& ctx, NodeEntry& node);
NodeState state_of(const NodeEntry& node);
void end_brake_if_over(Context& ctx);
void announce_node(Context& ctx, const NodeEntry& node, std::string_view reason);

// ---- models.cc
void handle(Context& ctx, PutModel& event);
void handle(Context& ctx, DeleteModel& event);
void install_model(State& state, const ModelManifest& manifest, std::uint64_t revision);
void model_crashed_on(Context& ctx, ModelEntry& model, NodeId node);
void model_worked_on(ModelEntry& model, NodeId node);
void trip_timer(Context& ctx, scheduler::ModelId id);
void set_resident(State& state, NodeEntry& node, const std::vector<VariantName>& variants);

// ---- probing.cc
void handle(Context& ctx, ProbeEnded& event);
void probe_next(Context& ctx, NodeEntry& node);   // the next variant never measured there
void probe_again(Context& ctx, NodeEntry& node);  // if it is idle and it is time
void warm_up(Context& ctx, const scheduler::WarmUp& wanted);

// ---- operators.cc
void handle(Context& ctx, ChangeNode& event);
void handle(Context& ctx, SetPolicy& event);
NodeRecord record_of(const NodeEntry& node);
MetaRecord meta_record(const State& state);
void drained_if_empty(Context& ctx, NodeEntry& node);

// ---- retention.cc
void retain(Context& ctx, JobEntry& entry);
void retention_timer(Context& ctx);

// ---- restore.cc
void restore(Context& ctx, StoredState stored);

}  // namespace skerry::core
