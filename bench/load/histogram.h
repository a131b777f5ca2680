// histogram.h: counts durations in buckets 1/64 apart, so that every percentile is right within 1.6
// % at constant memory.
//
// Log-linear like HdrHistogram: below 128 ns exact, then 64 buckets per doubling. Values beyond
// 2^43 ns (2.4 hours) count as that. Not thread-safe; add() histograms of threads together.

#pragma once

#include <array>
#include <cstdint>

namespace skerry::bench {

class Histogram {
 public:
  void record(std::uint64_t nanoseconds);
  void add(const Histogram& other);

  std::uint64_t count() const { return count_; }
  double mean_ns() const;
  std::uint64_t max_ns() const { return max_ns_; }
  // The value below or at which this fraction of the recorded lies; 0 if nothing was recorded.
  std::uint64_t quantile_ns(double fraction) const;

 private:
  static constexpr unsigned kBitsPerDoubling = 6;
  static constexpr unsigned kMaxBits = 43;
  static constexpr std::size_t kBuckets = (kMaxBits - kBitsPerDoubling + 1) << kBitsPerDoubling;

  static std::size_t bucket_of(std::uint64_t nanoseconds);
  static std::uint64_t middle_of(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ns_ = 0;
  double sum_ns_ = 0;
};

}  // namespace skerry::bench
