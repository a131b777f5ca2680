#include "tests/sim/sim_engine.h"

#include <algorithm>
#include <utility>

namespace skerry::sim {

namespace {

// "slow #17" -> "slow", "#17"
std::pair<std::string, std::string> parts_of(const agent::Work& work) {
  const std::string input = work.input ? *work.input : std::string("ok");
  const std::size_t space = input.find(' ');
  return {input.substr(0, space), space == std::string::npos ? "" : input.substr(space + 1)};
}

}  // namespace

void SimEngine::lose_a_state() {
  for (auto it = states_.begin(); it != states_.end(); ++it) {
    if (!busy_states_.contains(it->first)) {
      states_.erase(it);
      felt_(Fault::kStateLost);
      return;
    }
  }
}

agent::Verdict SimEngine::admit(Instant /*now*/, const agent::Work& work) {
  if (work.sequence.empty()) {
    return {};
  }
  if (faults_ && random_.chance(0.05 * unlucky_)) {
    lose_a_state();
  }
  if (busy_states_.contains(state_of(work))) {
    return {.admission = agent::Admission::kBusy, .reason = "its sequence runs"};
  }
  if (work.sequence_step == agent::SequenceStep::kContinues && !states_.contains(state_of(work))) {
    ++continuations_refused_;
    return {.admission = agent::Admission::kLost, .reason = "its process ended"};
  }
  return {};
}

void SimEngine::start(Instant now, agent::RunToken token, agent::Work work) {
  Run run;
  run.load = resident_.insert(work.variant).second ? milliseconds(50) : Duration(0);
  const bool probe = work.input == nullptr;
  const double mean_s = parts_of(work).first == "slow" ? 3.0 : 0.2;
  run.service = probe ? milliseconds(20) : duration_from_seconds(random_.exponential(mean_s));
  run.ends = now + run.load + run.service;
  if (!work.sequence.empty()) {
    const std::string state = state_of(work);
    if (work.sequence_step == agent::SequenceStep::kBegins) {
      states_[state].clear();
    }
    run.found = states_[state];
    busy_states_.insert(state);
  }
  run.work = std::move(work);
  runs_.emplace(token, std::move(run));
}

void SimEngine::abort(Instant /*now*/, agent::RunToken token) {
  const auto it = runs_.find(token);
  if (it == runs_.end()) {
    return;
  }
  states_.erase(state_of(it->second.work));
  busy_states_.erase(state_of(it->second.work));
  ended_.push_back({.token = token, .outcome = agent::Outcome::kCancelled, .error = "aborted"});
  runs_.erase(it);
}

void SimEngine::end(agent::RunToken token, const Run& run) {
  agent::RunEnded ended{.token = token, .load = run.load, .service = run.service};
  ended.memory_bytes = 1;
  const auto [kind, number] = parts_of(run.work);
  const bool sequence = !run.work.sequence.empty();
  busy_states_.erase(state_of(run.work));
  const bool unlucky = faults_ && random_.chance(0.01 * unlucky_);
  if (kind == "poison" || unlucky) {
    if (unlucky) {
      felt_(Fault::kRunnerCrash);
    }
    ended.outcome = agent::Outcome::kCrashed;
    ended.error = "the runner died of signal 11";
    states_.erase(state_of(run.work));
  } else if (kind == "bad") {
    ended.outcome = agent::Outcome::kModelFailed;
    ended.error = "the model refuses this input";
  } else if (faults_ && random_.chance(0.02 * unlucky_)) {
    felt_(Fault::kRunnerFails);
    ended.outcome = agent::Outcome::kInfrastructure;
    ended.error = "disk full";
  } else {
    std::string output = "done";
    if (sequence) {
      output += " found";
      for (const std::string& earlier : run.found) {
        output += ' ' + earlier;
      }
    }
    if (kind == "giant") {
      output += ' ' + number;
      output.resize(kInlineLimitBytes + 1, '.');
    }
    ended.output = std::make_shared<const std::string>(std::move(output));
  }
  if (sequence && states_.contains(state_of(run.work))) {
    states_[state_of(run.work)].push_back(number);
  }
  ended_.push_back(std::move(ended));
}

void SimEngine::on_time(Instant now) {
  for (auto it = runs_.begin(); it != runs_.end();) {
    if (it->second.ends <= now) {
      end(it->first, it->second);
      it = runs_.erase(it);
    } else {
      ++it;
    }
  }
}

std::vector<agent::RunEnded> SimEngine::take_ended() { return std::exchange(ended_, {}); }

Instant SimEngine::next_timer() const {
  Instant next = kNever;
  for (const auto& [token, run] : runs_) {
    next = std::min(next, run.ends);
  }
  return next;
}

}  // namespace skerry::sim
