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

void Front::clear() {
  members_.clear();
  sum_ = {};
  added_ = 0;
}

bool Front::add(const Objectives& objectives, std::uint32_t candidate) {
  sum_.latency_s += objectives.latency_s;
  sum_.energy_j += objectives.energy_j;
  sum_.cost_usd += objectives.cost_usd;
  added_ += 1;
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

Scale Front::wide_scale() const {
  constexpr double kShareOfIdeal = 0.25;
  constexpr double kShareOfMean = 0.1;
  constexpr double kLeastError = 0.01;
  Scale wide = scale();
  const auto widen = [&](double ideal, double sum, double& nadir) {
    nadir = std::max(
        {nadir, ideal * (1 + kShareOfIdeal), ideal + kShareOfMean * sum / std::max(added_, 1.0)});
  };
  widen(wide.ideal.latency_s, sum_.latency_s, wide.nadir.latency_s);
  widen(wide.ideal.energy_j, sum_.energy_j, wide.nadir.energy_j);
  widen(wide.ideal.cost_usd, sum_.cost_usd, wide.nadir.cost_usd);
  wide.nadir.error = std::max(wide.nadir.error, wide.ideal.error + kLeastError);
  return wide;
}

}  // namespace skerry::scheduler
