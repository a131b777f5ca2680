#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "scheduler/estimate.h"
#include "scheduler/fleet.h"
#include "scheduler/predict.h"
#include "tests/unit/scheduler_world.h"

namespace skerry::scheduler {
namespace {

using namespace testing;

Estimate after(std::initializer_list<double> measured) {
  Estimate estimate = guessed(1, kGuessDeviation);
  for (const double value : measured) {
    estimate = learned(estimate, value);
  }
  return estimate;
}

TEST(Estimate, TheFirstMeasurementReplacesTheGuess) {
  const Estimate estimate = after({40});
  EXPECT_DOUBLE_EQ(estimate.mean, 40);
  EXPECT_DOUBLE_EQ(estimate.deviation, 20);
  EXPECT_EQ(estimate.samples, 1U);
}

TEST(Estimate, EarlyMeasurementsAreAveraged) {
  EXPECT_DOUBLE_EQ(after({2, 3}).mean, 2.5);
  EXPECT_DOUBLE_EQ(after({2, 3, 4}).mean, 3);
}

TEST(Estimate, LaterOnesAreForgottenExponentially) {
  Estimate estimate = guessed(1, kGuessDeviation);
  for (int i = 0; i < 100; ++i) {
    estimate = learned(estimate, i % 2 == 0 ? 0.9 : 1.1);
  }
  const double before = estimate.mean;
  EXPECT_NEAR(learned(estimate, 1.2).mean, before + 0.1 * (1.2 - before), 1e-12);
}

TEST(Estimate, DeviationFollowsTheSpread) {
  Random random(7);
  Estimate estimate = guessed(1, kGuessDeviation);
  double sum = 0;
  for (int i = 0; i < 2000; ++i) {
    estimate = learned(estimate, random.normal(5, 0.4));
    sum += i >= 1000 ? estimate.deviation : 0;
  }
  EXPECT_NEAR(sum / 1000, 0.4, 0.06);
}

TEST(Estimate, OneOutlierMovesASettledMeanByThreePercent) {
  Estimate estimate = guessed(1, kGuessDeviation);
  for (int i = 0; i < 60; ++i) {
    estimate = learned(estimate, 1);
  }
  EXPECT_NEAR(learned(estimate, 100).mean, 1.03, 1e-3);
}

TEST(Estimate, ALastingChangeIsFollowed) {
  Estimate estimate = guessed(1, kGuessDeviation);
  for (int i = 0; i < 60; ++i) {
    estimate = learned(estimate, 1);
  }
  for (int i = 0; i < 20; ++i) {
    estimate = learned(estimate, 4);
  }
  EXPECT_GT(estimate.mean, 3);
  for (int i = 0; i < 20; ++i) {
    estimate = learned(estimate, 4);
  }
  EXPECT_NEAR(estimate.mean, 4, 0.2);
}

TEST(Estimate, ASlowWarmUpIsForgottenAtOnce) { EXPECT_DOUBLE_EQ(after({30, 1}).mean, 1); }

TEST(Estimate, AnEstimateOfNothingCanGrow) {
  Estimate estimate = after({0, 0, 0});
  for (int i = 0; i < 60; ++i) {
    estimate = learned(estimate, 0.01);
  }
  EXPECT_NEAR(estimate.mean, 0.01, 1e-3);
}

TEST(Estimate, AnOutlierWeighsNoMoreWhereForwardsTakeMicroseconds) {
  Estimate estimate = guessed(1e-4, kGuessDeviation);
  for (int i = 0; i < 60; ++i) {
    estimate = learned(estimate, 3e-5);
  }
  EXPECT_NEAR(learned(estimate, 3e-3).mean, 1.03 * 3e-5, 1e-7);
}

TEST(Estimate, OfAProbeTheMedianCounts) {
  const std::vector<double> cold_and_interrupted = {9, 4, 1.01, 1, 0.99, 1, 50, 1, 1.02};
  const Estimate estimate = probed(guessed(30, kGuessDeviation), cold_and_interrupted);
  EXPECT_DOUBLE_EQ(estimate.mean, 1.01);
  EXPECT_EQ(estimate.samples, kProbeSamples);
  EXPECT_DOUBLE_EQ(probed({}, std::vector<double>{5, 2}).mean, 2);  // the first of two is cold
}

TEST(Estimate, AFasterProbeMendsAnUnluckyOneAtOnce) {
  const Estimate unlucky = probed({}, std::vector<double>{1.5, 1.6, 1.7});
  EXPECT_DOUBLE_EQ(probed(unlucky, std::vector<double>{1, 1, 1}).mean, 1);
}

TEST(Estimate, ASlowerProbeIsHeldAgainstItByHalf) {
  const Estimate estimate = probed({}, std::vector<double>{1, 1, 1});
  EXPECT_DOUBLE_EQ(probed(estimate, std::vector<double>{2, 2, 2}).mean, 1.5);
}

TEST(Estimate, AProbeMovesASettledOneAsThreeMeasurementsDo) {
  const Estimate settled_one{.mean = 2, .deviation = 0.2, .samples = 50};
  EXPECT_TRUE(settled(settled_one));
  EXPECT_NEAR(probed(settled_one, std::vector<double>{1, 1, 1}).mean, 2 - 3.0 / 13, 1e-12);
  EXPECT_FALSE(settled(doubted(settled_one)));
  EXPECT_DOUBLE_EQ(probed(doubted(settled_one), std::vector<double>{1, 1, 1}).mean, 1);
}

TEST(Estimate, NonsenseChangesNothing) {
  const Estimate estimate = after({2, 3});
  for (const double nonsense : {-1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    EXPECT_EQ(learned(estimate, nonsense).mean, estimate.mean);
    EXPECT_EQ(learned(estimate, nonsense).samples, estimate.samples);
  }
  const Estimate known{.mean = 2, .deviation = 0.2, .samples = 5};
  const std::vector<double> nonsense = {-1, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_DOUBLE_EQ(probed(known, nonsense).mean, 2);
  EXPECT_EQ(probed(known, {}).samples, 5U);
}

struct OneNode : ::testing::Test {
  static constexpr NodeId kNode{0};
  Fleet fleet;
  OneNode() {
    put_digits(fleet);
    put_ready(fleet, kNode, plain_node("n"));
  }
};

TEST(Fleet, CountsTheSlotsOfNodesThatAreReady) {
  Fleet fleet;
  NodeSpec two = plain_node("two");
  two.slots = 2;
  put_ready(fleet, NodeId{0}, two);
  put_ready(fleet, NodeId{1}, plain_node("one"));
  EXPECT_EQ(fleet.ready_slots(), 3);
  fleet.set_capacity(NodeId{1}, 0);
  EXPECT_EQ(fleet.ready_slots(), 3) << "full, but ready";
  fleet.set_availability(NodeId{1}, Availability::kCordoned);
  EXPECT_EQ(fleet.ready_slots(), 2);
  two.slots = 5;  // it came back with more
  fleet.put_node(NodeId{0}, two);
  EXPECT_EQ(fleet.ready_slots(), 5);
  fleet.set_availability(NodeId{1}, Availability::kReady);
  fleet.remove_node(NodeId{0});
  EXPECT_EQ(fleet.ready_slots(), 1);
}

TEST_F(OneNode, GuessesFromTheProfile) {
  NodeSpec fast = plain_node("n");
  fast.speed = 4;
  fleet.put_node(kNode, fast);
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kLarge).mean, 0.25);
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kLarge).deviation, 0.125);
  EXPECT_EQ(fleet.service(kNode, kLarge).samples, 0U);
}

TEST_F(OneNode, AMeasuredVariantCorrectsTheGuessOfItsSiblings) {
  fleet.observe_service(kNode, kSmall, 0.3);  // three times the guess
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kSmall).mean, 0.3);
  EXPECT_NEAR(fleet.service(kNode, kLarge).mean, 3, 1e-12);
  EXPECT_NEAR(fleet.service(kNode, kLarge).deviation, 3 * kCorrectedDeviation, 1e-12);
}

TEST_F(OneNode, WhatTasksTakeOverAProbeIsLearnedForAllVariantsOfTheModel) {
  fleet.observe_probe(kNode, kSmall, std::vector<double>(9, 0.03));
  fleet.observe_probe(kNode, kLarge, std::vector<double>(9, 0.19));
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kLarge).mean, 0.19);
  fleet.observe_service(kNode, kSmall, 0.20);  // far from the probe, and believed
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kSmall).mean, 0.20);
  EXPECT_NEAR(fleet.service(kNode, kLarge).mean, 0.19 + 0.17, 1e-12);
}

TEST_F(OneNode, OneUnluckyTaskIsMendedByAProbe) {
  fleet.observe_probe(kNode, kSmall, std::vector<double>(9, 0.03));
  fleet.observe_probe(kNode, kLarge, std::vector<double>(9, 0.19));
  for (int i = 0; i < 20; ++i) {
    fleet.observe_service(kNode, kLarge, 0.36);
  }
  fleet.observe_service(kNode, kSmall, 1.4);
  EXPECT_GT(fleet.service(kNode, kSmall).mean, 0.21);
  fleet.observe_probe(kNode, kSmall, std::vector<double>(9, 0.03));
  EXPECT_NEAR(fleet.service(kNode, kSmall).mean, 0.20, 0.02);
}

TEST_F(OneNode, OldMeasurementsGiveWayToNewOnes) {
  for (int i = 0; i < 20; ++i) {
    fleet.observe_service(kNode, kSmall, 0.4);
  }
  EXPECT_TRUE(settled(fleet.service(kNode, kSmall)));
  fleet.doubt(kNode, kSmall);
  EXPECT_FALSE(settled(fleet.service(kNode, kSmall)));
  fleet.observe_service(kNode, kSmall, 0.2);
  EXPECT_LT(fleet.service(kNode, kSmall).mean, 0.38);
}

TEST_F(OneNode, CorrectionStaysWithinTheModelAndTheNode) {
  constexpr ModelId kOther{1};
  constexpr VariantId kOtherVariant{2};
  fleet.put_model(
      {.id = kOther, .name = "other", .engine = "torch"},
      {{.id = kOtherVariant, .model = kOther, .name = "v", .accuracy = 1, .reference_s = 1}});
  put_ready(fleet, NodeId{1}, plain_node("other"));
  fleet.observe_service(kNode, kSmall, 0.3);
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kOtherVariant).mean, 1);
  EXPECT_DOUBLE_EQ(fleet.service(NodeId{1}, kLarge).mean, 1);
}

TEST_F(OneNode, WhatWasMeasuredOutlivesANewSpec) {
  fleet.observe_service(kNode, kSmall, 0.3);
  fleet.observe_link(kNode, 0.02, 5e6);
  NodeSpec spec = plain_node("n");
  spec.speed = 3;  // the declared speed moves the guess, so the correction moves the other way
  fleet.put_node(kNode, spec);
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kSmall).mean, 0.3);
  EXPECT_NEAR(fleet.service(kNode, kLarge).mean, 3, 1e-12);
  EXPECT_DOUBLE_EQ(fleet.rtt_s(kNode), 0.02);
  EXPECT_NEAR(fleet.bandwidth_bytes_per_s(kNode), 5e6, 1);
}

TEST_F(OneNode, TheDeclaredLinkCountsUntilOneIsMeasured) {
  EXPECT_DOUBLE_EQ(fleet.bandwidth_bytes_per_s(kNode), 1e6);
  fleet.observe_link(kNode, 0.5, std::nullopt);
  EXPECT_DOUBLE_EQ(fleet.rtt_s(kNode), 0.5);
  EXPECT_DOUBLE_EQ(fleet.bandwidth_bytes_per_s(kNode), 1e6);
}

TEST_F(OneNode, ALinkOfNextToNothingStillHasAFiniteLatency) {
  fleet.put_node(NodeId{1}, {.name = "slow", .bandwidth_bytes_per_s = 5e-324});
  EXPECT_DOUBLE_EQ(fleet.bandwidth_bytes_per_s(NodeId{1}), 1);
  fleet.observe_link(kNode, 0.5, 5e-324);
  EXPECT_DOUBLE_EQ(fleet.bandwidth_bytes_per_s(kNode), 1);
  EXPECT_TRUE(std::isfinite(predict(fleet, kNode, kLarge, 1e12).objectives.latency_s));
}

TEST_F(OneNode, FiguresThatMakeNoSenseCountAsDefaults) {
  NodeSpec spec = plain_node("n");
  spec.slots = 0;
  spec.speed = -1;
  spec.bandwidth_bytes_per_s = 0;
  spec.power.busy_w = NAN;
  fleet.put_node(NodeId{1}, NodeSpec{.name = "n2"});
  fleet.put_node(kNode, spec);
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kLarge).mean, 1);
  const Prediction p = predict(fleet, kNode, kLarge, 1000);
  EXPECT_TRUE(std::isfinite(p.objectives.latency_s));
  EXPECT_EQ(p.objectives.energy_j, 0);
}

TEST_F(OneNode, LoadAddsUpAndGoesBackToExactlyNothing) {
  for (int i = 0; i < 3; ++i) {
    fleet.assigned(kNode, 0.1);
  }
  EXPECT_EQ(fleet.load(kNode).outstanding, 3U);
  EXPECT_NEAR(fleet.load(kNode).backlog_s, 0.3, 1e-12);
  for (int i = 0; i < 3; ++i) {
    fleet.released(kNode, 0.1);
  }
  EXPECT_EQ(fleet.load(kNode).outstanding, 0U);
  EXPECT_EQ(fleet.load(kNode).backlog_s, 0);
}

TEST_F(OneNode, ResidencyIsReplacedNotAdded) {
  const std::vector<VariantId> large = {kLarge};
  make_resident(fleet, kNode);
  fleet.set_resident(kNode, large);
  EXPECT_FALSE(fleet.resident(kNode, kSmall));
  EXPECT_TRUE(fleet.resident(kNode, kLarge));
}

TEST_F(OneNode, NamesFindNodesAndModels) {
  EXPECT_EQ(fleet.find_node("n"), kNode);
  EXPECT_EQ(fleet.find_model("digits")->id, kModel);
  EXPECT_EQ(fleet.find_model("letters"), nullptr);
  NodeSpec renamed = plain_node("m");
  fleet.put_node(kNode, renamed);
  EXPECT_EQ(fleet.find_node("n"), std::nullopt);
  EXPECT_EQ(fleet.find_node("m"), kNode);
  fleet.remove_node(kNode);
  EXPECT_EQ(fleet.find_node("m"), std::nullopt);
  EXPECT_EQ(fleet.node_count(), 0U);
}

TEST_F(OneNode, EnergyFollowsWhatWasMeasuredOfTheVariantOnTheNode) {
  make_resident(fleet, kNode);
  EXPECT_DOUBLE_EQ(predict(fleet, kNode, kLarge, 0).objectives.energy_j, 10) << "1 s at 10 W";
  fleet.observe_energy(kNode, kLarge, {.energy_j = 30, .service_s = 1});
  EXPECT_DOUBLE_EQ(predict(fleet, kNode, kLarge, 0).objectives.energy_j, 30);
  fleet.observe_service(kNode, kLarge, 0.5);
  EXPECT_DOUBLE_EQ(predict(fleet, kNode, kLarge, 0).objectives.energy_j, 15)
      << "its time is learned apart";
  for (int i = 0; i < 50; ++i) {
    fleet.observe_energy(kNode, kLarge, {.energy_j = 10, .service_s = 0.5});
  }
  EXPECT_NEAR(predict(fleet, kNode, kLarge, 0).objectives.energy_j, 10, 0.5);
}

TEST_F(OneNode, EnergyOfVariantsThatWereNotMeasuredFollowsTheOthers) {
  make_resident(fleet, kNode);
  fleet.observe_energy(kNode, kLarge, {.energy_j = 30, .service_s = 1});
  EXPECT_DOUBLE_EQ(predict(fleet, kNode, kSmall, 0).objectives.energy_j, 3) << "0.1 s at 30 W";
  fleet.observe_energy(kNode, kSmall, {.energy_j = 2, .service_s = 0.1});
  EXPECT_NEAR(predict(fleet, kNode, kSmall, 0).objectives.energy_j, 2, 1e-6);
  EXPECT_NEAR(predict(fleet, kNode, kLarge, 0).objectives.energy_j, 30, 1e-6);
}

TEST_F(OneNode, TheEnergyOfRunsShorterThanASensorsStepsIsLearnedFromManyTogether) {
  // A counter that moves every 10 ms, and runs of 1 ms at 40 W: nine see nothing, one sees 0.4 J.
  for (int i = 0; i < 1000; ++i) {
    fleet.observe_energy(kNode, kSmall, {.energy_j = i % 10 == 9 ? 0.4 : 0, .service_s = 0.001});
  }
  EXPECT_NEAR(fleet.measured_w(kNode, kSmall), 40, 1);
}

TEST_F(OneNode, EnergyOfTheTransferIsNotTakenForTheRuns) {
  NodeSpec spec = plain_node("n");
  spec.power.transfer_j_per_byte = 0.01;
  fleet.put_node(kNode, spec);
  fleet.observe_energy(kNode, kSmall, {.energy_j = 12, .service_s = 0.2, .input_bytes = 1000});
  EXPECT_DOUBLE_EQ(fleet.measured_w(kNode, kSmall), 10);
}

TEST_F(OneNode, EnergyThatMakesNoSenseTeachesNothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  fleet.observe_energy(kNode, kSmall, {.energy_j = nan, .service_s = 1});
  fleet.observe_energy(kNode, kSmall, {.energy_j = 5, .service_s = 0});
  EXPECT_EQ(fleet.measured_w(kNode, kSmall), 0);
  fleet.observe_energy(kNode, VariantId{99}, {.energy_j = 5, .service_s = 1});
}

TEST_F(OneNode, AVariantThatIsGoneIsForgotten) {
  make_resident(fleet, kNode);
  fleet.observe_service(kNode, kSmall, 0.3);
  fleet.assigned(kNode, 0.3);
  fleet.put_model(
      {.id = kModel, .name = "digits", .engine = "torch"},
      {{.id = kLarge, .model = kModel, .name = "large", .accuracy = 0.95, .reference_s = 1}});
  EXPECT_DOUBLE_EQ(fleet.service(kNode, kLarge).mean, 1) << "corrected by nobody any more";
  EXPECT_TRUE(fleet.resident(kNode, kLarge));
  fleet.observe_service(kNode, kSmall, 0.2);  // a late result teaches nothing
  fleet.released(kNode, 0.3);
  EXPECT_EQ(fleet.load(kNode).outstanding, 0U);
  fleet.remove_model(kModel);
  EXPECT_EQ(fleet.find_model("digits"), nullptr);
}

TEST_F(OneNode, UnknownIdsAreProgrammerErrors) {
  EXPECT_DEATH(fleet.load(NodeId{9}), "no node with this id");
  EXPECT_DEATH((void)fleet.service(kNode, VariantId{9}), "no variant with this id");
  EXPECT_DEATH(fleet.released(kNode, 1), "only what was assigned");
}

TEST(Memory, AVariantThatTurnedOutTooLargeForANodeDoesNotFitThere) {
  constexpr NodeId kHere{0};
  Fleet fleet;
  put_digits(fleet);
  put_ready(fleet, kHere, plain_node("n"));
  fleet.observe_memory(kHere, kSmall, 1'000'000'000);
  EXPECT_TRUE(fleet.fits(kHere, fleet.variant(kSmall)));
  fleet.observe_memory(kHere, kSmall, 1'000'000'001);
  EXPECT_FALSE(fleet.fits(kHere, fleet.variant(kSmall)));
  EXPECT_TRUE(fleet.fits(kHere, fleet.variant(kLarge)));

  NodeSpec larger = plain_node("n");
  larger.memory_bytes *= 2;
  fleet.put_node(kHere, larger);
  EXPECT_TRUE(fleet.fits(kHere, fleet.variant(kSmall)));
}

}  // namespace
}  // namespace skerry::scheduler
