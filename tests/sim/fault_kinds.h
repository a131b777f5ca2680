// fault_kinds.h: every kind of fault that the simulation knows, in one place.
//
// A new kind is a row here, and a place where it acts that says so (FaultLog, or Clients for what a
// client does to its own task). Those that happen at a drawn time are planned in faults.cc. The
// coverage of transitions (coverage.h) and the reports follow from the rows.

#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string_view>

namespace skerry::sim {

enum class Fault : std::uint8_t {
  // the network between an agent and the controller
  kStreamBreaks,
  kAckLost,
  kLateMessages,
  kDelay,
  kClog,
  kPartition,
  kOneWay,
  kFleetCut,
  // an agent: its process, its machine, its runners
  kAgentKilled,
  kMachineDown,
  kAgentStorm,
  kAgentPause,
  kAgentStops,
  kAgentLeaves,
  kRunnerCrash,
  kRunnerFails,
  kStateLost,
  // an agent's disk
  kDiskFull,
  kDiskWriteFails,
  kDiskSyncFails,
  kDiskTail,
  kDiskFlip,
  // clocks
  kAgentClockJump,
  kAgentClockDrift,
  kControllerClockJump,
  // the controller's process
  kControllerCrash,
  kControllerStorm,
  kControllerPause,
  kSettingsChange,
  // the controller's store
  kStoreSlow,
  kStoreFull,
  kStoreWriteFails,
  kStoreSyncFails,
  kStoreTailLost,
  kStoreTailDamaged,
  kStoreTailKept,
  // clients, each to its own tasks
  kSubmitRepeated,
  kCallerLeaves,
  kCancel,
  kDeadline,
  kPoison,
  kBadInput,
  kGiantInput,
  kGiantResult,
  // policies and operators; changes of quotas belong here, too
  kModelChange,
  kPolicyChange,
  kPolicyGarbage,
  kDrain,
  kCordon,
  kCount,
};
constexpr std::size_t kFaultKinds = static_cast<std::size_t>(Fault::kCount);
using FaultSet = std::bitset<kFaultKinds>;

struct FaultKind {
  Fault fault;
  std::string_view name;
  std::string_view what;
};
constexpr std::array<FaultKind, kFaultKinds> kFaults = {{
    {Fault::kStreamBreaks, "stream_breaks", "one end notices first; what is under way is lost"},
    {Fault::kAckLost, "ack_lost",
     "a stream breaks under an acknowledgement: the result comes twice"},
    {Fault::kLateMessages, "late_messages", "of a broken stream, after the next one is open"},
    {Fault::kDelay, "delay", "of up to 5 s on every message"},
    {Fault::kClog, "clog", "a stream accepts no writes"},
    {Fault::kPartition, "partition", "nothing passes, the stream may stay open"},
    {Fault::kOneWay, "one_way", "nothing passes in one direction"},
    {Fault::kFleetCut, "fleet_cut", "most of the fleet is cut off at once"},
    {Fault::kAgentKilled, "agent_killed", "its files stay"},
    {Fault::kMachineDown, "machine_down", "its files stay as far as they were synced"},
    {Fault::kAgentStorm, "agent_storm", "killed again and again"},
    {Fault::kAgentPause, "agent_pause", "up to 60 s, then it goes on"},
    {Fault::kAgentStops, "agent_stops", "a planned stop, with a goodbye"},
    {Fault::kAgentLeaves, "agent_leaves", "for good"},
    {Fault::kRunnerCrash, "runner_crash", "for no reason of its task's"},
    {Fault::kRunnerFails, "runner_fails", "an error of infrastructure"},
    {Fault::kStateLost, "state_lost", "an idle runner dies with the state of a sequence"},
    {Fault::kDiskFull, "disk_full", "no space on an agent's disk for a while"},
    {Fault::kDiskWriteFails, "disk_write_fails", "EIO"},
    {Fault::kDiskSyncFails, "disk_sync_fails", "a failed fsync; the next would say OK"},
    {Fault::kDiskTail, "disk_tail", "what was not synced is lost in part, or torn"},
    {Fault::kDiskFlip, "disk_flip", "a bit of a journal"},
    {Fault::kAgentClockJump, "agent_clock_jump", "wrong by up to an hour from a start on"},
    {Fault::kAgentClockDrift, "agent_clock_drift", "up to 1 % fast or slow"},
    {Fault::kControllerClockJump, "controller_clock_jump", "up to an hour, at a start"},
    {Fault::kControllerCrash, "controller_crash", "at any event, or between a write and its sync"},
    {Fault::kControllerStorm, "controller_storm", "again and again"},
    {Fault::kControllerPause, "controller_pause", "up to 60 s, then it goes on"},
    {Fault::kSettingsChange, "settings_change", "it starts with other figures"},
    {Fault::kStoreSlow, "store_slow", "a sync takes up to 5 s"},
    {Fault::kStoreFull, "store_full", "no sync ends for a while"},
    {Fault::kStoreWriteFails, "store_write_fails", "EIO: the controller ends"},
    {Fault::kStoreSyncFails, "store_sync_fails", "the controller ends, the next sync would say OK"},
    {Fault::kStoreTailLost, "store_tail_lost", "of what was not synced, nothing is there"},
    {Fault::kStoreTailDamaged, "store_tail_damaged", "torn, or a flipped bit: recovery cuts there"},
    {Fault::kStoreTailKept, "store_tail_kept", "all is there that nobody was told of"},
    {Fault::kSubmitRepeated, "submit_repeated", "under one key"},
    {Fault::kCallerLeaves, "caller_leaves", "who waits for the result goes away"},
    {Fault::kCancel, "cancel", "races with all else"},
    {Fault::kDeadline, "deadline", "races with all else"},
    {Fault::kPoison, "poison", "the task crashes its runners"},
    {Fault::kBadInput, "bad_input", "the model refuses it"},
    {Fault::kGiantInput, "giant_input", "a blob is fetched"},
    {Fault::kGiantResult, "giant_result", "a blob is stored first"},
    {Fault::kModelChange, "model_change", "a variant is another one, or goes and comes back"},
    {Fault::kPolicyChange, "policy_change", "promoted, rolled back, shadowed, deleted"},
    {Fault::kPolicyGarbage, "policy_garbage", "NaN, infinities, errors, exceptions"},
    {Fault::kDrain, "drain", "of a node, and back"},
    {Fault::kCordon, "cordon", "of a node, and back"},
}};
static_assert([] {
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    if (static_cast<std::size_t>(kFaults[i].fault) != i) {
      return false;
    }
  }
  return true;
}());

constexpr std::size_t index_of(Fault fault) { return static_cast<std::size_t>(fault); }
constexpr std::string_view to_string(Fault fault) { return kFaults[index_of(fault)].name; }

}  // namespace skerry::sim
