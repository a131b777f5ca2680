#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace skerry::bench {

// Values below 2^(k+1) are their own bucket; above, the top k+1 bits pick it (k =
// kBitsPerDoubling).
std::size_t Histogram::bucket_of(std::uint64_t nanoseconds) {
  const std::uint64_t value = std::min(nanoseconds, (std::uint64_t{1} << kMaxBits) - 1);
  const auto bits = static_cast<unsigned>(std::bit_width(value));
  if (bits <= kBitsPerDoubling + 1) {
    return value;
  }
  const unsigned shift = bits - kBitsPerDoubling - 1;
  return (std::size_t{shift} << kBitsPerDoubling) + (value >> shift);
}

std::uint64_t Histogram::middle_of(std::size_t bucket) {
  if (bucket < (std::size_t{2} << kBitsPerDoubling)) {
    return bucket;
  }
  const std::size_t shift = (bucket >> kBitsPerDoubling) - 1;
  const std::uint64_t low = (bucket - (shift << kBitsPerDoubling)) << shift;
  return low + (std::uint64_t{1} << shift) / 2;
}

void Histogram::record(std::uint64_t nanoseconds) {
  ++counts_[bucket_of(nanoseconds)];
  ++count_;
  max_ns_ = std::max(max_ns_, nanoseconds);
  sum_ns_ += static_cast<double>(nanoseconds);
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    counts_[i] += other.counts_[i];
  }
  count_ += other.count_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
  sum_ns_ += other.sum_ns_;
}

double Histogram::mean_ns() const {
  return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_);
}

std::uint64_t Histogram::quantile_ns(double fraction) const {
  if (count_ == 0) {
    return 0;
  }
  const double wanted = std::ceil(fraction * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) {
      return std::min(middle_of(i), max_ns_);
    }
  }
  return max_ns_;
}

}  // namespace skerry::bench
