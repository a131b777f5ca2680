// pareto.h: the non-dominated among a stream of candidates, and the range that they span.
//
// Buffers are kept over clear(), so that a decision allocates nothing. Equal candidates do not
// dominate each other: all of them stay.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/objectives.h"

namespace skerry::scheduler {

class Front {
 public:
  struct Member {
    Objectives objectives;
    std::uint32_t candidate;  // the number it was added with
  };

  void clear();
  // O(members). False if one of the members dominates it; members that it dominates leave.
  bool add(const Objectives& objectives, std::uint32_t candidate);

  std::span<const Member> members() const { return members_; }  // in no particular order
  Scale scale() const;                                          // all 0 while empty
  // The same, but no range is smaller than a share of the ideal and of the mean of all that were added:
  // where one is best in everything the others still differ, and small differences stay small.
  Scale wide_scale() const;

 private:
  std::vector<Member> members_;
  Objectives sum_;  // of all that were added
  double added_ = 0;
};

}  // namespace skerry::scheduler
