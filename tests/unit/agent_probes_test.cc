// Probes: when they run, for how long, and what they leave alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_executor_world.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using ProbesTest = ExecutorTest;

TEST_F(ProbesTest, AProbeStartsOnlyWhenIdleAndHoldsNoSlotAgainstATask) {
  fill(1);
  Probe probe{.model = "digits",
              .variant = "s",
              .manifest_json = manifest_json("noop"),
              .manifest_revision = 1,
              .runs = 2};
  executor.probe(at(seconds(0)), probe);
  executor.probe(at(seconds(0)), probe);  // once is enough
  settle(at(seconds(0)));
  EXPECT_THAT(engine.started, SizeIs(1));
  engine.succeed(1);
  settle(at(seconds(1)));
  ASSERT_THAT(engine.started, SizeIs(2));
  EXPECT_EQ(engine.started[1].second.input, nullptr);
  const RunToken probing = engine.started[1].first;
  Assign second = assignment(2);
  Assign third = assignment(3);
  assign(at(seconds(1)), second);
  assign(at(seconds(1)), third);
  ASSERT_THAT(engine.started, SizeIs(4));  // both slots are the tasks', though the probe still runs
  engine.succeed(probing);
  settle(at(seconds(2)));
  ASSERT_THAT(engine.started, SizeIs(4));  // and no second run beside them
  engine.succeed(engine.started[2].first);
  engine.succeed(engine.started[3].first);
  settle(at(seconds(3)));
  engine.succeed(probing);
  settle(at(seconds(4)));
  const auto probed = only<ProbeResult>(sent);
  ASSERT_THAT(probed, SizeIs(1));
  EXPECT_EQ(probed[0].error, "");
  EXPECT_THAT(probed[0].service, SizeIs(2));
  EXPECT_EQ(executor.running(), 0u);
}

TEST_F(ProbesTest, AProbeOfSlowForwardsEndsEarly) {
  executor.probe(at(seconds(0)), {.model = "digits",
                                  .variant = "s",
                                  .manifest_json = manifest_json("noop"),
                                  .manifest_revision = 1,
                                  .runs = 20});
  for (int i = 0; i < 20 && only<ProbeResult>(sent).empty(); ++i) {
    settle(at(seconds(i)));
    if (executor.running() > 0) {
      engine.ended.push_back({.token = engine.started.back().first,
                              .output = std::make_shared<const std::string>("o"),
                              .service = milliseconds(30)});
    }
  }
  ASSERT_THAT(only<ProbeResult>(sent), SizeIs(1));
  EXPECT_THAT(only<ProbeResult>(sent)[0].service, SizeIs(3));
}

TEST_F(ProbesTest, AProbeOfWhatShouldBeLoadedLoadsNothing) {
  executor.probe(at(seconds(0)), {.model = "digits",
                                  .variant = "s",
                                  .manifest_json = manifest_json("noop"),
                                  .manifest_revision = 1,
                                  .runs = 2,
                                  .resident_only = true});
  settle(at(seconds(0)));
  EXPECT_THAT(engine.started, IsEmpty());
  ASSERT_THAT(only<ProbeResult>(sent), SizeIs(1));
  EXPECT_THAT(only<ProbeResult>(sent)[0].error, HasSubstr("not loaded"));
}

}  // namespace
}  // namespace skerry::agent
