// Learning a tiny problem with a known optimum: fails if learning is broken. The same seed gives the
// same network, and a run that was cut off goes on as if it had not been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "common/random.h"
#include "rl/train/discrete_sac.h"
#include "rl/train/trainer.h"

namespace skerry::rl {
namespace {

// Three actions, each with two known numbers. The exact model knows only the first; in truth an
// action costs x + 2 y, seen through noise. Who acts by the model alone loses half a unit a time.
class TinyProblem final : public Problem, public Playable {
 public:
  LabelShape shape() const override { return {.actions = 3, .features = 2, .outputs = 1}; }

  Labels collect(const Mlp&, std::uint64_t seed) const override {
    Random random(seed);
    Labels labels{.shape = shape()};
    for (int i = 0; i < 200; ++i) {
      labels.grow(3);
      float least = 1e9f;
      for (std::size_t a = labels.base.size() - 3; a < labels.base.size(); ++a) {
        const double x = random.uniform();
        const double y = random.uniform();
        labels.features[2 * a] = static_cast<float>(x);
        labels.features[2 * a + 1] = static_cast<float>(y);
        labels.base[a] = static_cast<float>(x);
        labels.coefficients[a] = 1;
        labels.costs[a] = static_cast<float>(x + 2 * y + random.normal(0, 0.3));
        least = std::min(least, labels.costs[a]);
      }
      for (std::size_t a = labels.base.size() - 3; a < labels.base.size(); ++a) {
        labels.costs[a] -= least;
      }
    }
    return labels;
  }

  LabelShape play_shape() const override { return shape(); }

  // The same decisions one after the other, taken with dice; here costs are what happens at once.
  Transitions play(const Mlp& actor, double temperature, std::uint64_t seed) const override {
    Random random(seed);
    Transitions plays{.shape = shape()};
    for (int i = 0; i < 100; ++i) {
      plays.grow(3);
      std::vector<float> in(2 * Mlp::kBlock, 0);
      std::vector<float> out(Mlp::kBlock);
      const std::size_t first = plays.base.size() - 3;
      for (std::size_t a = 0; a < 3; ++a) {
        in[a] = static_cast<float>(random.uniform());
        in[Mlp::kBlock + a] = static_cast<float>(random.uniform());
        plays.features[2 * (first + a)] = in[a];
        plays.features[2 * (first + a) + 1] = in[Mlp::kBlock + a];
        plays.base[first + a] = in[a];
        plays.coefficients[first + a] = 1;
      }
      actor.forward(in, out, Mlp::kBlock, Mlp::kBlock);
      double sum = 0;
      std::vector<double> upto;
      for (std::size_t a = 0; a < 3; ++a) {
        upto.push_back(sum += std::exp(-static_cast<double>(in[a] + out[a]) / temperature));
      }
      const double at = random.uniform() * sum;
      const std::size_t pick = at < upto[0] ? 0 : (at < upto[1] ? 1 : 2);
      plays.chosen.back() = static_cast<std::uint8_t>(pick);
      plays.costs.back() = in[pick] + 2 * in[Mlp::kBlock + pick];
    }
    plays.after.back() = After::kCutOff;
    return plays;
  }

  std::vector<std::string> figures() const override { return {"regret"}; }

  // Mean cost above the optimum's.
  Figure probe(const Mlp& network, std::size_t) const override {
    Random random(99);
    double regret = 0;
    constexpr int kDecisions = 2000;
    for (int i = 0; i < kDecisions; ++i) {
      std::vector<float> in(2 * Mlp::kBlock, 0);
      std::vector<float> out(Mlp::kBlock);
      std::vector<double> truth;
      for (std::size_t a = 0; a < 3; ++a) {
        const double x = random.uniform();
        const double y = random.uniform();
        in[a] = static_cast<float>(x);
        in[Mlp::kBlock + a] = static_cast<float>(y);
        truth.push_back(x + 2 * y);
      }
      network.forward(in, out, Mlp::kBlock, Mlp::kBlock);
      std::size_t chosen = 0;
      for (std::size_t a = 1; a < 3; ++a) {
        chosen = in[a] + out[a] < in[chosen] + out[chosen] ? a : chosen;
      }
      regret += truth[chosen] - *std::ranges::min_element(truth);
    }
    return {"regret", regret / kDecisions};
  }
};

// Stands still: what is learned must not depend on the time.
class NoClock final : public Clock {
 public:
  Instant now() override { return Instant(Duration(0)); }
};

TrainOptions small(std::size_t iterations) {
  return {.seed = 3,
          .iterations = iterations,
          .contexts = 4,
          .remembered = 1,
          .passes = 20,
          .peak_rate = 1e-2,
          .threads = 1,
          .probe_every = 5,
          .save_every = 5,
          .folder = ""};
}

LearnerOptions narrow() { return {.hidden = {16}, .batch = 128, .average_decay = 0.99}; }

Mlp trained(const TrainOptions& options, std::vector<double>* regrets = nullptr) {
  NoClock clock;
  const TinyProblem problem;
  const auto network = train(problem, narrow(), options, clock, [&](const TrainProgress& progress) {
    if (regrets != nullptr && !progress.figures.empty()) {
      regrets->push_back(progress.figures[0].value);
    }
  });
  EXPECT_TRUE(network) << network.error().message;
  return *network;
}

void expect_equal(const Mlp& a, const Mlp& b) {
  ASSERT_EQ(a.layers().size(), b.layers().size());
  for (std::size_t i = 0; i < a.layers().size(); ++i) {
    EXPECT_EQ(a.layers()[i].weights, b.layers()[i].weights);
    EXPECT_EQ(a.layers()[i].bias, b.layers()[i].bias);
  }
}

std::string fresh_folder(const std::string& name) {
  const auto folder =
      std::filesystem::temp_directory_path() /
      ("skerry-rl-" + name + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
       "-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  return folder.string();
}

TEST(Train, LearnsATinyProblemWithAKnownOptimum) {
  const TinyProblem problem;
  Learner untrained({.shape = problem.shape(), .hidden = {16}});
  const double at_first = problem.probe(untrained.averaged(), 0).value;
  EXPECT_GT(at_first, 0.3);  // acts by the exact model alone
  std::vector<double> regrets;
  trained(small(30), &regrets);
  ASSERT_FALSE(regrets.empty());
  EXPECT_LT(regrets.back(), 0.02);
}

TEST(Train, TheSameSeedGivesTheSameNetworkOnAnyNumberOfThreads) {
  TrainOptions options = small(4);
  const Mlp one = trained(options);
  const Mlp again = trained(options);
  options.threads = 3;
  const Mlp threads = trained(options);
  expect_equal(one, again);
  expect_equal(one, threads);
  options.seed = 4;
  EXPECT_NE(trained(options).layers()[0].weights, one.layers()[0].weights);
}

TEST(Train, ARunThatWasCutOffGoesOnAsIfItHadNot) {
  const Mlp whole = trained(small(10));
  TrainOptions options = small(10);
  options.folder = fresh_folder("resume");
  NoClock clock;
  const TinyProblem problem;
  EXPECT_THROW((void)train(problem, narrow(), options, clock,
                           [](const TrainProgress& progress) {
                             if (progress.iteration == 7) {
                               throw std::runtime_error("cut off");
                             }
                           }),
               std::runtime_error);
  options.resume = true;
  std::vector<std::size_t> iterations;
  std::uint64_t labels = 0;
  const auto resumed = train(problem, narrow(), options, clock, [&](const TrainProgress& progress) {
    iterations.push_back(progress.iteration);
    labels = progress.total_labels;
  });
  ASSERT_TRUE(resumed);
  EXPECT_THAT(iterations, testing::ElementsAre(6, 7, 8, 9, 10));  // the checkpoint is of 5
  EXPECT_EQ(labels, 10u * 4 * 200);
  expect_equal(*resumed, whole);
  std::filesystem::remove_all(options.folder);
}

TEST(DiscreteSac, LearnsTheSameProblemAndTheSameSeedGivesTheSameActor) {
  const TinyProblem problem;
  NoClock clock;
  const SacOptions sac{.hidden = {16},
                       .batch = 128,
                       .rate = 3e-3,
                       .discount = 0.5,
                       .follow = 0.02,
                       .temperature = 0.2,
                       .replay = 5000,
                       .updates_per_decision = 0.1};
  const auto trained_sac = [&](std::size_t iterations) {
    double regret = 1e9;
    const auto actor = train_sac(
        problem, problem, sac, small(iterations), clock, [&](const TrainProgress& progress) {
          regret = progress.figures.empty() ? regret : progress.figures[0].value;
        });
    EXPECT_TRUE(actor);
    return std::pair(*actor, regret);
  };
  EXPECT_LT(trained_sac(40).second, 0.05);
  expect_equal(trained_sac(3).first, trained_sac(3).first);
}

TEST(Train, AFolderWithoutACheckpointCannotBeResumed) {
  TrainOptions options = small(2);
  options.folder = fresh_folder("none");
  options.resume = true;
  NoClock clock;
  const TinyProblem problem;
  const auto resumed = train(problem, narrow(), options, clock, [](const TrainProgress&) {});
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().code, ErrorCode::kNotFound);
  std::filesystem::remove_all(options.folder);
}

TEST(Train, ATornCheckpointIsRefused) {
  TrainOptions options = small(5);
  options.folder = fresh_folder("torn");
  trained(options);
  std::filesystem::resize_file(options.folder + "/checkpoint.pt", 100);
  options.resume = true;
  NoClock clock;
  const TinyProblem problem;
  const auto resumed = train(problem, narrow(), options, clock, [](const TrainProgress&) {});
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().code, ErrorCode::kCorrupt);
  std::filesystem::remove_all(options.folder);
}

}  // namespace
}  // namespace skerry::rl
