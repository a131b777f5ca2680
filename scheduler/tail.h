// tail.h: how far attempts overrun what was predicted of them, as outcomes showed.
//
// An overrun is counted in deviations beyond the predicted mean: an attempt that was predicted to
// take 100 ms, give or take 10, and took 150 overran by 5. An estimate's deviation alone does not tell
// how likely that is: estimates clamp outliers on purpose (estimate.h), and the few runs that take ten
// times as long as the rest come from no bell curve. So overruns are kept as a histogram, in which
// older outcomes fade: kMemory of them count.
//
// Of what lies beyond everything seen only this is known: what has taken long tends to take as long
// again. So one outcome more is counted than there were, of the distribution 1 / (1 + overrun)^2 (Lomax):
// beyond all others, the time that is left is expected to be as long as what has passed.
//
// An attempt that was cancelled had overrun by at least so much: it counts as those that had
// overrun by that and went on (Efron 1967, redistribution to the right).
//
// Pure, allocates nothing.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace skerry::scheduler {

class Tail {
 public:
  // Not finite: changes nothing.
  void observe(double overrun);
  void observe_at_least(double overrun);

  std::uint64_t outcomes() const { return outcomes_; }  // ever
  // The share that overruns by more.
  double beyond(double overrun) const;
  // The overrun that at most this share exceeds, to the next bound of the histogram.
  double exceeded_by(double share) const;
  // Of what has overrun by `so_far`: by how much it exceeds `limit` on average, counting 0 where it
  // does not. limit >= so_far.
  double excess(double so_far, double limit) const;

 private:
  static constexpr std::size_t kBuckets = 34;
  static constexpr double kMemory = 1000;

  void fade();
  double weight_beyond(double overrun) const;

  std::array<double, kBuckets> weights_{};
  double total_ = 0;
  std::uint64_t outcomes_ = 0;
};

}  // namespace skerry::scheduler
