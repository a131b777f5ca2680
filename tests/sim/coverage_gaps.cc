// The cells of the coverage that nothing can ever reach, each with its reason.

#include "tests/sim/coverage.h"

namespace skerry::sim {

std::string_view impossible(const Transition& transition, Fault fault) {
  using enum core::TaskState;
  if (transition.to == kSucceeded && fault == Fault::kPoison) {
    return "all its runs crash";
  }
  if (transition.to == kSucceeded && fault == Fault::kBadInput) {
    return "the model refuses it";
  }
  if (!transition.from && fault == Fault::kCancel) {
    return "only what was acknowledged is cancelled";
  }
  if (transition == Transition{kBackoff, kFailed} && fault == Fault::kGiantResult) {
    return "while it waits, only a task of a sequence fails, whose results are small here";
  }
  return {};
}

}  // namespace skerry::sim
