// What a decision tells beside the choice: the scale that it was made in, and what came in lately.
#include <gtest/gtest.h>

#include "scheduler/place.h"
#include "tests/unit/scheduler_three_nodes.h"

namespace skerry::scheduler {
namespace {

using namespace testing;

TEST_F(ThreeNodes, TheScaleIsWhatAllWouldOfferHoweverLoadedTheyAre) {
  const Scale idle = placer.decide(task.view, fleet).scale;
  for (const NodeId node : {kFast, kThrifty}) {
    fleet.assigned(node, 5);
    fleet.assigned(node, 5);
  }
  const Decision& busy = placer.decide(task.view, fleet);
  EXPECT_EQ(busy.scale.ideal, idle.ideal);
  EXPECT_EQ(busy.scale.nadir, idle.nadir);
  fleet.set_capacity(kFast, 2);  // it takes no more
  const Decision& full = placer.decide(task.view, fleet);
  EXPECT_EQ(full.candidates.size(), 4U);
  EXPECT_EQ(full.scale.ideal, idle.ideal);
  EXPECT_EQ(full.scale.nadir, idle.nadir);
  fleet.set_availability(kFast, Availability::kNotReady);
  EXPECT_GT(placer.decide(task.view, fleet).scale.ideal.latency_s, idle.ideal.latency_s);
}

TEST_F(ThreeNodes, ADecisionTellsWhatCameInLately) {
  task.view.preference = {.weights = {1, 0, 0, 0}};
  task.view.waiting = 7;
  const Scale scale = placer.decide(task.view, fleet).scale;
  task.view.now += seconds(1);
  const Decision& second = placer.decide(task.view, fleet);
  EXPECT_EQ(second.waiting, 7U);
  EXPECT_EQ(second.trend.slots, 3);
  EXPECT_NEAR(second.trend.delay_price, 1 / (scale.nadir.latency_s - scale.ideal.latency_s), 1e-9);
  // The first went to the fast node for 0.01 s; half of what was seen so far is that second.
  EXPECT_NEAR(second.trend.slow_taken, 0.01 / 3, 1e-9);
}

}  // namespace
}  // namespace skerry::scheduler
