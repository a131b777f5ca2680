// core_world.h: a core, its store and the far ends of what it sends, for the target core: whatever
// happens is one of step()'s operations, and after each all rules are looked at.
//
// Agents answer nothing by themselves: the input says what they say, true or not, of the attempts that
// were ever assigned. finish() then lets everything work again, and asks that all jobs end.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/core/core.h"
#include "controller/core/outbox.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/wild_policies.h"

namespace skerry::fuzz {

struct Operation {
  std::uint8_t kind = 0;
  std::uint8_t a = 0;
  std::uint8_t b = 0;
  std::uint8_t c = 0;
  std::uint8_t wait = 0;  // how much time passes before it
};
constexpr std::size_t kOperationBytes = 5;

class CoreWorld {
 public:
  CoreWorld();

  void step(const Operation& operation);
  void finish();

 private:
  enum class Asker : std::uint8_t { kWaits, kAnswered, kGone };
  struct Assigned {
    SessionId session;
    core::AttemptRef attempt;
    Payload input;
  };

  void start();
  void crash(std::size_t synced);
  void sync(std::size_t batches);
  void apply(core::Event event);
  void pass(Duration time);
  void carry_out(core::Effects effects);
  void release(core::Output output);
  void release(core::Answer& answer);
  void check_rules() const;

  void submit(const Operation& operation);
  void operate(const Operation& operation);
  void put_model(std::uint8_t which, std::uint8_t how);
  void say(const Operation& operation);
  void outsider(const Operation& operation);
  void bring(const Operation& operation);
  void note(const Operation& operation);
  void hello(std::uint8_t node, std::uint8_t capacity, std::uint8_t holds);
  void end(const Assigned& assigned, core::AttemptOutcome outcome);
  SessionId session_of(std::uint8_t node) const;
  JobId job_of(std::uint8_t which) const;
  Assigned assigned_of(std::uint8_t which) const;
  bool all_ended() const;

  core::Settings settings_;
  sim::WildPolicies policies_;
  std::unique_ptr<core::Core> core_;
  core::Outbox outbox_;
  sim::SimStore store_;
  std::uint64_t starts_ = 0;   // a seed for each
  std::uint64_t durable_ = 0;  // batches of this core
  Instant now_ = instant_from_us(1'700'000'000'000'000);
  std::uint64_t sessions_ = 0;
  core::Ticket tickets_ = 0;
  std::map<core::Ticket, Asker> askers_;
  std::map<std::uint8_t, SessionId> connected_;
  std::vector<JobId> acknowledged_;
  std::map<JobId, core::TaskState> ended_;  // as somebody was told
  std::vector<Assigned> assigned_;
};

}  // namespace skerry::fuzz
