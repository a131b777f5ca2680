#include "rl/gmorl/tape.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "rl/net/all_levels.h"
#include "rl/net/fast_math.h"

namespace skerry::rl::gmorl {

namespace {

// The published channel: arXiv:2509.10474 and its authors' open predecessor environment.
constexpr double kBandwidthMhz = 16.6;
constexpr double kNoiseW = 16.6e6 * 3.98107e-21;  // -174 dBm/Hz
constexpr double kSendW = 0.010;
constexpr Range kCloudKm{1, 2};
constexpr Range kEdgeKm{0.05, 0.5};
constexpr double kLossAtOneKmDb = 133.6;
constexpr double kLossPerDecadeDb = 35;
constexpr double kShadowDb = 8;
constexpr double kLeastRateMbit = 1e-3;

constexpr float kLn2 = 0.69314718f;

// 24 bits as a number between 0 and 1, and never either.
float unit_float(std::uint64_t bits) { return (static_cast<float>(bits) + 0.5f) * 0x1p-24f; }

// Lanes of uploads are computed in whole blocks of so many.
constexpr std::size_t kBlock = 8;
// So many arrivals of a step are usual.
constexpr std::size_t kFewArrivals = 4;

// log2(1 + x) is log2(x) to five digits where x is as large as it nearly always is in compat mode.
constexpr float kLarge = 13;

// From uniform numbers to seconds, in place, for many dispatches; those with a weak link stay log2 of
// the signal-to-noise ratio, and are marked. Fading is Rayleigh's: the power gain is exponential with
// mean 1.
SKERRY_ALL_LEVELS void fade(UploadRow* rows, std::size_t count) {
  for (UploadRow* row = rows; row != rows + count; ++row) {
    float least[kBlock];
    std::fill_n(least, kBlock, 1e9f);
    for (std::size_t at = 0; at < row->lanes; at += kBlock) {
      float x[kBlock], link[kBlock];  // whole blocks in registers
      std::copy_n(row->values + at, kBlock, x);
      std::copy_n(row->link_log2 + at, kBlock, link);
      for (std::size_t i = 0; i < kBlock; ++i) {
        x[i] = link[i] + row->gains * fast_log2(-kLn2 * fast_log2(x[i]));
        least[i] = std::min(least[i], x[i]);
      }
      std::copy_n(x, kBlock, row->values + at);
    }
    bool weak = false;
    for (std::size_t i = 0; i < kBlock; ++i) {
      weak |= least[i] <= kLarge;
    }
    row->weak = weak;
    for (std::size_t at = 0; !weak && at < row->lanes; at += kBlock) {
      float x[kBlock];
      std::copy_n(row->values + at, kBlock, x);
      for (std::size_t i = 0; i < kBlock; ++i) {
        x[i] = row->mbit_s / x[i];
      }
      std::copy_n(x, kBlock, row->values + at);
    }
  }
}

double spectral(double log2_snr) {
  return log2_snr > static_cast<double>(kLarge)
             ? log2_snr
             : std::log1p(std::exp2(log2_snr)) / std::numbers::ln2;
}

std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) {
  return Random(seed ^ (number * 0x9e3779b97f4a7c15ULL)).next_u64();
}

}  // namespace

Tape::Tape(const Context& context, std::uint64_t seed, std::uint64_t number)
    : context_(&context), mean_mbit_(context.mean_mbit()), random_(mixed(seed, number)) {
  double probability = std::exp(-context.arrivals_per_step);
  double sum = 0;
  for (std::size_t i = 0; i < arrivals_upto_.size(); ++i) {
    arrivals_upto_[i] = sum += probability;
    probability *= context.arrivals_per_step / static_cast<double>(i + 1);
  }
  draw_links();
}

Tape Tape::future(std::uint64_t seed, std::uint64_t number) const {
  Tape tape = *this;
  tape.random_ = Random(mixed(seed, number));
  return tape;
}

void Tape::draw_links() {
  servers_ = context_->servers();
  for (std::size_t server = 0; server < servers_; ++server) {
    const Range km = server == 0 ? kCloudKm : kEdgeKm;
    const double loss_db = kLossAtOneKmDb +
                           kLossPerDecadeDb * std::log10(random_.uniform(km.low, km.high)) +
                           kShadowDb;
    const double gain = std::pow(10, -loss_db / 10);
    const double snr = context_->channel == Channel::kCompat
                           ? kSendW * (gain / kNoiseW) * (gain / kNoiseW) / kNoiseW
                           : kSendW * gain / kNoiseW;
    link_log2_.push_back(static_cast<float>(std::log2(snr)));
  }
  link_log2_.resize((servers_ + kBlock - 1) / kBlock * kBlock, link_log2_.front());
}

void Tape::draw_fading(Dispatch& dispatch) {
  const std::size_t lanes = link_log2_.size();
  dispatch.upload_s.resize(lanes);
  float* const values = dispatch.upload_s.data();
  for (std::size_t i = 0; i < servers_; i += 2) {
    const std::uint64_t bits = random_.next_u64();
    values[i] = unit_float(static_cast<std::uint32_t>(bits) >> 8);
    values[i + 1] = unit_float(bits >> 40);
  }
  std::fill(values + (servers_ + 1) / 2 * 2, values + lanes, 0.5f);
}

UploadRow Tape::upload_row(Dispatch& dispatch) const {
  return {.link_log2 = link_log2_.data(),
          .values = dispatch.upload_s.data(),
          .lanes = link_log2_.size(),
          .gains = context_->channel == Channel::kCompat ? 2.0f : 1.0f,
          .mbit_s = static_cast<float>(dispatch.mbit / kBandwidthMhz)};
}

void Tape::finish(std::span<UploadRow> rows) {
  fade(rows.data(), rows.size());
  for (const UploadRow& row : rows) {
    for (std::size_t i = 0; row.weak && i < row.lanes; ++i) {
      const double rate =
          std::max(spectral(static_cast<double>(row.values[i])), kLeastRateMbit / kBandwidthMhz);
      row.values[i] = static_cast<float>(static_cast<double>(row.mbit_s) / rate);
    }
  }
}

bool Tape::next(Dispatch& dispatch) {
  const bool dispatched = draw(dispatch);
  if (dispatched) {
    UploadRow row = upload_row(dispatch);
    finish({&row, 1});
  }
  return dispatched;
}

// Poisson by inversion: how many of the sums are below a uniform number. The first few arrivals are
// written whether they came or not, which costs less than asking.
void Tape::draw_arrivals() {
  const double uniform = random_.uniform();
  std::size_t arrived = 0;
  for (std::size_t i = 0; i < kFewArrivals; ++i) {
    arrived += uniform > arrivals_upto_[i] ? 1 : 0;
  }
  while (arrived >= kFewArrivals && arrived + 1 < arrivals_upto_.size() &&
         uniform > arrivals_upto_[arrived]) {
    ++arrived;
  }
  if (tail_ + arrivals_upto_.size() > waiting_.size()) {
    waiting_.resize(2 * waiting_.size() + arrivals_upto_.size());
  }
  std::fill_n(&waiting_[tail_], kFewArrivals, step_);
  for (std::size_t i = kFewArrivals; i < arrived; ++i) {
    waiting_[tail_ + i] = step_;
  }
  tail_ += arrived;
}

bool Tape::draw(Dispatch& dispatch) {
  draw_arrivals();
  const bool dispatched = head_ < tail_;
  if (dispatched) {
    dispatch.waited_s = step_ - waiting_[head_++];
    dispatch.queue = static_cast<int>(tail_ - head_);
    const float mean_sizes = -kLn2 * fast_log2(unit_float(random_.next_u64() >> 40));
    dispatch.mbit =
        std::clamp(mean_mbit_ * static_cast<double>(mean_sizes), kLeastMbit, context_->most_mbit);
    draw_fading(dispatch);
    dispatch.number = dispatched_++;
    dispatch.chance = random_.next_u64();
  }
  const bool empty = head_ == tail_;
  head_ = empty ? 0 : head_;
  tail_ = empty ? 0 : tail_;
  ++step_;
  return dispatched;
}

}  // namespace skerry::rl::gmorl
