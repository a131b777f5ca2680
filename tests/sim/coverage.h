// coverage.h: which transitions of tasks happened under which kinds of faults, as a matrix.
//
// A cell (transition, fault) counts the transitions of that kind that a task made while the fault
// acted on something that the task depended on: on the controller, on a node that had or got an
// attempt of it, or on the task itself (its client's doings). "While" ends kAftermath after the
// fault (fault_log.h). What clients do to a task counts for the rest of the task's life.
//
// Transitions are named "READY>LEASED"; a new task comes from "NEW". One that is not listed must not
// happen. A cell that stays empty over a nightly-size run is a gap of the simulation, unless
// impossible() says why nothing can ever be there.

#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "controller/core/job.h"
#include "tests/sim/fault_kinds.h"

namespace skerry::sim {

struct Transition {
  std::optional<core::TaskState> from;  // empty: the task is new
  core::TaskState to;

  bool operator==(const Transition&) const = default;
};
std::string name_of(const Transition& transition);

// All that tasks may make, as in controller/core/job.h; none to MOVED, which is what a site hands over to
// the controller, and there are no sites here.
inline constexpr auto kTransitions = [] {
  using enum core::TaskState;
  return std::to_array<Transition>({
      {{}, kReady},           {kReady, kLeased},        {kReady, kRunning},
      {kReady, kUnknown},  // by a restart, if it had silent attempts
      {kReady, kFailed},      {kReady, kCancelled},     {kReady, kExpired},
      {kLeased, kRunning},    {kLeased, kReady},        {kLeased, kBackoff},
      {kLeased, kUnknown},    {kLeased, kSucceeded},    {kLeased, kFailed},
      {kLeased, kCancelled},  {kLeased, kExpired},      {kLeased, kQuarantined},
      {kRunning, kReady},     {kRunning, kBackoff},     {kRunning, kUnknown},
      {kRunning, kSucceeded}, {kRunning, kFailed},      {kRunning, kCancelled},
      {kRunning, kExpired},   {kRunning, kQuarantined}, {kUnknown, kLeased},
      {kUnknown, kRunning},   {kUnknown, kReady},       {kUnknown, kFailed},
      {kUnknown, kCancelled}, {kUnknown, kExpired},     {kBackoff, kReady},
      {kBackoff, kLeased},    {kBackoff, kRunning},     {kBackoff, kFailed},
      {kBackoff, kCancelled}, {kBackoff, kExpired},
  });
}();

// Why nothing can ever be in this cell; empty if something can.
std::string_view impossible(const Transition& transition, Fault fault);
// {"READY>LEASED": {"cancel": "why", ...}, ...}: those cells.
std::string impossible_json();

class Coverage {
 public:
  // False if that is no transition that tasks may make.
  bool count(const Transition& transition, const FaultSet& faults);
  void add(const Coverage& other);

  // {"READY>LEASED": {"partition": 3, ...}, ...}
  std::string json() const;

 private:
  std::array<std::array<std::uint64_t, kFaultKinds>, kTransitions.size()> cells_{};
};

}  // namespace skerry::sim
