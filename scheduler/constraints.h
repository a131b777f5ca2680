// constraints.h: hard limits on a placement, and the reason why a candidate is not eligible.
//
// A constraint is never traded against an objective. Every refusal has a reason, which is data:
// explain, plan, metrics and the decision record show it.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"

namespace skerry::scheduler {

enum class Tier : std::uint8_t { kDevice, kEdge, kCloud };
std::string_view to_string(Tier tier);  // "device", "edge", "cloud"
std::optional<Tier> parse_tier(std::string_view name);

struct Constraints {
  std::optional<Instant> deadline;            // absolute; the predicted finish must not pass it
  std::vector<Tier> tiers;                    // empty = any
  std::string site;                           // empty = any
  std::map<std::string, std::string> labels;  // all must match
  std::string node;                           // by name; empty = any
  std::vector<std::string> variants;          // by name; empty = any
  std::optional<double> max_energy_j;
  std::optional<double> max_cost_usd;
  std::optional<double> min_accuracy;  // 0..1

  bool operator==(const Constraints&) const = default;
};

enum class MaskReason : std::uint8_t {
  kNone,  // eligible
  // the node, now (may pass with time)
  kNotReady,  // silent, disconnected or not enrolled yet
  kCordoned,  // cordoned or draining
  kNoCredit,  // takes no more work now
  kExcluded,  // an attempt of this task failed there
  kTripped,   // the model crashed on too many nodes
  // the node, for good
  kTier,
  kSite,
  kLabels,
  kNode,
  kEngine,
  kMemory,
  // the variant
  kVariant,
  kAccuracy,
  // the prediction
  kDeadline,
  kEnergy,
  kCost,
};
constexpr std::size_t kMaskReasons = 17;
std::string_view to_string(MaskReason reason);  // "no_credit", "tier", ...
// One sentence for people: "takes no more work now".
std::string_view describe(MaskReason reason);
// True if waiting may lift it without anybody changing the fleet or the request.
bool is_temporary(MaskReason reason);

}  // namespace skerry::scheduler
