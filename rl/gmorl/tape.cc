#include "rl/gmorl/tape.h"

#include <algorithm>
#include <cmath>

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

// Poisson by inversion: cheap for the small means that are used here.
int poisson(double uniform, double mean) {
  double probability = std::exp(-mean);
  double sum = probability;
  int count = 0;
  while (uniform > sum && count < 64) {
    ++count;
    probability *= mean / count;
    sum += probability;
  }
  return count;
}

std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) {
  return Random(seed ^ (number * 0x9e3779b97f4a7c15ULL)).next_u64();
}

}  // namespace

Tape::Tape(const Context& context, std::uint64_t seed, std::uint64_t number)
    : context_(&context), mean_mbit_(context.mean_mbit()), random_(mixed(seed, number)) {
  draw_links();
}

Tape Tape::future(std::uint64_t seed, std::uint64_t number) const {
  Tape tape = *this;
  tape.random_ = Random(mixed(seed, number));
  return tape;
}

void Tape::draw_links() {
  for (std::size_t server = 0; server < context_->servers(); ++server) {
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
}

void Tape::draw_uploads(Dispatch& dispatch) {
  const std::size_t servers = link_log2_.size();
  dispatch.upload_s.resize(servers);
  const bool compat = context_->channel == Channel::kCompat;
  std::uint64_t bits = 0;
  for (std::size_t server = 0; server < servers; ++server) {
    bits = server % 2 == 0 ? random_.next_u64() : bits >> 32;
    // Rayleigh fading: the power gain is exponential with mean 1.
    constexpr float kLn2 = 0.69314718f;
    const float uniform =
        (static_cast<float>(static_cast<std::uint32_t>(bits) >> 8) + 0.5f) * 0x1p-24f;
    const float log2_gain = fast_log2(-kLn2 * fast_log2(uniform));
    const float log2_snr = link_log2_[server] + (compat ? 2 : 1) * log2_gain;
    // log2(1 + x) is log2(x) where x is large, as it always is in compat mode.
    const double spectral =
        log2_snr > 20 ? log2_snr : std::log2(1 + std::exp2(static_cast<double>(log2_snr)));
    dispatch.upload_s[server] = dispatch.mbit / std::max(kBandwidthMhz * spectral, kLeastRateMbit);
  }
}

bool Tape::next(Dispatch& dispatch) {
  for (int arrived = poisson(random_.uniform(), context_->arrivals_per_step); arrived > 0;
       --arrived) {
    waiting_.push_back(step_);
  }
  const bool dispatched = head_ < waiting_.size();
  if (dispatched) {
    dispatch.waited_s = step_ - waiting_[head_++];
    dispatch.queue = static_cast<int>(waiting_.size() - head_);
    dispatch.mbit = std::clamp(random_.exponential(mean_mbit_), kLeastMbit, kMostMbit);
    draw_uploads(dispatch);
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
