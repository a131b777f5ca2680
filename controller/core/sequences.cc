// sequences.cc: tasks of one sequence run in order, one at a time, where the sequence's state
// lives.
//
// The first task is placed freely and begins the state; once a task has succeeded, the sequence is
// held by that node and variant, and each later task is sent there to continue. A state that is
// gone (the node was given up, its agent started anew, the runner died or was ended with a task
// that was cancelled, the model was applied anew) cannot be rebuilt, so the sequence's tasks fail
// and say so, and the name is free for a new sequence. So they do when the model loses the variant;
// one that runs meanwhile may end well, and those behind it are told. The core knows of nodes; of runners the
// agent knows, which refuses to continue what it does not hold. A sequence that idles is forgotten.
// A model that keeps no state holds nothing and loses nothing: its sequences only run in order.

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

std::string key_of(const JobSpec& spec) {
  return spec.ns + '\n' + spec.model + '\n' + spec.sequence;
}

// The sequence's number, made if it is new.
std::uint64_t number_of(State& state, const JobSpec& spec) {
  const auto [number, fresh] =
      state.sequence_numbers.try_emplace(key_of(spec), state.next_sequence);
  if (fresh) {
    state.sequences[state.next_sequence++].key = number->first;
  }
  return number->second;
}

// The state is where this task of the sequence succeeded, or lost if node or variant are gone.
void hold(const State& state, SequenceEntry& sequence, const Job& ended) {
  sequence.held = true;
  sequence.lost = {};
  const auto node = state.nodes.find(ended.result->node_name);
  if (node == state.nodes.end()) {
    sequence.lost = kNodeWasLost;
    return;
  }
  const auto& variants = state.models.at(ended.spec.model).variants;
  const auto variant = variants.find(ended.result->variant_name);
  if (variant == variants.end()) {
    sequence.lost = kVariantWasRemoved;
    return;
  }
  sequence.node = node->second.id;
  sequence.variant = variant->second;
}

void forget_sequence(State& state, std::uint64_t number) {
  const auto it = state.sequences.find(number);
  state.sequence_numbers.erase(it->second.key);
  state.sequences.erase(it);
}

}  // namespace

bool keeps_state(const State& state, const JobSpec& spec) {
  const auto model = state.models.find(spec.model);
  return !spec.sequence.empty() && model != state.models.end() && model->second.manifest.stateful;
}

void join_sequence(Context& ctx, JobEntry& entry) {
  State& state = ctx.state;
  entry.sequence = number_of(state, entry.job.spec);
  SequenceEntry& sequence = state.sequences.at(entry.sequence);
  if (sequence.active) {
    sequence.behind.push_back(entry.job.id);
    return;
  }
  sequence.active = entry.job.id;
  line_up(ctx, entry);
}

std::string_view sequence_was_lost(const State& state, const JobEntry& entry) {
  return entry.sequence == 0 ? "" : state.sequences.at(entry.sequence).lost;
}

// After a restart, for every ended job in order of submission: the sequence's state is still where its
// last task succeeded.
void bind_sequence(Context& ctx, const Job& ended) {
  const Instant idle_until = ended.result->ended_at + ctx.state.settings.sequence_idle;
  if (!keeps_state(ctx.state, ended.spec)) {
    return;
  }
  if (ended.result->error) {
    const auto known = ctx.state.sequence_numbers.find(key_of(ended.spec));
    if (ended.result->error->code == ErrorCode::kSequenceLost &&
        known != ctx.state.sequence_numbers.end()) {
      forget_sequence(ctx.state, known->second);
    }
    return;
  }
  if (idle_until <= ctx.now) {
    return;
  }
  const std::uint64_t number = number_of(ctx.state, ended.spec);
  SequenceEntry& sequence = ctx.state.sequences.at(number);
  hold(ctx.state, sequence, ended);
  sequence.idle_since = ended.result->ended_at;
  ctx.state.timers.add({idle_until, TimerKind::kSequence, number});
}

void sequence_placed(Context& ctx, JobEntry& entry, NodeId node, scheduler::VariantId variant) {
  if (entry.sequence == 0 || !keeps_state(ctx.state, entry.job.spec)) {
    return;
  }
  SequenceEntry& sequence = ctx.state.sequences.at(entry.sequence);
  sequence.node = node;
  sequence.variant = variant;
}

SequenceStep sequence_step(const State& state, const JobEntry& entry) {
  const bool held = entry.sequence != 0 && state.sequences.at(entry.sequence).held;
  return held ? SequenceStep::kContinues : SequenceStep::kBegins;
}

void sequence_task_ended(Context& ctx, JobEntry& entry) {
  if (entry.sequence == 0) {
    return;
  }
  SequenceEntry& sequence = ctx.state.sequences.at(entry.sequence);
  if (sequence.active != entry.job.id) {
    std::erase(sequence.behind, entry.job.id);  // cancelled or expired while it waited its turn
    return;
  }
  sequence.active.reset();
  if (entry.job.state == TaskState::kSucceeded && keeps_state(ctx.state, entry.job.spec)) {
    hold(ctx.state, sequence, entry.job);
  }
  if (!sequence.behind.empty()) {
    sequence.active = sequence.behind.front();
    sequence.behind.pop_front();
    line_up(ctx, ctx.state.jobs.at(*sequence.active));
    return;
  }
  sequence.idle_since = ctx.now;
  ctx.state.timers.add(
      {ctx.now + ctx.state.settings.sequence_idle, TimerKind::kSequence, entry.sequence});
}

void sequence_lost(Context& ctx, std::uint64_t number, std::string_view why) {
  SequenceEntry& sequence = ctx.state.sequences.at(number);
  std::deque<JobId> tasks = std::exchange(sequence.behind, {});
  if (sequence.active) {
    tasks.push_front(*sequence.active);
  }
  for (const auto id : tasks) {
    end_with_error(ctx, ctx.state.jobs.at(id), TaskState::kFailed, ErrorCode::kSequenceLost,
                   std::string(why));
  }
  forget_sequence(ctx.state, number);
}

void sequences_lost_with(Context& ctx, NodeId node) {
  std::vector<std::uint64_t> told;
  for (auto& [number, sequence] : ctx.state.sequences) {
    if (sequence.node != node) {
      continue;
    }
    if (!sequence.held) {  // its first task can begin anywhere
      sequence.node.reset();
      sequence.variant.reset();
    } else if (sequence.active) {
      told.push_back(number);
    } else {
      sequence.lost = kNodeWasLost;
    }
  }
  for (const auto number : told) {
    sequence_lost(ctx, number, kNodeWasLost);
  }
}

void sequences_lost_with_variants(State& state) {
  for (auto& [number, sequence] : state.sequences) {
    if (!sequence.variant || state.fleet.has_variant(*sequence.variant)) {
      continue;
    }
    if (sequence.held) {
      sequence.lost = kVariantWasRemoved;
    } else {  // its first task can begin anywhere
      sequence.node.reset();
      sequence.variant.reset();
    }
  }
}

void sequence_timer(Context& ctx, std::uint64_t number) {
  const auto it = ctx.state.sequences.find(number);
  if (it != ctx.state.sequences.end() && !it->second.active &&
      it->second.idle_since + ctx.state.settings.sequence_idle <= ctx.now) {
    forget_sequence(ctx.state, number);
  }
}

}  // namespace skerry::core
