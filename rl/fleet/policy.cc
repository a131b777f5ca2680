#include "rl/fleet/policy.h"

#include <array>

#include "common/check.h"

namespace skerry::rl::fleet {

namespace {

class Greedy final : public Pricer {
 public:
  void price(View& /*view*/, const Choice& choice, std::span<double> prices) override {
    for (std::size_t i = 0; i < prices.size(); ++i) {
      prices[i] = scheduler::weighted_sum(
          choice.task.preference,
          choice.facts.scale.normalise(choice.candidates[i].prediction.objectives));
    }
  }
};

// A price that a candidate has of itself; of equal ones the exact cost tells.
class Simple final : public Pricer {
 public:
  using Price = double (*)(const Facts& facts);
  explicit Simple(Price price) : price_(price) {}
  void price(View& view, const Choice& choice, std::span<double> prices) override {
    constexpr double kTie = 1e-9;
    for (std::size_t i = 0; i < prices.size(); ++i) {
      prices[i] = price_(choice.candidates[i]) + kTie * view.base(i);
    }
  }

 private:
  Price price_;
};

class ExpectedCost final : public Pricer {
 public:
  void price(View& view, const Choice& /*choice*/, std::span<double> prices) override {
    for (std::size_t i = 0; i < prices.size(); ++i) {
      prices[i] = view.base(i);
    }
  }
};

// As in the product: the next node that can take it; the exact cost chooses the variant.
class RoundRobin final : public Pricer {
 public:
  void price(View& view, const Choice& choice, std::span<double> prices) override {
    for (std::size_t i = 0; i < prices.size(); ++i) {
      const std::size_t node = choice.candidates[i].node;
      const double cost = std::max(view.base(i), 0.0);
      prices[i] = static_cast<double>((node + kMostNodes - next_) % kMostNodes) + cost / (1 + cost);
    }
    next_ = (choice.candidates[cheapest(prices)].node + 1) % kMostNodes;
  }

 private:
  std::size_t next_ = 0;
};

class Chance final : public Pricer {
 public:
  void price(View& /*view*/, const Choice& choice, std::span<double> prices) override {
    std::ranges::fill(prices, 1);
    prices[choice.task.chance % prices.size()] = 0;
  }
};

class Externality final : public Pricer {
 public:
  explicit Externality(double c) : c_(c) {}
  void price(View& view, const Choice& /*choice*/, std::span<double> prices) override {
    for (std::size_t i = 0; i < prices.size(); ++i) {
      prices[i] = view.base(i) + c_ * static_cast<double>(view.externality(i));
    }
  }

 private:
  double c_;
};

class Learned final : public Pricer {
 public:
  explicit Learned(const Mlp& network) : network_(&network) {}
  void price(View& view, const Choice& /*choice*/, std::span<double> prices) override {
    view.price(*network_, prices);
  }

 private:
  const Mlp* network_;
};

constexpr std::array<std::string_view, 7> kNames = {
    "greedy", "expected-cost", "jsq", "least-work", "fastest", "round-robin", "random"};

// Which feature counts into which output, with the parameter of the same place. kBias: always.
struct Term {
  std::size_t output;
  std::size_t feature;
};
constexpr std::size_t kBias = kFeatures;
constexpr std::size_t kQueued = 16;
constexpr std::size_t kIdleShare = kCandidateFeatures + 7;
constexpr std::size_t kSlowLoad = kCandidateFeatures + 18;
constexpr std::size_t kSlowTaken = kCandidateFeatures + 23;
constexpr std::array<Term, kLinearTerms> kTerms = {{{kOwn, kBias},
                                                    {kOwn + 1, kBias},
                                                    {kOwn + 2, kBias},
                                                    {kOwn + 3, kBias},
                                                    {kOwnWait, kBias},
                                                    {kOthersDelay, kBias},
                                                    {kOthersDelay, kQueued},
                                                    {kOthersDelay, kIdleShare},
                                                    {kOthersDelay, kSlowLoad},
                                                    {kOthersQueue, kBias},
                                                    {kOthersQueue, kIdleShare},
                                                    {kOthersQueue, kSlowLoad},
                                                    {kOthersQueue, kSlowTaken},
                                                    {kOthersWaiting, kBias},
                                                    {kOthersMiss, kBias},
                                                    {kOthersMiss, kQueued},
                                                    {kOthersLoad, kBias},
                                                    {kLate, kBias}}};

}  // namespace

std::unique_ptr<Pricer> make_baseline(std::string_view name) {
  if (name == "greedy") {
    return std::make_unique<Greedy>();
  }
  if (name == "expected-cost") {
    return std::make_unique<ExpectedCost>();
  }
  if (name == "jsq") {
    return std::make_unique<Simple>([](const Facts& f) { return f.outstanding / f.slots; });
  }
  if (name == "least-work") {
    return std::make_unique<Simple>([](const Facts& f) { return f.backlog_s / f.slots; });
  }
  if (name == "fastest") {
    return std::make_unique<Simple>(
        [](const Facts& f) { return f.prediction.objectives.latency_s; });
  }
  if (name == "round-robin") {
    return std::make_unique<RoundRobin>();
  }
  if (name == "random") {
    return std::make_unique<Chance>();
  }
  return nullptr;
}

std::span<const std::string_view> baseline_names() { return kNames; }

std::unique_ptr<Pricer> make_externality(double c) { return std::make_unique<Externality>(c); }

std::unique_ptr<Pricer> make_learned(const Mlp& network) {
  return std::make_unique<Learned>(network);
}

Mlp linear_network(std::span<const double> parameters) {
  check(parameters.size() == kLinearTerms, "a parameter per term");
  Layer layer{.inputs = kFeatures,
              .outputs = kOutputs,
              .weights = std::vector<float>(kFeatures * kOutputs, 0),
              .bias = std::vector<float>(kOutputs, 0)};
  for (std::size_t i = 0; i < kLinearTerms; ++i) {
    const auto value = static_cast<float>(parameters[i]);
    if (kTerms[i].feature == kBias) {
      layer.bias[kTerms[i].output] += value;
    } else {
      layer.weights[kTerms[i].output * kFeatures + kTerms[i].feature] += value;
    }
  }
  return Mlp({layer});
}

}  // namespace skerry::rl::fleet
