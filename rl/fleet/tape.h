// tape.h: what happens to a fleet from outside: tasks arrive, links get faster and slower, nodes fail
// and come back.
//
// None of it depends on where tasks are placed, so all policies, and all branches of a rollout, meet
// the same: common random numbers. A tape is drawn as far as it is read; the same context, seed and
// number always yield the same one.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/random.h"
#include "rl/fleet/context.h"

namespace skerry::rl::fleet {

struct Task {
  double arrival_s = 0;
  std::size_t model = 0;
  double input_bytes = 0;
  double difficulty = 1;  // its service time, relative to the mean
  double deadline_s = 0;  // absolute; 0 = none
  scheduler::Preference preference;
  std::uint64_t chance = 0;  // random bits for policies that throw dice
  std::size_t attempts = 0;  // that a failure ended
};

struct Outage {
  double from_s = 0;
  double to_s = 0;
};

class Tape {
 public:
  Tape(const Context& context, std::uint64_t seed, std::uint64_t number);
  // Of these tasks, ordered by arrival, and of no others.
  Tape(const Context& context, std::vector<Task> tasks);

  // A future that goes on from here: the same preference of the episode, burst and links now,
  // everything after drawn anew. Tasks count from 0 again, and the first arrives after now_s.
  Tape future(double now_s, std::uint64_t seed, std::uint64_t number) const;

  const Task& task(std::size_t number);             // the number-th to arrive
  double bandwidth(std::size_t node, double at_s);  // bytes a second, the truth
  // The first outage of the node that is not over at this time; far away if it never fails.
  Outage outage(std::size_t node, double at_s);

 private:
  void draw_task();
  void draw_links();
  void draw_outage(std::size_t node);

  const Context* context_;
  Random arrivals_, links_;
  std::vector<Random> outages_;  // by node
  double start_s_ = 0;           // 0, or when this future branched off
  double clock_s_ = 0;           // of the last arrival
  bool bursting_ = false;
  double burst_until_s_ = 0;
  double segment_s_ = 1;   // a link keeps its bandwidth for so long
  bool recorded_ = false;  // tasks_ are all there are
  std::vector<Task> tasks_;
  std::vector<std::array<float, kMostNodes>> link_logs_;  // by segment
  std::vector<std::vector<Outage>> outages_of_;           // by node
};

}  // namespace skerry::rl::fleet
