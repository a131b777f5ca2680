// Learning from whole episodes: a tiny problem with a known optimum, and what must not matter.
#include <gtest/gtest.h>

#include <cmath>

#include "common/random.h"
#include "rl/train/episode_trainer.h"

namespace skerry::rl {
namespace {

// A context is one number x. An episode costs least if the two outputs are 2 x and 0.5, and is seen
// through noise. A feature that differs between candidates stands before it, and says nothing.
class TinyEpisodes final : public Problem, public Episodic {
 public:
  LabelShape shape() const override { return {.actions = 1, .features = 2, .outputs = 2}; }
  LabelShape trial_shape() const override { return shape(); }
  std::size_t shared_features() const override { return 1; }

  static std::vector<float> outputs_at(const Mlp& network, double own, double x) {
    std::vector<float> in(2 * Mlp::kBlock, 0);
    std::vector<float> out(2 * Mlp::kBlock);
    in[0] = static_cast<float>(own);
    in[Mlp::kBlock] = static_cast<float>(x);
    network.forward(in, out, Mlp::kBlock, Mlp::kBlock);
    return {out[0], out[Mlp::kBlock]};
  }

  Trial play_shifted(const Mlp& network, std::span<const float> shift,
                     std::uint64_t seed) const override {
    Random random(seed);
    const double x = random.uniform(-1, 1);
    const double own = random.normal(0, 5);
    const auto out = outputs_at(network, own, x);
    const double off = out[0] + shift[0] - 2 * x;
    const double off_too = out[1] + shift[1] - 0.5;
    Random noise = random.fork(shift[0] > 0 ? "up" : "down");
    return {.cost = std::exp(0.3 * (off * off + off_too * off_too) + noise.normal(0, 0.1)),
            .seen = {static_cast<float>(own), static_cast<float>(x)}};
  }

  Labels collect(const Mlp&, std::uint64_t) const override { return {}; }
  std::vector<std::string> figures() const override { return {"off"}; }
  // How far the outputs are from the best on average, whatever the candidate's own feature is.
  Figure probe(const Mlp& network, std::size_t) const override {
    double off = 0;
    for (int i = -10; i <= 10; ++i) {
      const double x = 0.1 * i;
      const auto out = outputs_at(network, i % 2 == 0 ? 3 : -3, x);
      off += (std::abs(out[0] - 2 * x) + std::abs(out[1] - 0.5)) / 42;
    }
    return {"off", off};
  }
};

class NoClock final : public Clock {
 public:
  Instant now() override { return Instant(Duration(0)); }
};

std::pair<Mlp, double> trained(std::size_t iterations, std::size_t threads) {
  const TinyEpisodes problem;
  NoClock clock;
  double off = 1;
  const auto network =
      train_episodes(problem, problem, {.hidden = {16}, .average_decay = 0.95}, {.spread = 0.3},
                     {.seed = 3,
                      .iterations = iterations,
                      .contexts = 64,
                      .peak_rate = 0.02,
                      .threads = threads,
                      .probe_every = 1000,
                      .save_every = 1000,
                      .folder = ""},
                     clock, [&](const TrainProgress& progress) {
                       off = progress.figures.empty() ? off : progress.figures[0].value;
                     });
  EXPECT_TRUE(network);
  return {*network, off};
}

TEST(TrainEpisodes, FindsTheBestOutputsOfEveryContext) {
  EXPECT_GT(trained(1, 1).second, 0.5);
  EXPECT_LT(trained(200, 1).second, 0.12);
}

TEST(TrainEpisodes, TheSameSeedGivesTheSameNetworkOnAnyNumberOfThreads) {
  const Mlp one = trained(5, 1).first;
  const Mlp two = trained(5, 3).first;
  for (std::size_t i = 0; i < one.layers().size(); ++i) {
    EXPECT_EQ(one.layers()[i].weights, two.layers()[i].weights);
    EXPECT_EQ(one.layers()[i].bias, two.layers()[i].bias);
  }
}

TEST(TrainEpisodes, WhatACandidateHasForItselfIsNotLookedAt) {
  const Mlp network = trained(20, 1).first;
  EXPECT_EQ(TinyEpisodes::outputs_at(network, -7, 0.3), TinyEpisodes::outputs_at(network, 9, 0.3));
}

}  // namespace
}  // namespace skerry::rl
