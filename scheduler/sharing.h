// sharing.h: the physics of a server that gives each of its n tasks the same share of its speed
// (egalitarian processor sharing), as engines that batch continuously and time-sliced GPUs do.
//
// Plain numbers, so that the environments of rl/ step many servers at once and a policy prices one
// candidate by the same code. Work and speed are in any one unit per second (rl/ uses Mbit), times
// in seconds.
//
// A task of work L that joins tasks with work x_j left, on a server of speed s, ends after
//   L/s + (1/s) sum_j min(x_j, L)          if nothing else arrives:
// while both are there, each holds the other up by as much as the shorter one has left. The same
// sum is what it adds to the delay of the others, so it makes the total delay of all grow by
//   L/s + (2/s) sum_j min(x_j, L).

#pragma once

#include <algorithm>
#include <span>

namespace skerry::scheduler {

// sum_j min(x_j, work) over what is left of the tasks on a server.
inline double shared_overlap(std::span<const double> left, double work) {
  double sum = 0;
  for (const double x : left) {
    sum += std::min(x, work);
  }
  return sum;
}

// By how much a task of this work makes the total delay of all tasks grow, its own included.
inline double marginal_delay_s(double work, double overlap, double speed) {
  return (work + 2 * overlap) / speed;
}

// How long the task itself takes, if nothing else arrives.
inline double own_delay_s(double work, double overlap, double speed) {
  return (work + overlap) / speed;
}

}  // namespace skerry::scheduler
