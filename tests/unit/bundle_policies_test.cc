// Tests of how bundles become policies: what is refused and where it is said, ranges of training,
// and the bundle that comes with the controller.

#include "controller/bundle_policies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "controller/breaker_note.h"
#include "scheduler/ranking.h"
#include "tests/unit/learned_bundle.h"
#include "tests/unit/scheduler_world.h"

namespace skerry::controller {
namespace {

using rl::testing::tiny_bundle;
using ::testing::HasSubstr;

std::string field_of(const std::string& bundle) {
  const auto made = BundlePolicies().make(bundle);
  EXPECT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  EXPECT_GT(made.error().message.size(), 20u);
  return made ? "" : made.error().fields.at(0).field;
}

TEST(BundlePolicies, MakeAPolicyOfTheBundlesNameAndChecksum) {
  const rl::Bundle bundle = tiny_bundle();
  const auto made = BundlePolicies().make(rl::write_bundle(bundle));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ((*made)->name(), "tiny");
  EXPECT_EQ((*made)->version().size(), 8u);
}

TEST(BundlePolicies, SayWhichPartCannotBeUsed) {
  const std::string good = rl::write_bundle(tiny_bundle());
  EXPECT_EQ(field_of(good.substr(0, good.size() / 2)), "");

  rl::Bundle poisoned = tiny_bundle();
  auto layers = poisoned.network.layers();
  layers[0].weights[3] = std::numeric_limits<float>::quiet_NaN();
  poisoned.network = rl::Mlp(layers);
  EXPECT_EQ(field_of(rl::write_bundle(poisoned)), "/weights");

  std::string other_weights = good;
  const auto at = other_weights.find("\"weights\":\"") + 20;
  other_weights[at] = other_weights[at] == 'A' ? 'B' : 'A';
  EXPECT_EQ(field_of(other_weights), "/weights");

  rl::Bundle other = tiny_bundle();
  other.features = "fleet/999";
  EXPECT_EQ(field_of(rl::write_bundle(other)), "/features");
  other = tiny_bundle();
  other.problem = "gmorl";
  EXPECT_EQ(field_of(rl::write_bundle(other)), "/problem");
  other = tiny_bundle();
  other.training["ranges"] = {{"hue", {0, 1}}};
  EXPECT_EQ(field_of(rl::write_bundle(other)), "/training/ranges/hue");
  other.training["ranges"] = {{"service_s", {2, 1}}};
  EXPECT_EQ(field_of(rl::write_bundle(other)), "/training/ranges/service_s");
}

TEST(BundlePolicies, TooLargeIsSaidAsSuch) {
  const auto made = BundlePolicies().make(std::string(rl::kMaxBundleBytes + 1, ' '));
  EXPECT_EQ(made.error().code, ErrorCode::kTooLarge);
}

TEST(BundlePolicies, OutsideTheRangesOfTrainingGreedyDecides) {
  using namespace scheduler::testing;
  scheduler::Fleet fleet;
  put_digits(fleet);
  put_ready(fleet, NodeId{0}, plain_node("n"));
  make_resident(fleet, NodeId{0});
  rl::Bundle bundle = tiny_bundle();
  bundle.training["ranges"] = {{"input_bytes", {0, 1000}}, {"service_s", {0.05, 5}}};
  scheduler::Placer placer(*BundlePolicies().make(rl::write_bundle(bundle)), Random(1));
  Task task;
  task.view.input_bytes = 1000;
  EXPECT_EQ(placer.decide(task.view, fleet).policy, "tiny");
  task.view.input_bytes = 5000;
  const auto& decision = placer.decide(task.view, fleet);
  EXPECT_EQ(decision.policy, "greedy");
  EXPECT_THAT(decision.fallback_reason, HasSubstr("input_bytes is 5000"));
}

// Whatever a network answers, the choice is one of the candidates: extreme weights over odd fleets.
TEST(BundlePolicies, WildWeightsNeverChooseWhatIsNoCandidate) {
  using namespace scheduler::testing;
  for (const float size : {1e3f, 1e18f, 3e38f}) {
    rl::Bundle bundle = tiny_bundle();
    auto layers = bundle.network.layers();
    for (auto& layer : layers) {
      for (float& weight : layer.weights) {
        weight = weight < 0 ? -size : size;
      }
    }
    bundle.network = rl::Mlp(layers);
    scheduler::Fleet fleet;
    put_digits(fleet);
    for (std::uint32_t i = 0; i < 5; ++i) {
      put_ready(fleet, NodeId{i}, plain_node("n" + std::to_string(i)));
    }
    fleet.set_availability(NodeId{4}, scheduler::Availability::kCordoned);
    scheduler::Placer placer(scheduler::make_heuristic("greedy"), Random(1));
    placer.ranking().set_policy(*BundlePolicies().make(rl::write_bundle(bundle)),
                                std::make_unique<scheduler::Breaker>());
    Task task;
    for (int i = 0; i < 100; ++i) {
      const auto& decision = placer.decide(task.view, fleet);
      ASSERT_TRUE(decision.chosen);
      ASSERT_LT(*decision.chosen, decision.candidates.size());
      EXPECT_NE(decision.candidates[*decision.chosen].node, NodeId{4});
    }
  }
}

class DefaultPolicy : public ::testing::Test {
 protected:
  std::string write(bool ahead) {
    rl::Bundle bundle = tiny_bundle("fleet");
    bundle.card["ahead_of_greedy"] = ahead;
    const auto path = std::filesystem::path(::testing::TempDir()) / "default-policy.json";
    std::ofstream(path) << rl::write_bundle(bundle);
    return path.string();
  }
};

TEST_F(DefaultPolicy, IsToBeActiveOnlyIfItsCardSaysSo) {
  EXPECT_TRUE((*default_policy(write(true)))->activate);
  const auto behind = default_policy(write(false));
  EXPECT_FALSE((*behind)->activate);
  EXPECT_THAT((*behind)->why, HasSubstr("does not say"));
}

TEST_F(DefaultPolicy, TheOneThatComesWithTheSourceScoresAndItsCardIsWhole) {
  const auto offer = default_policy("");
  ASSERT_TRUE(offer);
  ASSERT_TRUE(*offer) << "models/policies/fleet.json is missing";
  EXPECT_TRUE(BundlePolicies().make(*(*offer)->bundle));
  const auto bundle = rl::read_bundle(*(*offer)->bundle);
  ASSERT_TRUE(bundle);
  EXPECT_EQ((*offer)->activate, bundle->card.at("ahead_of_greedy").as_bool());
  EXPECT_EQ(bundle->card.at("suite"), "fleet");
  for (const char* policy : {"learned", "greedy", "linear", "externality", "formula"}) {
    EXPECT_TRUE(bundle->card.at("policies").as_object().contains(policy)) << policy;
  }
  EXPECT_TRUE(bundle->training.contains("config"));
}

TEST_F(DefaultPolicy, CanBeNone) { EXPECT_EQ((*default_policy("none"))->bundle, nullptr); }

TEST_F(DefaultPolicy, AFileThatIsNamedAndNotThereIsAnError) {
  EXPECT_EQ(default_policy("no/such/file.json").error().code, ErrorCode::kIo);
}

TEST(BreakerNote, SaysThatGreedyDecidesUntilThePolicyDoesAgain) {
  BreakerNote note;
  note.heard(core::BreakerChanged{
      .policy = "fleet", .version = "1", .state = "open", .fault = "slow", .reason = "it stalls"});
  EXPECT_EQ(note.note(), "greedy decides in place of fleet: it stalls");
  note.heard(core::BreakerChanged{.policy = "fleet", .version = "1", .state = "half_open"});
  EXPECT_THAT(note.note(), HasSubstr("on trial"));
  note.heard(core::BreakerChanged{.policy = "fleet", .version = "1", .state = "closed"});
  EXPECT_EQ(note.note(), "");
}

}  // namespace
}  // namespace skerry::controller
