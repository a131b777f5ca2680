// breaker_note.h: what /readyz says about the active policy's breaker: the controller stays ready,
// since greedy decides, but an operator should know.
//
// note() from any thread, heard() from one.

#pragma once

#include <mutex>
#include <string>

#include "controller/core/effects.h"

namespace skerry::controller {

class BreakerNote {
 public:
  void heard(const core::Happening& happening);
  std::string note() const;  // empty while the policy decides

 private:
  mutable std::mutex mutex_;
  std::string note_;
};

}  // namespace skerry::controller
