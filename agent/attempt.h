// attempt.h: one attempt on its way through the node, and the order in which attempts wait for a
// slot.
//
//   kFetching --> kWaiting --> kRunning [--> kStoring] --> ended
//       |             |            (materials fetched; a slot is held only while kRunning)
//       +-------------+--> returned (drain, over memory), cancelled, expired

#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/engines/engine.h"
#include "agent/messages.h"

namespace skerry::agent {

enum class Stage : std::uint8_t { kFetching, kWaiting, kRunning, kStoring };

struct Attempt {
  RunToken token = 0;  // grows with arrival
  Assign assign;
  ManifestPtr manifest;
  Engine* engine = nullptr;
  Stage stage = Stage::kFetching;
  Instant received;
  Instant deadline = kNever;

  // Materials.
  bool holds_blobs = false;  // they were asked for, and are to be released
  bool input_missing = false;
  bool artifact_missing = false;
  std::string artifact_path;
  std::shared_ptr<const std::string> input;
  Duration input_fetch{};
  Duration artifact_fetch{};
  std::uint64_t artifact_bytes = 0;  // downloaded for this attempt
  Instant ready;

  // The run.
  Instant started;
  double ledger_j = 0;  // EnergyLedger::share_j at the start
  std::optional<Outcome>
      ending;  // what ends it before its time: kCancelled, kExpired; kInfrastructure at a stop
  std::string ending_reason;
  Instant abort_at = kNever;      // the end of its grace
  std::optional<Ended> unstored;  // kStoring: the result, but for its blob
};

// Interactive ones first, then by arrival.
struct QueuePlace {
  bool batch = false;
  RunToken token = 0;

  auto operator<=>(const QueuePlace&) const = default;
};

}  // namespace skerry::agent
