#include "scheduler/tail.h"

#include <algorithm>
#include <cmath>

namespace skerry::scheduler {

namespace {

constexpr double kFirstBound = 0.25;

// The upper bound of a bucket: 0, 0.25, 0.35, 0.5, ..., about 11,600. Bucket i holds what is above the
// bound before it.
double bound(std::size_t bucket) {
  return bucket == 0 ? 0 : kFirstBound * std::exp2(0.5 * static_cast<double>(bucket - 1));
}

std::size_t bucket_of(double overrun, std::size_t buckets) {
  std::size_t bucket = 0;
  while (bucket + 1 < buckets && overrun > bound(bucket)) {
    ++bucket;
  }
  return bucket;
}

// The part of a bucket's outcomes that is above the overrun; they lie evenly.
double part_beyond(std::size_t bucket, double overrun) {
  if (bucket == 0) {
    return overrun < 0 ? 1 : 0;
  }
  const double low = bound(bucket - 1);
  const double high = bound(bucket);
  return std::clamp((high - overrun) / (high - low), 0.0, 1.0);
}

// By how much a bucket's outcomes exceed the limit on average, 0 where they do not.
double part_excess(std::size_t bucket, double limit) {
  const double high = bound(bucket);
  if (bucket == 0) {
    return std::max(-limit, 0.0);
  }
  const double low = bound(bucket - 1);
  if (limit <= low) {
    return (low + high) / 2 - limit;
  }
  return limit < high ? (high - limit) * (high - limit) / (2 * (high - low)) : 0;
}

// Of the one outcome that is counted beside those seen.
double unseen_beyond(double overrun) {
  return overrun <= 0 ? 1 : 1 / ((1 + overrun) * (1 + overrun));
}
double unseen_excess(double limit) { return limit <= 0 ? 1 - limit : 1 / (1 + limit); }

}  // namespace

void Tail::fade() {
  ++outcomes_;
  constexpr double kKept = 1 - 1 / kMemory;
  for (double& weight : weights_) {
    weight *= kKept;
  }
  total_ = total_ * kKept + 1;
}

void Tail::observe(double overrun) {
  if (!std::isfinite(overrun)) {
    return;
  }
  fade();
  weights_[bucket_of(overrun, kBuckets)] += 1;
}

void Tail::observe_at_least(double overrun) {
  if (!std::isfinite(overrun)) {
    return;
  }
  const double beyond = weight_beyond(overrun);
  fade();
  if (beyond <= 0) {
    weights_[bucket_of(overrun, kBuckets)] += 1;
    return;
  }
  // Fading changed every weight alike, so that the shares are the same.
  const double share = 1 / weight_beyond(overrun);
  for (std::size_t i = 0; i < kBuckets; ++i) {
    weights_[i] += weights_[i] * part_beyond(i, overrun) * share;
  }
}

double Tail::weight_beyond(double overrun) const {
  double weight = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    weight += weights_[i] * part_beyond(i, overrun);
  }
  return weight;
}

double Tail::beyond(double overrun) const {
  return (weight_beyond(overrun) + unseen_beyond(overrun)) / (total_ + 1);
}

double Tail::exceeded_by(double share) const {
  std::size_t bucket = 0;
  while (bucket + 1 < kBuckets && beyond(bound(bucket)) > share) {
    ++bucket;
  }
  return bound(bucket);
}

double Tail::excess(double so_far, double limit) const {
  double sum = unseen_excess(limit);
  for (std::size_t i = 0; i < kBuckets; ++i) {
    sum += weights_[i] * part_excess(i, limit);
  }
  return sum / (weight_beyond(so_far) + unseen_beyond(so_far));
}

}  // namespace skerry::scheduler
