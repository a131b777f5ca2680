#include "scheduler/pareto.h"

#include <algorithm>
#include <utility>

namespace skerry::scheduler {

namespace {

bool nowhere_worse(const Objectives& a, const Objectives& b) {
  // Not short-circuited: four comparisons cost less than a mispredicted branch.
  return (a.latency_s <= b.latency_s) & (a.energy_j <= b.energy_j) & (a.cost_usd <= b.cost_usd) &
         (a.error <= b.error);
}

Objectives smaller(const Objectives& a, const Objectives& b) {
  return {std::min(a.latency_s, b.latency_s), std::min(a.energy_j, b.energy_j),
          std::min(a.cost_usd, b.cost_usd), std::min(a.error, b.error)};
}

Objectives larger(const Objectives& a, const Objectives& b) {
  return {std::max(a.latency_s, b.latency_s), std::max(a.energy_j, b.energy_j),
          std::max(a.cost_usd, b.cost_usd), std::max(a.error, b.error)};
}

}  // namespace

bool Front::add(const Objectives& objectives, std::uint32_t candidate) {
  for (std::size_t i = 0; i < members_.size();) {
    if (nowhere_worse(members_[i].objectives, objectives)) {
      if (members_[i].objectives == objectives) {
        break;  // its equal is a member: nobody dominates it, and it dominates nobody
      }
      // A member that dominates one candidate tends to dominate the next: look at it first.
      std::swap(members_[i], members_[i / 2]);
      return false;
    }
    if (nowhere_worse(objectives, members_[i].objectives)) {
      members_[i] = members_.back();
      members_.pop_back();
    } else {
      ++i;
    }
  }
  members_.push_back({objectives, candidate});
  return true;
}

Scale Front::scale() const {
  if (members_.empty()) {
    return {};
  }
  Scale scale{members_[0].objectives, members_[0].objectives};
  for (const Member& member : members_) {
    scale.ideal = smaller(scale.ideal, member.objectives);
    scale.nadir = larger(scale.nadir, member.objectives);
  }
  return scale;
}

}  // namespace skerry::scheduler
