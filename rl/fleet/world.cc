#include "rl/fleet/world.h"

#include <algorithm>
#include <cmath>

#include "common/charge.h"
#include "common/check.h"
#include "scheduler/predict.h"

namespace skerry::rl::fleet {

namespace {

scheduler::TrendSample sample_of(const Choice& choice, double slots) {
  const TaskFacts& task = choice.facts;
  scheduler::TrendSample sample{.now_s = task.now_s,
                                .slots = slots,
                                .range_s = task.scale.nadir.latency_s - task.scale.ideal.latency_s,
                                .preference = task.preference,
                                .deadline_left_s = task.deadline_left_s};
  for (const Facts& candidate : choice.candidates) {
    sample.add_candidate(candidate.prediction.service_s);
  }
  return sample;
}

}  // namespace

double cost_of(const Context& context, const Task& task, scheduler::Objectives took) {
  const scheduler::Scale& scale = context.scales[task.model];
  took.latency_s = std::max(took.latency_s, scale.ideal.latency_s);
  took.energy_j = std::max(took.energy_j, scale.ideal.energy_j);
  took.cost_usd = std::max(took.cost_usd, scale.ideal.cost_usd);
  took.error = std::max(took.error, scale.ideal.error);
  return scheduler::weighted_sum(task.preference, scale.normalise(took));
}

World::World(const Context& context) : context_(&context), nodes_(context.nodes.size()) {
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    for (std::size_t v = 0; v < context.variants.size(); ++v) {
      if (context.warm[context.at(n, v)] != 0) {
        load(nodes_[n], n, v, 0);
      }
    }
  }
}

void World::settle(Tape& tape) {
  const double missed_s = kMissedAfterTasks / context_->arrivals_per_s;
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    State& state = nodes_[n];
    std::size_t kept = 0;
    double backlog_s = 0;
    for (std::size_t i = 0; i < state.outstanding; ++i) {
      if (state.attempts[i].end_s > now_s_) {
        backlog_s += state.attempts[i].believed_s;
        state.attempts[kept++] = state.attempts[i];
      }
    }
    state.outstanding = kept;
    state.backlog_s = backlog_s;
    if (context_->nodes[n].up_s == 0) {
      continue;
    }
    if (now_s_ >= state.outage.to_s || state.outage.from_s == kFar) {
      state.outage = tape.outage(n, now_s_);
      state.missed = false;
    }
    if (!state.missed && now_s_ >= state.outage.from_s + missed_s) {
      state.missed = true;
      state.outstanding = 0;
      state.backlog_s = 0;
      state.loaded = {};
      state.memory_bytes = 0;
      state.free_s.fill(state.outage.to_s);
    }
  }
}

double World::next_place_s() const {
  double next_s = kFar;
  for (const State& state : nodes_) {
    if (state.missed) {
      next_s = std::min(next_s, state.outage.to_s);
    }
    for (std::size_t i = 0; i < state.outstanding; ++i) {
      next_s = std::min(next_s, state.attempts[i].end_s);
    }
  }
  return next_s;
}

void World::count(const Task& task, const scheduler::Objectives& took, bool failed) {
  ++tally_.tasks;
  tally_.timed += task.deadline_s > 0 ? 1 : 0;
  tally_.missed += failed && task.deadline_s > 0 ? 1 : 0;
  tally_.sums.latency_s += took.latency_s;
  tally_.sums.energy_j += took.energy_j;
  tally_.sums.cost_usd += took.cost_usd;
  tally_.sums.error += took.error;
  tally_.cost += cost_of(*context_, task, took) + (failed ? kMissCost : 0);
}

void World::follow(Tape& future) {
  next_task_ = 0;
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    if (context_->nodes[n].up_s > 0 && nodes_[n].outage.from_s > now_s_) {
      nodes_[n].outage = future.outage(n, now_s_);
    }
  }
}

bool World::gather(Tape& tape, const Task& task, std::size_t others_waiting, Choice& choice) {
  const Context& c = *context_;
  const Model& model = c.models[task.model];
  choice.candidates.clear();
  choice.variants.clear();
  offers_.clear();
  double slots = 0;
  // What the scheduler knows of a link was measured a while ago.
  const double known_s = now_s_ - c.link_stale_s;
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const State& state = nodes_[n];
    const Node& node = c.nodes[n];
    if (state.missed) {
      continue;
    }
    slots += static_cast<double>(node.slots);
    const bool room = state.outstanding < node.slots + kQueueDepth;
    scheduler::Physics idle{.slots = static_cast<double>(node.slots),
                            .rtt_s = node.rtt_s,
                            .bandwidth_bytes_per_s = tape.bandwidth(n, known_s),
                            .input_bytes = task.input_bytes,
                            .busy_w = node.busy_w,
                            .transfer_j_per_byte = node.transfer_j_per_byte,
                            .price_usd_per_s = node.price_usd_per_s};
    for (std::size_t v = model.first; v < model.first + model.count; ++v) {
      const Variant& variant = c.variants[v];
      if (variant.memory_bytes > node.memory_bytes) {
        continue;
      }
      idle.service_s = c.believed_s[c.at(n, v)];
      idle.service_deviation_s = c.service_noise * idle.service_s;
      idle.error = 1 - variant.accuracy;
      const scheduler::Objectives offer = scheduler::offer(idle);
      offers_.add(offer, 0);
      if (!room) {
        continue;
      }
      const bool resident = state.loaded[v].ready_s != kFar;
      scheduler::Physics physics = idle;
      physics.backlog_s = state.backlog_s;
      physics.outstanding = static_cast<double>(state.outstanding);
      physics.load_s = resident ? 0 : c.load_s[c.at(n, v)];
      physics.load_deviation_s = 0.3 * physics.load_s;
      Facts facts{.prediction = scheduler::predict(physics),
                  .idle = offer,
                  .node = static_cast<std::uint32_t>(n),
                  .outstanding = physics.outstanding,
                  .slots = physics.slots,
                  .capacity = static_cast<double>(node.slots + kQueueDepth),
                  .backlog_s = physics.backlog_s,
                  .memory_share = variant.memory_bytes / node.memory_bytes,
                  .resident = resident,
                  .tier = node.tier};
      if (task.deadline_s > 0 && now_s_ + facts.prediction.objectives.latency_s > task.deadline_s) {
        continue;
      }
      choice.candidates.push_back(facts);
      choice.variants.push_back(static_cast<std::uint8_t>(v));
    }
  }
  choice.facts = {.now_s = now_s_,
                  .preference = task.preference,
                  .deadline_left_s = {},
                  .scale = offers_.wide_scale(),
                  .waiting = static_cast<double>(others_waiting)};
  if (task.deadline_s > 0) {
    choice.facts.deadline_left_s = task.deadline_s - now_s_;
  }
  choice.task = task;
  if (choice.candidates.empty()) {
    return false;
  }
  trend_.observe(sample_of(choice, slots));
  choice.facts.trend = trend_.trend();
  return true;
}

// Counts it as missed if its deadline has passed.
bool World::expired(const Task& task) {
  const bool late = task.deadline_s > 0 && now_s_ >= task.deadline_s;
  if (late) {
    count(task, {.latency_s = now_s_ - task.arrival_s}, true);
  }
  return late;
}

// Whether the task can be placed now; if not, it waits, or its deadline has passed.
bool World::ask(Tape& tape, const Task& task, Choice& choice) {
  if (expired(task)) {
    return false;
  }
  if (gather(tape, task, waiting_.size(), choice)) {
    return true;
  }
  waiting_.push_back(task);
  return false;
}

bool World::any_place() const {
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    if (!nodes_[n].missed && nodes_[n].outstanding < context_->nodes[n].slots + kQueueDepth) {
      return true;
    }
  }
  return false;
}

// Goes on asking those who wait, in order, as long as there are places.
bool World::ask_waiting(Tape& tape, Choice& choice) {
  while (asked_ < waiting_.size() && any_place()) {
    const auto at = waiting_.begin() + static_cast<std::ptrdiff_t>(asked_);
    const bool late = expired(*at);
    if (late || gather(tape, *at, waiting_.size() - 1, choice)) {
      waiting_.erase(at);
      if (!late) {
        return true;
      }
    } else {
      ++asked_;
    }
  }
  asked_ = kNobody;
  return false;
}

bool World::next(Tape& tape, std::size_t arrivals, Choice& choice) {
  for (;;) {
    if (asked_ != kNobody && ask_waiting(tape, choice)) {
      return true;
    }
    const double arrival_s = next_task_ < arrivals ? tape.task(next_task_).arrival_s : kFar;
    const auto retry = std::ranges::min_element(retries_, {}, &Retry::at_s);
    const double retry_s = retry == retries_.end() ? kFar : retry->at_s;
    const double place_s = waiting_.empty() ? kFar : next_place_s();
    const double next_s = std::min({arrival_s, retry_s, place_s});
    if (next_s == kFar) {
      // Whoever waits now waits for a deadline that no node can meet.
      for (const Task& task : waiting_) {
        count(task, {.latency_s = std::max(task.deadline_s, now_s_) - task.arrival_s}, true);
      }
      waiting_.clear();
      return false;
    }
    now_s_ = std::max(now_s_, next_s);
    settle(tape);
    if (place_s == next_s) {
      asked_ = 0;
      continue;
    }
    Task task;
    if (retry_s == next_s) {
      task = retry->task;
      retries_.erase(retry);
    } else {
      task = tape.task(next_task_++);
    }
    if (ask(tape, task, choice)) {
      return true;
    }
  }
}

void World::load(State& state, std::size_t node, std::size_t variant, double ready_s) {
  const Context& c = *context_;
  state.memory_bytes += c.variants[variant].memory_bytes;
  while (state.memory_bytes > c.nodes[node].memory_bytes) {  // the least recently used one goes
    std::size_t oldest = kMostVariants;
    for (std::size_t v = 0; v < c.variants.size(); ++v) {
      if (state.loaded[v].ready_s != kFar &&
          (oldest == kMostVariants || state.loaded[v].used_s < state.loaded[oldest].used_s)) {
        oldest = v;
      }
    }
    check(oldest < kMostVariants, "a variant that fits finds room");
    state.loaded[oldest] = {};
    state.memory_bytes -= c.variants[oldest].memory_bytes;
  }
  state.loaded[variant] = {.ready_s = ready_s, .used_s = now_s_};
}

void World::place(Tape& tape, const Choice& choice, std::size_t candidate) {
  const Context& c = *context_;
  const Task& task = choice.task;
  const std::size_t n = choice.candidates[candidate].node;
  const std::size_t v = choice.variants[candidate];
  const Node& node = c.nodes[n];
  State& state = nodes_[n];
  const std::size_t pair = c.at(n, v);
  const scheduler::Prediction& predicted = choice.candidates[candidate].prediction;
  trend_.take(predicted.load_s + predicted.service_s);

  const double there_s = now_s_ + node.rtt_s + task.input_bytes / tape.bandwidth(n, now_s_);
  const auto slots = std::span(state.free_s).first(node.slots);
  double& slot = *std::ranges::min_element(slots);
  const double start_s = std::max(slot, there_s);
  double load_s = 0;
  if (state.loaded[v].ready_s == kFar) {
    load_s = c.load_s[pair];
    load(state, n, v, start_s + load_s);
  } else {  // somebody may be loading it still
    load_s = std::max(state.loaded[v].ready_s - start_s, 0.0);
    state.loaded[v].used_s = now_s_;
  }
  const double service_s = c.service_s[pair] * task.difficulty;
  double end_s = start_s + load_s + service_s;
  bool missed = false;
  if (task.deadline_s > 0 && end_s > task.deadline_s) {  // it is cancelled
    missed = true;
    end_s = task.deadline_s;
  }
  const double failure_s = node.up_s > 0 ? state.outage.from_s : kFar;
  const bool lost = failure_s < end_s;
  const double stop_s = lost ? std::max(failure_s, now_s_) : end_s;
  const double busy_s = std::max(stop_s - start_s, 0.0);
  const bool sent = !lost || failure_s > now_s_;
  scheduler::Objectives took{
      .latency_s = end_s - task.arrival_s,
      .energy_j = charged_energy_j(charges_of(node), busy_s, sent ? task.input_bytes : 0),
      .cost_usd = charged_cost_usd(charges_of(node), busy_s),
      .error = missed ? 0 : 1 - c.variants[v].accuracy};
  const double known_s = lost ? stop_s + kMissedAfterTasks / c.arrivals_per_s : end_s;
  check(state.outstanding < state.attempts.size(), "a node holds its capacity at most");
  state.attempts[state.outstanding++] = {.end_s = known_s, .believed_s = c.believed_s[pair]};
  state.backlog_s += c.believed_s[pair];
  slot = std::max(slot, stop_s);
  if (lost) {
    // What was spent for nothing counts; the rest is counted with the attempt that succeeds.
    scheduler::Objectives spent = c.scales[task.model].ideal;
    spent.energy_j += took.energy_j;
    spent.cost_usd += took.cost_usd;
    tally_.cost += cost_of(*context_, task, spent);
    tally_.sums.energy_j += took.energy_j;
    tally_.sums.cost_usd += took.cost_usd;
    Task again = task;
    if (++again.attempts < kMostAttempts) {
      retries_.push_back({known_s, again});
    } else {
      count(task, {.latency_s = known_s - task.arrival_s}, true);
    }
    return;
  }
  count(task, took, missed);
}

}  // namespace skerry::rl::fleet
