#include "scheduler/constraints.h"

#include <array>

namespace skerry::scheduler {

namespace {

struct ReasonText {
  std::string_view name;
  std::string_view sentence;
};

// In the order of MaskReason.
constexpr std::array<ReasonText, kMaskReasons> kReasons = {{
    {"none", "can take it"},
    {"not_ready", "is silent, disconnected or not enrolled yet"},
    {"cordoned", "is cordoned or draining"},
    {"no_credit", "takes no more work now"},
    {"excluded", "failed an attempt of this task"},
    {"tripped", "the model crashed on too many nodes"},
    {"tier", "is of a tier that the request does not allow"},
    {"site", "is at another site"},
    {"labels", "does not carry the labels asked for"},
    {"node", "is not the node asked for"},
    {"engine", "does not have the model's engine"},
    {"memory", "has too little memory for the variant"},
    {"variant", "the variant is not one of those asked for"},
    {"accuracy", "the variant is less accurate than asked for"},
    {"deadline", "is predicted to finish after the deadline"},
    {"energy", "is predicted to use more energy than allowed"},
    {"cost", "is predicted to cost more than allowed"},
}};

constexpr std::array<std::string_view, 3> kTiers = {"device", "edge", "cloud"};

}  // namespace

std::string_view to_string(Tier tier) { return kTiers[static_cast<std::size_t>(tier)]; }

std::optional<Tier> parse_tier(std::string_view name) {
  for (std::size_t i = 0; i < kTiers.size(); ++i) {
    if (kTiers[i] == name) {
      return static_cast<Tier>(i);
    }
  }
  return std::nullopt;
}

std::string_view to_string(MaskReason reason) {
  return kReasons[static_cast<std::size_t>(reason)].name;
}

std::string_view describe(MaskReason reason) {
  return kReasons[static_cast<std::size_t>(reason)].sentence;
}

bool is_temporary(MaskReason reason) {
  return reason >= MaskReason::kNotReady && reason <= MaskReason::kTripped;
}

}  // namespace skerry::scheduler
