#include "rl/fleet/trial.h"

namespace skerry::rl::fleet {

namespace {

constexpr std::size_t kDecisionsKept = 8;
// A fleet where everything costs next to nothing must not drown the others: added to all costs.
constexpr double kCostFloor = 0.003;

class Shifted final : public Pricer {
 public:
  Shifted(const Mlp& network, std::span<const float> shift, Random random)
      : network_(&network), shift_(shift), random_(random) {}

  void price(View& view, const Choice& /*choice*/, std::span<double> prices) override {
    view.price(*network_, prices, shift_);
    // Any decision is as likely to be kept as any other.
    const std::uint64_t at = kept_ < kDecisionsKept ? kept_ : random_.below(met_ + 1);
    ++met_;
    if (at < kDecisionsKept) {
      kept_ = std::max<std::size_t>(kept_, at + 1);
      seen_.resize(kept_ * kFeatures);
      for (std::size_t f = 0; f < kFeatures; ++f) {
        seen_[at * kFeatures + f] = view.features()[f * view.stride()];
      }
    }
  }
  std::vector<float> take_seen() { return std::move(seen_); }

 private:
  const Mlp* network_;
  std::span<const float> shift_;
  Random random_;
  std::uint64_t met_ = 0;
  std::size_t kept_ = 0;
  std::vector<float> seen_;
};

}  // namespace

Trial play_shifted(const Context& context, const Mlp& network, std::span<const float> shift,
                   std::size_t arrivals, Random random) {
  const RunOptions options{
      .seed = random.next_u64(), .episodes = 1, .warm_up = arrivals / 5, .arrivals = arrivals};
  Shifted policy(network, shift, random);
  const double cost = cost_a_task(sum_of(run(context, policy, options)));
  return {.cost = cost + kCostFloor, .seen = policy.take_seen()};
}

}  // namespace skerry::rl::fleet
