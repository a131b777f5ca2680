// admission.h: who is refused first when there is too much of something: batch, then normal work, so
// that there is room left for interactive work.
//
// Every bound on accepted work (open jobs, the disk's backlog, how late the core is) is shared out
// alike. Leases, heartbeats and results of agents ask nobody: they are never refused.

#pragma once

#include <algorithm>
#include <vector>

#include "controller/core/job.h"

namespace skerry::core {

// How much of a bound work of this urgency may fill.
constexpr double share_for(Urgency urgency) {
  switch (urgency) {
    case Urgency::kBatch:
      return 0.8;
    case Urgency::kNormal:
      return 0.9;
    case Urgency::kInteractive:
      return 1.0;
  }
  return 1.0;
}

// Of jobs that are taken or refused together: that of the least urgent one.
inline Urgency urgency_of(const std::vector<JobSpec>& jobs) {
  const auto least = std::ranges::min_element(jobs, {}, &JobSpec::urgency);
  return least == jobs.end() ? Urgency::kInteractive : least->urgency;
}

}  // namespace skerry::core
