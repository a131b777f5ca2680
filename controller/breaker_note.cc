#include "controller/breaker_note.h"

#include <fmt/format.h>

namespace skerry::controller {

void BreakerNote::heard(const core::Happening& happening) {
  const auto* breaker = std::get_if<core::BreakerChanged>(&happening);
  const auto* policy = std::get_if<core::PolicyChanged>(&happening);
  const bool another =
      policy != nullptr && (policy->change == "promoted" || policy->change == "rolled_back");
  if (breaker == nullptr && !another) {
    return;
  }
  std::string note;
  if (breaker != nullptr && breaker->state == "open") {
    note = fmt::format("greedy decides in place of {}: {}", breaker->policy, breaker->reason);
  } else if (breaker != nullptr && breaker->state == "half_open") {
    note = fmt::format("greedy decides in place of {}, which is on trial", breaker->policy);
  }
  const std::scoped_lock lock(mutex_);
  note_ = std::move(note);
}

std::string BreakerNote::note() const {
  const std::scoped_lock lock(mutex_);
  return note_;
}

}  // namespace skerry::controller
