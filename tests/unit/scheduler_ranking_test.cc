// Tests of choosing among candidates: the breaker around the active policy, and shadows.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "scheduler/place.h"
#include "scheduler/ranking.h"
#include "tests/unit/scheduler_world.h"

namespace skerry::scheduler {
namespace {

using namespace testing;

using Script = std::function<Status(const RankInput&, std::span<double>)>;

class Scripted final : public Policy {
 public:
  explicit Scripted(Script script) : script_(std::move(script)) {}
  std::string_view name() const override { return "scripted"; }
  std::string_view version() const override { return "7"; }
  Status rank(const RankInput& input, std::span<double> scores) override {
    return script_(input, scores);
  }

 private:
  Script script_;
};

std::unique_ptr<Policy> prefers(std::size_t candidate) {
  return std::make_unique<Scripted>([candidate](const RankInput&, std::span<double> scores) {
    std::ranges::fill(scores, 1);
    scores[candidate] = 0;
    return Status();
  });
}
std::unique_ptr<Policy> says_nan() {
  return std::make_unique<Scripted>([](const RankInput&, std::span<double> scores) {
    scores[0] = NAN;
    return Status();
  });
}

struct ManualClock final : Clock {
  Instant now() override { return at += step; }
  Instant at{};
  Duration step{0};
};

class TwoNodes : public ::testing::Test {
 protected:
  TwoNodes() {
    put_digits(fleet);
    for (std::uint32_t i = 0; i < 2; ++i) {
      put_ready(fleet, NodeId{i}, plain_node("n" + std::to_string(i)));
      make_resident(fleet, NodeId{i});
    }
  }
  const Decision& decide() { return placer.decide(task.view, fleet); }
  void guard(std::unique_ptr<Policy> policy, BreakerOptions options = {}) {
    placer.ranking().set_policy(std::move(policy), std::make_unique<Breaker>(options));
  }

  Fleet fleet;
  Task task;
  ManualClock clock;
  Placer placer{make_heuristic("greedy"), Random(1), &clock};
};

TEST_F(TwoNodes, GreedyDecidesWhileTheBreakerIsOpenAndThePolicyIsNotAsked) {
  int asked = 0;
  guard(std::make_unique<Scripted>([&](const RankInput&, std::span<double> scores) {
    ++asked;
    scores[0] = NAN;
    return Status();
  }));
  for (int i = 0; i < 10; ++i) {
    const Decision& decision = decide();
    EXPECT_EQ(decision.chosen, decision.greedy);
    EXPECT_EQ(decision.policy, "greedy");
    EXPECT_NE(decision.fallback_reason.find("not a finite number"), std::string::npos);
  }
  EXPECT_EQ(asked, 1);
}

TEST_F(TwoNodes, AStallTripsOnlyWhenItIsRepeated) {
  guard(prefers(3), {.slow = milliseconds(5), .slow_in_a_row = 3});
  clock.step = milliseconds(6);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(decide().chosen, 3u) << "late, but a good answer";
  }
  EXPECT_EQ(decide().policy, "greedy");
  EXPECT_EQ(placer.ranking().breaker()->last_fault(), Fault::kSlow);
}

TEST_F(TwoNodes, InputThatThePolicyDoesNotKnowIsDecidedByGreedyAlone) {
  guard(std::make_unique<Scripted>([](const RankInput& input, std::span<double> scores) -> Status {
    if (input.task.input_bytes > 100) {
      return fail(ErrorCode::kUnsupported, "too large");
    }
    scores[3] = -1;
    return {};
  }));
  EXPECT_EQ(decide().chosen, 3u);
  task.view.input_bytes = 1000;
  EXPECT_EQ(decide().policy, "greedy");
  task.view.input_bytes = 1;
  EXPECT_EQ(decide().chosen, 3u) << "one such task does not trip the breaker";
}

TEST_F(TwoNodes, ShadowsSayWhatTheyWouldChooseWithoutEffect) {
  const Decision alone = decide();
  placer.ranking().add_shadow(prefers(2), {});
  placer.ranking().add_shadow(says_nan(), {});
  placer.ranking().add_shadow(make_heuristic("greedy"), {});
  const Decision& watched = decide();
  EXPECT_EQ(watched.chosen, alone.chosen);
  EXPECT_EQ(watched.scores, alone.scores);
  ASSERT_EQ(watched.shadows.size(), 3u);
  EXPECT_EQ(watched.shadows[0].chosen, 2u);
  EXPECT_FALSE(watched.shadows[1].chosen);
  EXPECT_EQ(watched.shadows[2].chosen, alone.chosen);
  placer.ranking().remove_shadow(0);
  EXPECT_EQ(decide().shadows.size(), 2u);
}

TEST_F(TwoNodes, AShadowsRandomNumbersAreItsOwn) {
  const auto choices = [&](bool shadowed) {
    Placer random(make_heuristic("random"), Random(5));
    if (shadowed) {
      random.ranking().add_shadow(make_heuristic("random"), {});
    }
    std::vector<std::size_t> chosen;
    for (int i = 0; i < 50; ++i) {
      chosen.push_back(*random.decide(task.view, fleet).chosen);
    }
    return chosen;
  };
  EXPECT_EQ(choices(false), choices(true));
}

TEST_F(TwoNodes, CostsAreGreedysScoresWhoeverDecides) {
  const std::vector<double> costs = decide().scores;
  placer.ranking().set_policy(prefers(1));
  const Decision& decision = decide();
  EXPECT_EQ(decision.costs, costs);
  EXPECT_EQ(decision.greedy,
            static_cast<std::size_t>(std::ranges::min_element(costs) - costs.begin()));
}

}  // namespace
}  // namespace skerry::scheduler
