// core_world.h: the smallest world for tests of the core: one model, nodes that connect when told,
// and a list of what left.
//
// Outputs are taken as soon as they come (as if every batch were durable at once), and sorted by
// kind.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "controller/core/core.h"
#include "tests/sim/sim_store.h"

namespace skerry::core {

class CoreWorld : public ::testing::Test {
 protected:
  CoreWorld() { restart({}); }

  void restart(StoredState stored) {
    core = std::make_unique<Core>(settings, 7, helpers);
    take(core->restore(std::move(stored), now));
  }

  // ---- what happens
  void apply(Event event) {
    take(core->apply(std::move(event), now));
    const auto broken = core->broken_invariants();
    EXPECT_TRUE(broken.empty()) << broken.front();
  }
  // Time passes; everything that falls due on the way happens at its time.
  void pass(Duration time) {
    const Instant end = now + time;
    while (core->next_timer() <= end) {
      now = std::max(now, core->next_timer());
      apply(Tick{});
    }
    now = end;
  }
  void put_model(std::string name = "m", std::vector<double> accuracies = {0.9},
                 const std::string& digest = "", bool stateful = true) {
    ModelManifest manifest{.name = std::move(name), .stateful = stateful};
    manifest.inputs.push_back({.name = "x", .kind = InputKind::kTensor, .shape = {-1}});
    manifest.outputs.push_back({.name = "y", .kind = OutputKind::kTensor});
    for (std::size_t i = 0; i < accuracies.size(); ++i) {
      manifest.variants.push_back({.name = "v" + std::to_string(i),
                                   .digest = digest,
                                   .accuracy = accuracies[i],
                                   .memory_bytes = 1 << 20,
                                   .reference_ms = 10.0 * static_cast<double>(i + 1)});
    }
    apply(PutModel{.ticket = ++tickets, .manifest = manifest});
  }
  std::uint64_t agents_incarnation = 1;  // of those that connect
  SessionId connect(const std::string& name, std::uint32_t capacity = 4,
                    std::vector<AttemptRef> running = {}, std::vector<AttemptRef> spooled = {}) {
    const SessionId session{++sessions};
    AgentHello hello{.session = session, .incarnation = agents_incarnation};
    hello.node = {.name = name,
                  .tier = scheduler::Tier::kEdge,
                  .site = "s",
                  .engines = {"torch"},
                  .slots = 2,
                  .memory_bytes = 1u << 30,
                  .power = power};
    hello.capacity = capacity;
    hello.running = std::move(running);
    hello.spooled = std::move(spooled);
    apply(hello);
    return session;
  }
  // One start of an agent that has a state directory.
  SessionId start_agent(const std::string& name, const std::string& identity,
                        std::uint64_t incarnation) {
    const SessionId session{++sessions};
    AgentHello hello{.session = session, .identity = identity, .incarnation = incarnation};
    hello.node = {.name = name, .engines = {"torch"}, .slots = 2, .memory_bytes = 1u << 30};
    hello.capacity = 4;
    apply(hello);
    return session;
  }
  static JobSpec spec(std::string ns = "default") {
    JobSpec job;
    job.ns = std::move(ns);
    job.model = "m";
    job.inputs = Payload::inlined("input");
    return job;
  }
  // The id of a durable job.
  JobId submit(JobSpec job) {
    apply(Submit{.ticket = ++tickets, .jobs = {std::move(job)}});
    return std::get<Submitted>(*answers.at(tickets)).jobs.at(0);
  }
  Listed list(JobFilter filter, std::optional<JobId> before, std::size_t limit) {
    apply(ListJobs{
        .ticket = ++tickets, .filter = std::move(filter), .before = before, .limit = limit});
    return std::get<Listed>(*answers.at(tickets));
  }
  void finish(SessionId session, const AttemptRef& attempt,
              AttemptOutcome outcome = AttemptOutcome::kSucceeded) {
    AttemptEnded ended{.session = session, .attempt = attempt, .outcome = outcome, .error = "why"};
    if (outcome == AttemptOutcome::kSucceeded) {
      ended.output = Payload::inlined("output");
      ended.error.clear();
    }
    ended.usage.service = milliseconds(10);
    apply(ended);
  }

  // ---- what left
  template <typename Command>
  std::vector<Command> sent(SessionId session) const {
    std::vector<Command> found;
    for (const auto& send : sends) {
      if (const auto* command = std::get_if<Command>(&send.command);
          command != nullptr && send.session == session) {
        found.push_back(*command);
      }
    }
    return found;
  }
  AttemptRef last_assigned(SessionId session) const {
    const auto all = sent<AssignAttempt>(session);
    EXPECT_FALSE(all.empty());
    return all.empty() ? AttemptRef{} : all.back().attempt;
  }
  // What a store would hold of everything written since the start.
  StoredState stored() const {
    sim::SimStore store;
    store.append(written);
    store.sync(1);
    EXPECT_THAT(store.broken(), ::testing::IsEmpty());
    return store.stored();
  }
  template <typename Record>
  std::vector<Record> records() const {
    std::vector<Record> found;
    for (const RecordWrite& write : written) {
      if (const auto* record = std::get_if<Record>(&write)) {
        found.push_back(*record);
      }
    }
    return found;
  }
  TaskState state(JobId id) const { return core->find_job(id)->state; }
  // What watchers were told, oldest first.
  template <typename Happening>
  std::vector<Happening> told() const {
    std::vector<Happening> found;
    for (const auto& output : held) {
      const auto* happening = std::get_if<core::Happening>(&output.what);
      if (happening != nullptr && std::holds_alternative<Happening>(*happening)) {
        found.push_back(std::get<Happening>(*happening));
      }
    }
    return found;
  }
  std::vector<TaskState> told_states(JobId id) const {
    std::vector<TaskState> states;
    for (const auto& change : told<JobChanged>()) {
      if (change.job == id) {
        states.push_back(change.state);
      }
    }
    return states;
  }

  Settings settings;
  CoreHelpers helpers;
  scheduler::PowerModel power;  // of nodes that connect
  Instant now = instant_from_us(1'700'000'000'000'000);
  std::unique_ptr<Core> core;
  std::map<Ticket, Result<Reply>> answers;
  std::vector<Send> sends;
  std::vector<Output> held;  // outputs with the batch they wait for, as they came
  std::vector<RecordWrite> written;
  Ticket tickets = 0;
  std::uint64_t sessions = 0;

 private:
  void take(Effects effects) {
    for (auto& write : effects.writes) {
      written.push_back(std::move(write));
    }
    for (auto& output : effects.outputs) {
      EXPECT_LE(output.after, core->batches_written());
      held.push_back(output);
      if (auto* answer = std::get_if<Answer>(&output.what)) {
        answers.emplace(answer->ticket, std::move(answer->reply));
      } else if (auto* send = std::get_if<Send>(&output.what)) {
        sends.push_back(std::move(*send));
      }
    }
  }
};

}  // namespace skerry::core
