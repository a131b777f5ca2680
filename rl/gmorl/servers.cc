#include "rl/gmorl/servers.h"

#include <algorithm>

#include "rl/net/all_levels.h"
#include "scheduler/sharing.h"

namespace skerry::rl::gmorl {

namespace {

constexpr std::size_t kLanes = Servers::kLanes;
constexpr double kNone = -1e300;  // the mark of no task: overlaps with nothing

// A block's lanes as one value; what a processor cannot hold in one register the compiler splits.
// Only ever a local variable: as an argument its calling convention would depend on the processor.
using Lanes = double __attribute__((vector_size(kLanes * sizeof(double))));

// Lets a block's tasks have their share; returns the new depth.
SKERRY_ALL_LEVELS std::uint32_t advance_block(const double* speed, double seconds, double* count,
                                              double* virtual_mbit, double* marks,
                                              std::uint32_t depth) {
  const Lanes zero{};
  Lanes n, v, budget, first;
  __builtin_memcpy(&n, count, sizeof(n));
  __builtin_memcpy(&v, virtual_mbit, sizeof(v));
  __builtin_memcpy(&budget, speed, sizeof(budget));
  budget *= seconds;  // work that a server can do
  bool ended = false;
  for (;;) {
    __builtin_memcpy(&first, marks, sizeof(first));
    const Lanes needed = (first - v) * n;
    const auto ends = (n > zero) & (needed <= budget);
    long any = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      any |= ends[lane];
    }
    if (any == 0) {
      break;
    }
    ended = true;
    v = ends ? first : v;
    budget = ends ? budget - needed : budget;
    n = ends ? n - 1 : n;
    Lanes here = first;
    for (std::uint32_t task = 0; task + 1 < depth; ++task) {
      Lanes next;
      __builtin_memcpy(&next, marks + (task + 1) * kLanes, sizeof(next));
      const Lanes kept = ends ? next : here;
      __builtin_memcpy(marks + task * kLanes, &kept, sizeof(kept));
      here = next;
    }
    const Lanes last = ends ? zero + kNone : here;
    __builtin_memcpy(marks + (depth - 1) * kLanes, &last, sizeof(last));
  }
  v += n > zero ? budget / n : zero;
  __builtin_memcpy(virtual_mbit, &v, sizeof(v));
  if (!ended) {
    return depth;
  }
  __builtin_memcpy(count, &n, sizeof(n));
  double most = 0;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    most = std::max(most, n[lane]);
  }
  return static_cast<std::uint32_t>(most);
}

SKERRY_ALL_LEVELS void overlap_block(const double* virtual_mbit, const double* marks,
                                     std::uint32_t depth, double mbit, double* overlaps) {
  const Lanes zero{};
  Lanes v;
  __builtin_memcpy(&v, virtual_mbit, sizeof(v));
  const Lanes most = zero + mbit;
  Lanes sum = zero;
  for (std::uint32_t task = 0; task < depth; ++task) {
    Lanes x;
    __builtin_memcpy(&x, marks + task * kLanes, sizeof(x));
    x -= v;
    x = x < most ? x : most;
    sum += x > zero ? x : zero;
  }
  __builtin_memcpy(overlaps, &sum, sizeof(sum));
}

// to: [work, overlaps...][stride]
SKERRY_ALL_LEVELS void summarise_block(const double* virtual_mbit, const double* marks,
                                       std::uint32_t depth, const double* mbit, double* to,
                                       std::size_t stride) {
  const Lanes zero{};
  Lanes v;
  __builtin_memcpy(&v, virtual_mbit, sizeof(v));
  Lanes work = zero, one = zero, two = zero, three = zero, four = zero;
  for (std::uint32_t task = 0; task < depth; ++task) {
    Lanes x;
    __builtin_memcpy(&x, marks + task * kLanes, sizeof(x));
    x -= v;
    x = x > zero ? x : zero;
    work += x;
    one += x < mbit[0] ? x : zero + mbit[0];
    two += x < mbit[1] ? x : zero + mbit[1];
    three += x < mbit[2] ? x : zero + mbit[2];
    four += x < mbit[3] ? x : zero + mbit[3];
  }
  __builtin_memcpy(to, &work, sizeof(work));
  __builtin_memcpy(to + stride, &one, sizeof(one));
  __builtin_memcpy(to + 2 * stride, &two, sizeof(two));
  __builtin_memcpy(to + 3 * stride, &three, sizeof(three));
  __builtin_memcpy(to + 4 * stride, &four, sizeof(four));
}

#undef SKERRY_ALL_LEVELS

}  // namespace

Servers::Servers(const Context& context, std::size_t rows)
    : context_(&context),
      rows_(rows),
      servers_(context.servers()),
      blocks_((servers_ + kLanes - 1) / kLanes),
      speed_(context.speed),
      depth_(rows * blocks_),
      count_(rows * blocks_ * kLanes),
      virtual_mbit_(rows * blocks_ * kLanes),
      mark_(rows * blocks_ * capacity_ * kLanes, kNone) {
  speed_.resize(lanes(), 0);
}

void Servers::grow() {
  std::vector<double> wider(mark_.size() * 2, kNone);
  for (std::size_t i = 0; i < depth_.size(); ++i) {
    std::copy_n(marks(i), depth_[i] * kLanes,
                wider.begin() + static_cast<std::ptrdiff_t>(i * capacity_ * 2 * kLanes));
  }
  mark_ = std::move(wider);
  capacity_ *= 2;
}

void Servers::join(std::size_t row, std::size_t server, double mbit) {
  const std::size_t i = block(row, server);
  const std::size_t lane = server % kLanes;
  const std::size_t at = i * kLanes + lane;
  auto place = static_cast<std::uint32_t>(count_[at]);
  if (place == capacity_) {
    grow();
  }
  double* const all = marks(i);
  if (place == depth_[i]) {
    std::fill_n(all + place * kLanes, kLanes, kNone);
    ++depth_[i];
  }
  if (place == 0) {
    virtual_mbit_[at] = 0;
  }
  count_[at] += 1;
  const double mark = virtual_mbit_[at] + mbit;
  for (; place > 0 && all[(place - 1) * kLanes + lane] > mark; --place) {
    all[place * kLanes + lane] = all[(place - 1) * kLanes + lane];
  }
  all[place * kLanes + lane] = mark;
}

void Servers::advance(std::size_t row, double seconds) {
  for (std::size_t b = 0; b < blocks_; ++b) {
    const std::size_t i = row * blocks_ + b;
    if (depth_[i] > 0) {
      depth_[i] = advance_block(&speed_[b * kLanes], seconds, &count_[i * kLanes],
                                &virtual_mbit_[i * kLanes], marks(i), depth_[i]);
    }
  }
}

void Servers::copy(std::size_t to, const Servers& from, std::size_t from_row) {
  while (capacity_ < from.capacity_) {
    grow();
  }
  for (std::size_t b = 0; b < blocks_; ++b) {
    const std::size_t i = to * blocks_ + b;
    const std::size_t j = from_row * blocks_ + b;
    depth_[i] = from.depth_[j];
    std::copy_n(&from.count_[j * kLanes], kLanes, &count_[i * kLanes]);
    std::copy_n(&from.virtual_mbit_[j * kLanes], kLanes, &virtual_mbit_[i * kLanes]);
    std::copy_n(from.marks(j), depth_[i] * kLanes, marks(i));
  }
}

void Servers::clear(std::size_t row) {
  for (std::size_t i = row * blocks_; i < (row + 1) * blocks_; ++i) {
    depth_[i] = 0;
    std::fill_n(&count_[i * kLanes], kLanes, 0.0);
  }
}

std::size_t Servers::count(std::size_t row, std::size_t server) const {
  return static_cast<std::size_t>(count_[block(row, server) * kLanes + server % kLanes]);
}

double Servers::work(std::size_t row, std::size_t server) const {
  return overlap(row, server, 1e300);
}

double Servers::overlap(std::size_t row, std::size_t server, double mbit) const {
  const std::size_t i = block(row, server);
  const std::size_t lane = server % kLanes;
  const double v = virtual_mbit_[i * kLanes + lane];
  const double* const all = marks(i) + lane;
  double sum = 0;
  for (std::size_t task = 0; task < count(row, server); ++task) {
    sum += std::min(all[task * kLanes] - v, mbit);
  }
  return sum;
}

void Servers::left(std::size_t row, std::size_t server, std::vector<double>& left) const {
  const std::size_t i = block(row, server);
  const std::size_t lane = server % kLanes;
  const double* const all = marks(i) + lane;
  left.clear();
  for (std::size_t task = count(row, server); task > 0; --task) {
    left.push_back(all[(task - 1) * kLanes] - virtual_mbit_[i * kLanes + lane]);
  }
}

double Servers::marginal_s(std::size_t row, std::size_t server, double mbit) const {
  return scheduler::marginal_delay_s(mbit, overlap(row, server, mbit), context_->speed[server]);
}

void Servers::overlaps(std::size_t row, double mbit, std::span<double> overlaps) const {
  for (std::size_t b = 0; b < blocks_; ++b) {
    const std::size_t i = row * blocks_ + b;
    overlap_block(&virtual_mbit_[i * kLanes], marks(i), depth_[i], mbit, &overlaps[b * kLanes]);
  }
}

void Servers::summaries(std::size_t row, const std::array<double, kSizes>& mbit,
                        std::span<double> summaries) const {
  for (std::size_t b = 0; b < blocks_; ++b) {
    const std::size_t i = row * blocks_ + b;
    std::copy_n(&count_[i * kLanes], kLanes, &summaries[b * kLanes]);
    summarise_block(&virtual_mbit_[i * kLanes], marks(i), depth_[i], mbit.data(),
                    &summaries[lanes() + b * kLanes], lanes());
  }
}

}  // namespace skerry::rl::gmorl
