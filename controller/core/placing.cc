// placing.cc: gives READY tasks to nodes.
//
// Takes tasks in order of turn, asks the placer, and applies its choice: a lease, its records, the
// command to the agent. A task that nobody can take now blocks its lane until capacity changes; one
// that nobody could ever take holds it, or is set aside, for a while.
// Bounded per apply, so that no event waits long behind a crowd; the rest goes on at the next Tick.

#include <algorithm>
#include <optional>
#include <utility>

#include "common/check.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

constexpr int kFruitlessTries = 16;
// How often a task is tried that no node could take however idle it were: predictions change by
// and by. A new or changed node or model has it tried at once.
constexpr Duration kHeld = seconds(1);

// True if the only thing in the way that time could lift is that attempts of this task failed on
// the nodes left. A node that is given up is not waited for: it may never come back.
bool only_excluded_left(const State& state, const scheduler::MaskCounts& masked) {
  using scheduler::MaskReason;
  const auto count = [&](MaskReason reason) { return masked[static_cast<std::size_t>(reason)]; };
  const bool expected_back = count(MaskReason::kNotReady) > 0 && state.fleet_silence.silent > 0;
  return count(MaskReason::kExcluded) > 0 && !expected_back && count(MaskReason::kNoCredit) == 0 &&
         count(MaskReason::kCordoned) == 0;
}

// More than two live attempts never are: the longest silent one gives way.
void make_room(Context& ctx, JobEntry& entry) {
  while (entry.job.live.size() >= kMaxLiveAttempts) {
    const auto silent = std::ranges::find(entry.job.live, true, &Attempt::silent);
    check(silent != entry.job.live.end(),
          "a task in line has at most one attempt that is heard of");
    if (const NodeEntry& node = node_by_id(ctx.state, silent->node); node.session) {
      ctx.send(*node.session,  // it hears of that once it is heard of again
               CancelAttempt{ref_of(entry, *silent), ctx.state.epoch, "placed elsewhere, twice"},
               ctx.batch_of(entry.job));
    }
    hedge_dropped(ctx, entry, *silent);
    drop_attempt(ctx, entry, silent->uid);
  }
}

void lease(Context& ctx, JobEntry& entry, const scheduler::Decision& decision, Duration took) {
  Job& job = entry.job;
  Attempt& attempt = make_attempt(ctx, entry, decision);
  attempt.expected = expectation_of(ctx.state, decision);
  count_shadows(ctx.state, decision);
  sequence_placed(ctx, entry, attempt.node, attempt.variant);
  const Duration waited = ctx.now - entry.ready_since;
  entry.ready_order = 0;
  store_state(ctx, entry, TaskState::kLeased,
              {.node = attempt.node_name, .variant = attempt.variant_name});
  assign(ctx, entry, attempt);
  watch(ctx, entry);
  ctx.happen(DecisionMade{.job = job.id,
                          .model = job.spec.model,
                          .policy = decision.policy,
                          .placed = true,
                          .fallback = !decision.fallback_reason.empty(),
                          .waited = waited,
                          .took = took,
                          .candidates = static_cast<std::uint32_t>(decision.candidates.size())},
             job.last_batch);
}

const scheduler::Decision& decide(Context& ctx, JobEntry& entry) {
  State& state = ctx.state;
  const scheduler::Decision* decision = &state.placer.decide(view_of(ctx, entry), state.fleet);
  if (!decision->chosen && only_excluded_left(state, decision->masked)) {
    entry.job.excluded.clear();  // better a node that failed once than none
    decision = &state.placer.decide(view_of(ctx, entry), state.fleet);
  }
  return *decision;
}

// Why waiting makes no sense; empty = it does. A stored job waits for the fleet to change, unless
// its sequence binds it.
std::string hopeless_because(const Context& ctx, const JobEntry& entry,
                             const scheduler::Decision& decision) {
  if (decision.satisfiable) {
    return {};
  }
  if (entry.sequence != 0 && ctx.state.sequences.at(entry.sequence).node) {
    return "the node and variant that hold its sequence's state do not meet its constraints";
  }
  if (!entry.job.stored()) {
    return "no node and variant of this fleet can ever meet the constraints; POST "
           "/api/v1/placements says why";
  }
  return {};
}

// Nobody can take it now. Returns whether it stays in line.
bool refuse_or_block(Context& ctx, JobEntry& entry, const ReadyQueue::Spot& spot,
                     const scheduler::Decision& decision, Duration took) {
  if (std::string why = hopeless_because(ctx, entry, decision); !why.empty()) {
    ctx.state.ready.pop(spot, false);
    end_with_error(ctx, entry, TaskState::kFailed, ErrorCode::kUnsatisfiable, std::move(why));
    return false;
  }
  if (decision.warm_up) {
    warm_up(ctx, *decision.warm_up);
  }
  if (decision.satisfiable) {
    ctx.state.ready.block(spot, decision.masked);
  } else {
    const bool alone = entry.job.spec.constraints.deadline.has_value();
    entry.ready_order = ctx.state.ready.hold(spot, decision.masked, alone);
    if (!std::exchange(ctx.state.held_timer_set, true)) {
      ctx.state.timers.add({ctx.now + kHeld, TimerKind::kHeld, 0});
    }
  }
  ctx.happen(DecisionMade{.job = entry.job.id,
                          .model = entry.job.spec.model,
                          .policy = decision.policy,
                          .placed = false,
                          .fallback = false,
                          .waited = ctx.now - entry.ready_since,
                          .took = took,
                          .candidates = 0},
             entry.job.last_batch);
  return true;
}

}  // namespace

scheduler::TaskView view_of(const Context& ctx, const JobEntry& entry) {
  const JobSpec& spec = entry.job.spec;
  const std::size_t itself = entry.ready_order != 0 ? 1 : 0;  // in line
  scheduler::TaskView view{.model = entry.model,
                           .input_bytes = static_cast<double>(spec.inputs.size_bytes),
                           .preference = spec.preference,
                           .constraints = &spec.constraints,
                           .excluded = entry.job.excluded,
                           .pinned_node = std::nullopt,
                           .pinned_variant = std::nullopt,
                           .waiting = ctx.state.ready.size() - itself,
                           .now = ctx.now};
  if (entry.sequence != 0) {
    const auto& sequence = ctx.state.sequences.at(entry.sequence);
    view.pinned_node = sequence.node;
    view.pinned_variant = sequence.variant;
  }
  return view;
}

Attempt& make_attempt(Context& ctx, JobEntry& entry, const scheduler::Decision& decision,
                      std::string_view hedge_reason) {
  State& state = ctx.state;
  Job& job = entry.job;
  const auto& choice = decision.candidates[*decision.chosen];
  NodeEntry& node = node_by_id(state, choice.node);
  check(node.session.has_value(), "only a connected node is chosen");
  if (job.stored()) {  // with the fleet as it was when it was decided, without this attempt
    ctx.write(decision_record(ctx, entry, decision, hedge_reason));
  }
  make_room(ctx, entry);
  const auto& prediction = choice.prediction;
  job.live.push_back({.number = ++job.attempts,
                      .uid = {state.ids.next_u64(), state.ids.next_u64()},
                      .node = choice.node,
                      .variant = choice.variant,
                      .node_name = node.spec.name,
                      .variant_name = state.variant_names.at(choice.variant.value).variant,
                      .leased_at = ctx.now,
                      .started_at = std::nullopt,
                      .predicted = prediction.objectives,
                      .predicted_service_s = prediction.load_s + prediction.service_s,
                      .deviation_s = prediction.latency_deviation_s,
                      .loads = prediction.load_s > 0,
                      .hedge = !hedge_reason.empty()});
  node.jobs.insert(job.id);
  state.fleet.assigned(choice.node, job.live.back().predicted_service_s);
  return job.live.back();
}

void assign(Context& ctx, JobEntry& entry, const Attempt& attempt) {
  const Job& job = entry.job;
  const JobSpec& spec = job.spec;
  const auto& deadline = spec.constraints.deadline;
  ctx.send(*node_by_id(ctx.state, attempt.node).session,
           AssignAttempt{
               .attempt = ref_of(entry, attempt),
               .epoch = ctx.state.epoch,
               .ns = spec.ns,
               .model = spec.model,
               .variant = attempt.variant_name,
               .manifest_revision = ctx.state.models.at(spec.model).revision,
               .input = spec.inputs,
               .remaining = deadline ? std::max(*deadline - ctx.now, Duration(1)) : Duration(0),
               .sequence = spec.sequence.empty() ? "" : spec.ns + '/' + spec.sequence,
               .sequence_step = sequence_step(ctx.state, entry),
               .interactive = spec.urgency == Urgency::kInteractive},
           job.last_batch);
}

void held_timer(Context& ctx) {
  ctx.state.held_timer_set = false;
  ctx.state.ready.reopen_held();
}

void place_ready_tasks(Context& ctx) {
  State& state = ctx.state;
  int fruitless = 0;
  for (std::uint32_t decisions = 0; const auto spot = state.ready.next();) {
    if (decisions == state.settings.decisions_per_apply || fruitless == kFruitlessTries) {
      state.timers.add({ctx.now, TimerKind::kPlace, 0});
      return;
    }
    const auto it = state.jobs.find(spot->ticket.job);
    if (it == state.jobs.end() || it->second.ready_order != spot->ticket.order) {
      state.ready.pop(*spot, false);  // it left the line
      continue;
    }
    if (const std::string_view why = sequence_was_lost(state, it->second); !why.empty()) {
      state.ready.pop(*spot, false);
      sequence_lost(ctx, it->second.sequence, why);
      continue;
    }
    ++decisions;
    const Instant before = state.stopwatch ? state.stopwatch->now() : Instant();
    const auto& decision = decide(ctx, it->second);
    const Duration took = state.stopwatch ? state.stopwatch->now() - before : Duration(0);
    tell_breaker(ctx);
    if (decision.chosen) {
      state.ready.pop(*spot, true);
      lease(ctx, it->second, decision, took);
    } else {
      fruitless += refuse_or_block(ctx, it->second, *spot, decision, took) ? 1 : 0;
    }
  }
}

}  // namespace skerry::core
