#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "scheduler/objectives.h"
#include "scheduler/pareto.h"
#include "scheduler/predict.h"
#include "scheduler/random_fleet.h"
#include "tests/unit/scheduler_world.h"

namespace skerry::scheduler {
namespace {

using namespace testing;

TEST(Wait, IsHandComputed) {
  struct Case {
    double backlog_s, outstanding, slots, expected_s;
  };
  const Case cases[] = {
      {0, 0, 1, 0},     // idle
      {2, 1, 2, 0},     // one of two slots free
      {2, 1, 1, 1},     // half of the attempt in the slot
      {6, 3, 1, 5},     // half of it, and two that wait
      {8, 4, 4, 0.25},  // one of four slots every 0.5 s, the next after half of that
      {12, 6, 4, 1.25},
  };
  for (const Case& c : cases) {
    EXPECT_DOUBLE_EQ(wait_s(c.backlog_s, c.outstanding, c.slots), c.expected_s)
        << c.backlog_s << " s of " << c.outstanding << " on " << c.slots;
  }
}

TEST(Predict, AddsUpEveryPart) {
  const Prediction p = predict(Physics{.backlog_s = 6,
                                       .outstanding = 3,
                                       .slots = 2,
                                       .rtt_s = 0.04,
                                       .bandwidth_bytes_per_s = 1e6,
                                       .input_bytes = 500'000,
                                       .load_s = 3,
                                       .load_deviation_s = 1.5,
                                       .service_s = 1,
                                       .service_deviation_s = 0.5,
                                       .busy_w = 100,
                                       .transfer_j_per_byte = 1e-6,
                                       .price_usd_per_s = 0.01,
                                       .error = 0.1});
  EXPECT_DOUBLE_EQ(p.wait_s, 1.5);       // 2 s each, (3 - 2 + 1/2) / 2 of them
  EXPECT_DOUBLE_EQ(p.transfer_s, 0.54);  // 40 ms and half a second of bytes
  EXPECT_DOUBLE_EQ(p.objectives.latency_s, 1.5 + 0.54 + 3 + 1);
  EXPECT_DOUBLE_EQ(p.objectives.energy_j, 50 * 4 + 0.5);  // half of the power, transfer
  EXPECT_DOUBLE_EQ(p.objectives.cost_usd, 0.005 * 4);
  EXPECT_DOUBLE_EQ(p.objectives.error, 0.1);
  EXPECT_DOUBLE_EQ(p.latency_deviation_s, std::sqrt(0.25 + 2.25 + 0.75 * 0.75));
}

TEST(Predict, ReadsTheFleet) {
  Fleet fleet;
  put_digits(fleet);
  NodeSpec spec = plain_node("n");
  spec.speed = 2;
  spec.rtt_s = 0.01;
  put_ready(fleet, NodeId{3}, spec);
  make_resident(fleet, NodeId{3});
  fleet.assigned(NodeId{3}, 0.5);

  const Prediction p = predict(fleet, NodeId{3}, kLarge, 1e5);
  EXPECT_DOUBLE_EQ(p.wait_s, 0.25);
  EXPECT_DOUBLE_EQ(p.transfer_s, 0.01 + 0.1);
  EXPECT_DOUBLE_EQ(p.load_s, 0);
  EXPECT_DOUBLE_EQ(p.service_s, 0.5);
  EXPECT_DOUBLE_EQ(p.objectives.energy_j, 10 * 0.5);
  EXPECT_DOUBLE_EQ(p.objectives.cost_usd, 0.001 * 0.5);
  EXPECT_DOUBLE_EQ(p.objectives.error, 1 - 0.95);
}

TEST(Predict, CountsTheLoadOfAVariantThatIsNotResident) {
  Fleet fleet;
  fleet.put_model({.id = kModel, .name = "m", .engine = "torch"}, {{.id = kSmall,
                                                                    .model = kModel,
                                                                    .name = "s",
                                                                    .accuracy = 1,
                                                                    .reference_s = 1,
                                                                    .artifact_bytes = 2'000'000,
                                                                    .memory_bytes = 40'000'000}});
  put_ready(fleet, NodeId{0}, plain_node("n"));
  // 2 MB at 1 MB/s, 0.1 s to start a runner, 40 MB at 200 MB/s.
  EXPECT_DOUBLE_EQ(predict(fleet, NodeId{0}, kSmall, 0).load_s, 2 + 0.1 + 0.2);
  fleet.observe_load(NodeId{0}, kSmall, 0.7);
  EXPECT_DOUBLE_EQ(predict(fleet, NodeId{0}, kSmall, 0).load_s, 0.7);
}

TEST(Predict, ChargesTheAttemptsOfAFullNodeWithAllThatItDraws) {
  const Prediction p = predict(Physics{.slots = 4, .service_s = 2, .busy_w = 10});
  EXPECT_DOUBLE_EQ(4 * p.objectives.energy_j, 10 * 2.0);
}

TEST(Modelled, AgreesWithThePrediction) {
  Fleet fleet;
  put_digits(fleet);
  NodeSpec spec = plain_node("n");
  spec.slots = 4;
  spec.power.transfer_j_per_byte = 1e-5;
  put_ready(fleet, NodeId{0}, spec);
  const Prediction p = predict(fleet, NodeId{0}, kLarge, 1e5);
  const double busy_s = p.load_s + p.service_s;
  EXPECT_DOUBLE_EQ(modelled_energy_j(spec, busy_s, 1e5), p.objectives.energy_j);
  EXPECT_DOUBLE_EQ(modelled_cost_usd(spec, busy_s), p.objectives.cost_usd);
}

TEST(Preference, IsScaledToSumOne) {
  const Result<Preference> preference = make_preference({2, 1, 1, 0});
  ASSERT_TRUE(preference.has_value());
  EXPECT_EQ(preference->weights, (std::array<double, 4>{0.5, 0.25, 0.25, 0}));
}

TEST(Preference, SurvivesHugeWeights) {
  const Result<Preference> preference = make_preference({1e308, 1e308, 1e308, 1e308});
  ASSERT_TRUE(preference.has_value());
  EXPECT_EQ(preference->weights, (std::array<double, 4>{0.25, 0.25, 0.25, 0.25}));
}

TEST(Preference, NamesTheWeightThatIsWrong) {
  const Result<Preference> negative = make_preference({0, -1, 0, 1});
  ASSERT_FALSE(negative.has_value());
  EXPECT_EQ(negative.error().code, ErrorCode::kInvalidArgument);
  ASSERT_EQ(negative.error().fields.size(), 1U);
  EXPECT_EQ(negative.error().fields[0].field, "/preference/energy");

  const Result<Preference> not_a_number = make_preference({1, 1, NAN, 1});
  ASSERT_FALSE(not_a_number.has_value());
  EXPECT_EQ(not_a_number.error().fields[0].field, "/preference/cost");

  const Result<Preference> nothing = make_preference({0, 0, 0, 0});
  ASSERT_FALSE(nothing.has_value());
  EXPECT_EQ(nothing.error().fields[0].field, "/preference");
}

TEST(Preference, PresetsSumToOneAndAreFoundByName) {
  for (const PreferencePreset& candidate : presets()) {
    double sum = 0;
    for (const double weight : candidate.preference.weights) {
      sum += weight;
    }
    EXPECT_NEAR(sum, 1, 1e-12) << candidate.name;
    EXPECT_EQ(preset(candidate.name), candidate.preference);
  }
  EXPECT_EQ(preset("quick"), std::nullopt);
  EXPECT_EQ(preset("green")->weights[static_cast<std::size_t>(Objective::kEnergy)], 0.94);
}

TEST(Dominates, NeedsToBeBetterSomewhere) {
  const Objectives a{1, 1, 1, 1};
  EXPECT_FALSE(dominates(a, a));
  EXPECT_TRUE(dominates(a, {1, 1, 1, 2}));
  EXPECT_FALSE(dominates(a, {0.5, 1, 1, 2}));
}

TEST(Scale, SpansTheNonDominated) {
  const std::vector<Objectives> candidates = {
      {1, 10, 1, 0.1}, {2, 5, 1, 0.1}, {9, 50, 9, 0.9}};  // the last is dominated
  const Scale scale = scale_of(candidates);
  EXPECT_EQ(scale.ideal, (Objectives{1, 5, 1, 0.1}));
  EXPECT_EQ(scale.nadir, (Objectives{2, 10, 1, 0.1}));
  EXPECT_EQ(scale.normalise(candidates[0]), (Objectives{0, 1, 0, 0}));
  EXPECT_EQ(scale.normalise(candidates[2]).latency_s, 8) << "beyond 1 where dominated";
  EXPECT_EQ(scale.normalise(candidates[2]).cost_usd, 0) << "0 where there is no range";
}

Objectives random_objectives(Random& random) {
  // Few values each, so that ties and equals happen.
  return {static_cast<double>(random.below(6)), static_cast<double>(random.below(6)),
          static_cast<double>(random.below(4)), static_cast<double>(random.below(3))};
}

TEST(Front, HoldsExactlyTheNonDominated) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    std::vector<Objectives> all;
    all.reserve(40);
    Front front;
    for (std::uint32_t i = 0; i < 40; ++i) {
      all.push_back(random_objectives(random));
      front.add(all.back(), i);
    }
    std::vector<bool> member(all.size());
    for (const Front::Member& m : front.members()) {
      member[m.candidate] = true;
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool dominated = std::ranges::any_of(
          all, [&](const Objectives& other) { return dominates(other, all[i]); });
      EXPECT_EQ(member[i], !dominated) << "seed " << seed << " candidate " << i;
    }
  }
}

TEST(Front, ItsWideScaleLeavesNoRangeAtNothing) {
  Front front;
  front.add({2, 4, 0, 0.1}, 0);  // dominates the other
  front.add({10, 4, 6, 0.1}, 1);
  EXPECT_EQ(front.scale().nadir, front.scale().ideal);
  const Scale wide = front.wide_scale();
  EXPECT_EQ(wide.ideal, (Objectives{2, 4, 0, 0.1}));
  EXPECT_DOUBLE_EQ(wide.nadir.latency_s, 2 + 0.1 * 6);  // a tenth of the mean
  EXPECT_DOUBLE_EQ(wide.nadir.energy_j, 4 * 1.25);      // a quarter of the ideal
  EXPECT_DOUBLE_EQ(wide.nadir.cost_usd, 0.1 * 3);       // though the ideal is free
  EXPECT_DOUBLE_EQ(wide.nadir.error, 0.11);
  front.clear();
  front.add({1, 1, 1, 0.5}, 0);
  front.add({9, 0.5, 1, 0.5}, 1);
  EXPECT_EQ(front.wide_scale().nadir.latency_s, 9) << "what is wide already stays";
}

TEST(Scale, AWeightMeansTheSameWhateverTheUnits) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const Preference preference = random_preference(random);
    std::vector<Objectives> joules;
    joules.reserve(20);
    for (int i = 0; i < 20; ++i) {
      joules.push_back(
          {random.uniform(0, 1), random.uniform(0, 1), random.uniform(0, 1), random.uniform(0, 1)});
    }
    std::vector<Objectives> millijoules = joules;
    for (Objectives& o : millijoules) {
      o.energy_j *= 1000;
    }
    const Scale a = scale_of(joules);
    const Scale b = scale_of(millijoules);
    for (std::size_t i = 0; i < joules.size(); ++i) {
      EXPECT_NEAR(weighted_sum(preference, a.normalise(joules[i])),
                  weighted_sum(preference, b.normalise(millijoules[i])), 1e-9);
    }
  }
}

}  // namespace
}  // namespace skerry::scheduler
