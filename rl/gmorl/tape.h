// tape.h: what happens to an episode from outside: when a task is dispatched, how large it is, how
// long its upload to each server would take.
//
// None of it depends on what a policy does, so all policies (and all branches of a rollout) are
// compared on one tape: common random numbers. A tape is drawn as it is read; the same context,
// seed and number always yield the same one.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "common/random.h"
#include "rl/gmorl/context.h"

namespace skerry::rl::gmorl {

// The task that a step dispatches.
struct Dispatch {
  double mbit = 0;
  double waited_s = 0;          // in the dispatcher's queue
  int queue = 0;                // tasks that go on waiting behind it
  std::uint32_t number = 0;     // counts the episode's dispatches
  std::uint64_t chance = 0;     // random bits for policies that throw dice
  std::vector<float> upload_s;  // by server; a little longer than that
};

// One dispatch's uploads in the making; see Tape::finish.
struct UploadRow {
  const float* link_log2 = nullptr;  // by lane
  float* values = nullptr;           // by lane: uniform numbers, then seconds
  std::size_t lanes = 0;
  float gains = 1;    // how often the power gain counts
  float mbit_s = 0;   // seconds at one bit/s/Hz
  bool weak = false;  // whether a link's signal is hardly above the noise
};

class Tape {
 public:
  Tape(const Context& context, std::uint64_t seed, std::uint64_t number);

  // A future that goes on from here: the same links, the same queue now, everything else drawn
  // anew.
  Tape future(std::uint64_t seed, std::uint64_t number) const;

  // The next step. False if nothing waits to be dispatched; then `dispatch` says nothing.
  bool next(Dispatch& dispatch);

  // The same in two parts, for many tapes at once, which is faster: draw() leaves out the uploads,
  // which finish() computes for the rows of those that dispatched.
  bool draw(Dispatch& dispatch);
  UploadRow upload_row(Dispatch& dispatch) const;
  static void finish(std::span<UploadRow> rows);

 private:
  void draw_links();
  void draw_arrivals();
  void draw_fading(Dispatch& dispatch);

  const Context* context_;
  double mean_mbit_;
  Random random_;
  std::size_t servers_ = 0;
  std::vector<float> link_log2_;          // per lane: log2 of the mean signal-to-noise ratio
  std::array<double, 24> arrivals_upto_;  // probability that at most so many arrive in a step
  std::vector<int> waiting_;  // [head_, tail_): steps at which those in the queue arrived
  int step_ = 0;
  std::uint32_t dispatched_ = 0;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace skerry::rl::gmorl
