// world.h: a fleet at work: what runs where and until when, and what tasks took in the end.
//
// Slots are served in the order of placement and nothing is preempted, so what an attempt will take
// follows when it is placed, and the only events are arrivals, attempts that a failure ended, and,
// while tasks wait, places that come free. Predictions are the scheduler's own (predict.h), from
// what it would know: believed service times, bandwidths of a while ago, nodes that failed but are
// not missed yet.
//
// A copy is a branch: rollouts try several placements from the same moment. Deterministic.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "rl/fleet/context.h"
#include "rl/fleet/tape.h"
#include "rl/fleet/view.h"
#include "scheduler/pareto.h"

namespace skerry::rl::fleet {

// What tasks took. Costs are weighed by each task's own preference and scaled by the context.
struct Tally {
  std::size_t tasks = 0;
  std::size_t timed = 0;   // had a deadline
  std::size_t missed = 0;  // of those: it passed, or too many attempts failed
  double cost = 0;         // scaled and weighed, misses included
  scheduler::Objectives sums;
};

// What this is worth to the task: weighed by it, scaled by the context. What was never done takes no
// less than the ideal.
double cost_of(const Context& context, const Task& task, scheduler::Objectives took);

// A task to be placed, and where it may be placed.
struct Choice {
  Task task;
  std::vector<Facts> candidates;
  std::vector<std::uint8_t> variants;  // by candidate
  TaskFacts facts;
};

class World {
 public:
  explicit World(const Context& context);

  // Goes on to the next task that can be placed, of the tape's first `arrivals`; false if there is
  // none left. Tasks that no node takes now wait until one does.
  bool next(Tape& tape, std::size_t arrivals, Choice& choice);
  void place(Tape& tape, const Choice& choice, std::size_t candidate);

  // Goes on by a future of its tape (Tape::future()), whose tasks count from 0 and whose outages
  // replace those that have not begun. Attempts that are under way keep their ends.
  void follow(Tape& future);

  const Tally& tally() const { return tally_; }
  void forget_tally() { tally_ = {}; }

 private:
  static constexpr double kFar = 1e18;
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
  static constexpr std::size_t kMostAttempts = 5;
  static constexpr double kMissedAfterTasks = 3;  // a failed node is missed after so many arrivals

  struct Attempt {
    double end_s;
    double believed_s;
  };
  struct Loaded {
    double ready_s = kFar;  // kFar: not loaded
    double used_s = 0;
  };
  struct State {
    std::array<double, kMostSlots> free_s = {};
    std::array<Attempt, kMostSlots + kQueueDepth> attempts;
    std::size_t outstanding = 0;
    double backlog_s = 0;
    std::array<Loaded, kMostVariants> loaded = {};
    double memory_bytes = 0;  // of what is loaded
    Outage outage{kFar, kFar};
    bool missed = false;  // known to be down
  };
  struct Retry {
    double at_s;
    Task task;
  };

  void settle(Tape& tape);  // ends what has ended by now
  bool gather(Tape& tape, const Task& task, std::size_t others_waiting, Choice& choice);
  double next_place_s() const;  // when a place comes free, or a node comes back
  void load(State& state, std::size_t node, std::size_t variant, double ready_s);
  void count(const Task& task, const scheduler::Objectives& took, bool failed);
  bool ask(Tape& tape, const Task& task, Choice& choice);
  bool ask_waiting(Tape& tape, Choice& choice);
  bool expired(const Task& task);
  bool any_place() const;

  const Context* context_;
  double now_s_ = 0;
  std::size_t next_task_ = 0;
  std::vector<State> nodes_;
  std::vector<Task> waiting_;
  std::size_t asked_ =
      kNobody;  // how many of the waiting were asked at this moment; kNobody: it is not their turn
  std::vector<Retry> retries_;
  scheduler::TrendMeter trend_;
  scheduler::Front offers_;  // only while a task's candidates are gathered
  Tally tally_;
};

}  // namespace skerry::rl::fleet
