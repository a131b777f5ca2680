#include "rl/gmorl/tape.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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

// Poisson by inversion, from the probability of 0: cheap for the small means that are used here.
int poisson(double uniform, double mean, double probability) {
  double sum = probability;
  int count = 0;
  while (uniform > sum && count < 64) {
    ++count;
    probability *= mean / count;
    sum += probability;
  }
  return count;
}

// log2(1 + x) is log2(x) to five digits where x is as large as it nearly always is in compat mode.
constexpr float kLarge = 13;

// From uniform numbers to seconds, in place, for many dispatches; those with a weak link stay log2 of
// the signal-to-noise ratio, and are marked. Fading is Rayleigh's: the power gain is exponential with
// mean 1.
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) void fade(
    UploadRow* rows, std::size_t count) {
  for (UploadRow* row = rows; row != rows + count; ++row) {
    float least = 1e9f;
    for (std::size_t i = 0; i < row->lanes; ++i) {
      const float log2_gain = fast_log2(-kLn2 * fast_log2(row->values[i]));
      row->values[i] = row->link_log2[i] + row->gains * log2_gain;
      least = std::min(least, row->values[i]);
    }
    row->weak = least <= kLarge;
    if (!row->weak) {
      for (std::size_t i = 0; i < row->lanes; ++i) {
        row->values[i] = row->mbit_s / row->values[i];
      }
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
    : context_(&context),
      mean_mbit_(context.mean_mbit()),
      none_(std::exp(-context.arrivals_per_step)),
      random_(mixed(seed, number)) {
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

bool Tape::draw(Dispatch& dispatch) {
  for (int arrived = poisson(random_.uniform(), context_->arrivals_per_step, none_); arrived > 0;
       --arrived) {
    waiting_.push_back(step_);
  }
  const bool dispatched = head_ < waiting_.size();
  if (dispatched) {
    dispatch.waited_s = step_ - waiting_[head_++];
    dispatch.queue = static_cast<int>(waiting_.size() - head_);
    const float mean_sizes = -kLn2 * fast_log2(unit_float(random_.next_u64() >> 40));
    dispatch.mbit =
        std::clamp(mean_mbit_ * static_cast<double>(mean_sizes), kLeastMbit, context_->most_mbit);
    draw_fading(dispatch);
    dispatch.number = dispatched_++;
    dispatch.chance = random_.next_u64();
  }
  if (head_ == waiting_.size()) {
    waiting_.clear();
    head_ = 0;
  }
  ++step_;
  return dispatched;
}

}  // namespace skerry::rl::gmorl
