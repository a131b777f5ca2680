// hedging.cc: a second attempt of an interactive task whose first is late, on another node, where it pays.
//
// When an attempt has taken longer than 19 of 20 of its model's do, somebody looks: does the time that a
// second attempt is expected to save weigh more than its energy and cost, by the task's own preference
// (scheduler/hedge.h)? If not, somebody looks again when it is late by twice as much. The first result
// wins and the other attempt is cancelled, as for any two attempts of a task.
//
// Made with care, since second attempts are work that a fleet in trouble has no room for: only into an
// idle slot, where the variant is loaded; only while no interactive task waits for a place, nor any
// other that could be placed; not while the brake holds; never for a task of a sequence; and only so
// many for each interactive task that is placed (a budget, counted in tasks and not in time, so that a
// fleet that gets slow does not get more of them). And only where enough is known.
//
// A second attempt is expected to be as quick as any. Where the input itself is what takes long it is
// not: so its gain counts as much as those before it kept of what they promised.

#include <fmt/format.h>

#include <algorithm>

#include "common/check.h"
#include "controller/core/context.h"
#include "scheduler/hedge.h"

namespace skerry::core {

namespace {

constexpr double kLateShare = 0.05;
constexpr double kMostLeft = 10;  // of the budget, kept for later
constexpr std::string_view kPolicy = "hedge";
constexpr std::string_view kVersion = "1";

constexpr double kFade = 1 - 1.0 / 10'000;  // of promises, with every attempt that succeeds

// The share of second attempts that end first, of those that were expected to; at first it is believed.
double trust(const ModelEntry& model) {
  return std::min((model.hedges_won + 1) / (model.hedges_promised + 1), 1.0);
}

bool may_be_hedged(const State& state, const JobEntry& entry) {
  return state.settings.hedging && entry.job.spec.urgency == Urgency::kInteractive &&
         entry.sequence == 0;
}

scheduler::Running running(const Attempt& attempt, Instant now) {
  return {.predicted_s = attempt.predicted.latency_s,
          .deviation_s = attempt.deviation_s,
          .elapsed_s = to_seconds(now - attempt.leased_at),
          .error = attempt.predicted.error};
}

// Placed by this process, so that what was predicted of it is known.
bool predicted_here(const Attempt& attempt) { return attempt.expected || attempt.hedge; }

ModelEntry& model_of(Context& ctx, const JobEntry& entry) {
  return ctx.state.models.at(entry.job.spec.model);
}

scheduler::Tail& tail_of(Context& ctx, const JobEntry& entry) { return model_of(ctx, entry).tail; }

void look_at(Context& ctx, JobEntry& entry, Instant at) {
  entry.hedge_at = at;
  ctx.state.timers.add({at, TimerKind::kHedge, entry.job.id.value});
}

bool well_known(const State& state, NodeId node, scheduler::VariantId variant) {
  return state.fleet.has_variant(variant) &&  // its model may have lost it since
         state.fleet.service(node, variant).samples >= state.settings.hedge_min_samples;
}

// What the task may spend bounds both attempts together.
scheduler::Constraints left_of(const JobSpec& spec, const Attempt& first) {
  scheduler::Constraints constraints = spec.constraints;
  if (constraints.max_energy_j) {
    *constraints.max_energy_j -= first.predicted.energy_j;
  }
  if (constraints.max_cost_usd) {
    *constraints.max_cost_usd -= first.predicted.cost_usd;
  }
  return constraints;
}

// Who could take the task beside the first attempt's node.
scheduler::Decision candidates_for(Context& ctx, const JobEntry& entry, const Attempt& first) {
  State& state = ctx.state;
  const scheduler::Constraints constraints = left_of(entry.job.spec, first);
  std::vector<NodeId> excluded = entry.job.excluded;
  excluded.push_back(first.node);
  scheduler::TaskView view = view_of(ctx, entry);
  view.constraints = &constraints;
  view.excluded = excluded;
  view.idle_slot_only = true;
  scheduler::Decision decision = state.placer.candidates(view, state.fleet);
  std::erase_if(decision.candidates, [&](const scheduler::Candidate& candidate) {
    return !state.fleet.resident(candidate.node, candidate.variant) ||
           !well_known(state, candidate.node, candidate.variant);
  });
  return decision;
}

// Ranks the candidates by what they are worth; the best one's worth.
scheduler::HedgeWorth rank(Context& ctx, const JobEntry& entry, const Attempt& first,
                           scheduler::Decision& decision) {
  const JobSpec& spec = entry.job.spec;
  std::optional<double> left_s;
  if (spec.constraints.deadline) {
    left_s = to_seconds(*spec.constraints.deadline - ctx.now);
  }
  decision.policy = kPolicy;
  decision.policy_version = kVersion;
  decision.scale = first.expected->scale;  // by which the first was placed
  scheduler::HedgeWorth best;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    scheduler::Candidate& candidate = decision.candidates[i];
    candidate.normalised = decision.scale.normalise(candidate.prediction.objectives);
    auto worth = worth_of(running(first, ctx.now), candidate, tail_of(ctx, entry), decision.scale,
                          spec.preference, left_s);
    worth.gain *= trust(model_of(ctx, entry));
    decision.scores.push_back(worth.price - worth.gain);
    if (!decision.chosen || decision.scores[i] < decision.scores[*decision.chosen]) {
      decision.chosen = i;
      best = worth;
    }
  }
  return best;
}

std::string reason_of(const scheduler::Tail& tail, const scheduler::Running& first,
                      const scheduler::HedgeWorth& worth) {
  constexpr double kMillis = 1000;
  constexpr double kPercent = 100;
  std::string reason = fmt::format(
      "the first had taken {:.0f} ms where {:.0f} ms were predicted, and {:.1f} % of its model's "
      "end sooner; a second is expected to save {:.0f} ms",
      kMillis * first.elapsed_s, kMillis * first.predicted_s,
      kPercent * (1 - tail.beyond(first.overrun())), kMillis * worth.saved_s);
  if (worth.miss_averted > 0) {
    reason += fmt::format(" and {:.0f} % of the risk to miss the deadline",
                          kPercent * worth.miss_averted);
  }
  return reason +
         fmt::format("; that weighs {:.2f}, its energy and cost {:.2f}", worth.gain, worth.price);
}

HedgeVerdict look(Context& ctx, JobEntry& entry) {
  State& state = ctx.state;
  const Attempt first = entry.job.live.front();
  if (state.braking || first.silent || state.ready.anybody_waits(Urgency::kInteractive) ||
      state.ready.next()) {
    return HedgeVerdict::kHeldBack;
  }
  const scheduler::Tail& tail = tail_of(ctx, entry);
  if (tail.outcomes() < state.settings.hedge_min_outcomes ||
      !well_known(state, first.node, first.variant)) {
    return HedgeVerdict::kUncertain;
  }
  if (state.hedges_left < 1) {
    return HedgeVerdict::kNoBudget;
  }
  scheduler::Decision decision = candidates_for(ctx, entry, first);
  if (decision.candidates.empty()) {
    return HedgeVerdict::kNoNode;
  }
  const scheduler::HedgeWorth worth = rank(ctx, entry, first, decision);
  if (!worth.pays()) {
    return HedgeVerdict::kNotWorth;
  }
  state.hedges_left -= 1;
  model_of(ctx, entry).hedges_promised += worth.chance_earlier;
  const std::string reason = reason_of(tail, running(first, ctx.now), worth);
  const Attempt& second = make_attempt(ctx, entry, decision, reason);
  job_changed(ctx, entry);
  announce(ctx, entry,
           {.node = second.node_name,
            .variant = second.variant_name,
            .reason = fmt::format("hedge: {}", reason),
            .same_state = true});
  assign(ctx, entry, second);
  return HedgeVerdict::kMade;
}

// What it has drawn so far, as its prediction has it.
double spent_j(const Attempt& attempt, Instant now) {
  if (!attempt.started_at || attempt.predicted_service_s <= 0) {
    return 0;
  }
  return attempt.predicted.energy_j * to_seconds(now - *attempt.started_at) /
         attempt.predicted_service_s;
}

void tell_end(Context& ctx, const JobEntry& entry, HedgeEnd end, double spent) {
  ctx.happen(
      HedgeEnded{.job = entry.job.id, .model = entry.job.spec.model, .end = end, .spent_j = spent},
      entry.job.last_batch);
}

}  // namespace

void watch(Context& ctx, JobEntry& entry) {
  if (!may_be_hedged(ctx.state, entry)) {
    return;
  }
  State& state = ctx.state;
  state.hedges_left = std::min(state.hedges_left + state.settings.hedge_budget, kMostLeft);
  const scheduler::Running first = running(entry.job.live.back(), ctx.now);
  const double late = std::max(tail_of(ctx, entry).exceeded_by(kLateShare), 0.0);
  Instant at = ctx.now + duration_from_seconds(first.predicted_s + late * first.unit_s());
  if (const auto& deadline = entry.job.spec.constraints.deadline) {
    // While there is time for another one, unless there never was.
    const Duration predicted = duration_from_seconds(first.predicted_s);
    const Instant in_time = *deadline - predicted - duration_from_seconds(first.unit_s());
    at = in_time >= ctx.now + predicted ? std::min(at, in_time) : at;
  }
  look_at(ctx, entry, at);
}

void hedge_timer(Context& ctx, JobId id) {
  const auto it = ctx.state.jobs.find(id);
  if (it == ctx.state.jobs.end() || it->second.hedge_at > ctx.now) {
    return;
  }
  JobEntry& entry = it->second;
  entry.hedge_at = kNever;
  const bool goes_on = entry.job.state == TaskState::kLeased ||
                       entry.job.state == TaskState::kRunning ||
                       entry.job.state == TaskState::kUnknown;
  if (!goes_on || entry.job.live.size() != 1 || !entry.job.live.front().expected) {
    return;  // it ended, has two, or waits for its next, which is watched in its turn
  }
  const HedgeVerdict verdict = look(ctx, entry);
  ctx.happen(HedgeLooked{.job = id, .model = entry.job.spec.model, .verdict = verdict},
             entry.job.last_batch);
  if (verdict != HedgeVerdict::kMade) {
    const scheduler::Running first = running(entry.job.live.front(), ctx.now);
    const double late_s = std::max(first.elapsed_s - first.predicted_s, first.unit_s());
    look_at(ctx, entry, ctx.now + duration_from_seconds(late_s));
  }
}

void learn_tail(Context& ctx, const JobEntry& entry, const Attempt& attempt) {
  if (entry.job.spec.urgency == Urgency::kInteractive && predicted_here(attempt)) {
    ModelEntry& model = model_of(ctx, entry);
    model.tail.observe(running(attempt, ctx.now).overrun());
    model.hedges_promised *= kFade;
    model.hedges_won *= kFade;
  }
}

void learn_cut_short(Context& ctx, const JobEntry& entry, const Attempt& attempt) {
  if (attempt.silent || !predicted_here(attempt)) {
    return;  // it may have ended long ago
  }
  if (entry.job.spec.urgency == Urgency::kInteractive) {
    tail_of(ctx, entry).observe_at_least(running(attempt, ctx.now).overrun());
  }
  // A node whose late runs are always overtaken would never be known to be slow.
  if (entry.job.state == TaskState::kSucceeded && attempt.started_at && !attempt.loads) {
    const double ran_s = to_seconds(ctx.now - *attempt.started_at);
    if (ran_s > attempt.predicted_service_s) {
      ctx.state.fleet.observe_service(attempt.node, attempt.variant, ran_s);
    }
  }
}

void hedge_ended(Context& ctx, const JobEntry& entry, const Attempt& attempt, bool succeeded) {
  const auto& others = entry.job.live;
  if (attempt.hedge) {
    const double in_vain = succeeded ? (others.empty() ? 0 : spent_j(others.front(), ctx.now))
                                     : spent_j(attempt, ctx.now);
    model_of(ctx, entry).hedges_won += succeeded ? 1 : 0;
    tell_end(ctx, entry, succeeded ? HedgeEnd::kWon : HedgeEnd::kFailed, in_vain);
  } else if (const auto hedge = std::ranges::find(others, true, &Attempt::hedge);
             succeeded && hedge != others.end()) {
    tell_end(ctx, entry, HedgeEnd::kLost, spent_j(*hedge, ctx.now));
  }
}

void hedge_dropped(Context& ctx, const JobEntry& entry, const Attempt& attempt) {
  if (attempt.hedge && entry.job.state != TaskState::kSucceeded) {  // else it is told that it lost
    tell_end(ctx, entry, HedgeEnd::kDropped, spent_j(attempt, ctx.now));
  }
}

}  // namespace skerry::core
