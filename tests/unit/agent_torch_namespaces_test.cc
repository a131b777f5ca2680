// The torch engine's processes belong to one namespace's jobs.

#include "tests/unit/agent_torch_world.h"

namespace skerry::agent {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(TorchTest, AProcessServesOneNamespaceOnly) {
  Work vision = work("s");
  vision.ns = "vision";
  Work audio = vision;
  audio.ns = "audio";
  const RunnerId first = idle(at(seconds(0)), 1, vision);
  const RunnerId second = idle(at(seconds(1)), 2, audio);
  EXPECT_NE(first, second);
  start(at(seconds(2)), 3, vision);
  EXPECT_EQ(std::get<runner::Run>(runners.frames[first].back()).id, 3u);
  // One that runs for another namespace is nothing to wait for: there is no room beside it, or it gets its own.
  start(at(seconds(3)), 4, audio);
  EXPECT_EQ(std::get<runner::Run>(runners.frames[second].back()).id, 4u);
  EXPECT_THAT(runners.spawned, ElementsAre(first, second));
}

TEST_F(TorchTest, AProcessThatWasOnlyProbedIsAnybodysOnce) {
  const RunnerId probed = idle(at(seconds(0)), 1, work("s"));
  Work vision = work("s");
  vision.ns = "vision";
  start(at(seconds(1)), 2, vision);
  ran(at(seconds(1)), probed, 2);
  EXPECT_THAT(runners.spawned, SizeIs(1));
  Work audio = vision;
  audio.ns = "audio";
  start(at(seconds(2)), 3, audio);
  EXPECT_THAT(runners.spawned, SizeIs(2));
  // And a probe, which brings no inputs, takes what is there.
  start(at(seconds(3)), 4, work("s"));
  EXPECT_EQ(std::get<runner::Run>(runners.frames[probed].back()).id, 4u);
}

TEST_F(TorchTest, ProcessesAreSharedBetweenNamespacesWhereThatIsAllowed) {
  TorchEngine sharing(
      {.memory_bytes = 250u << 20, .overhead_bytes = 100u << 20, .shares_runners = true}, runners,
      quiet_log());
  Work next = work("s");
  next.ns = "vision";
  ASSERT_EQ(sharing.admit(at(seconds(0)), next).admission, Admission::kNow);
  sharing.start(at(seconds(0)), 1, next);
  sharing.received(at(seconds(0)), 1, runner::Loaded{.memory_bytes = 1, .device = "cpu"});
  sharing.received(at(seconds(0)), 1, runner::Ran{.id = 1, .outputs = encode_values({})});
  next.ns = "audio";
  ASSERT_EQ(sharing.admit(at(seconds(1)), next).admission, Admission::kNow);
  sharing.start(at(seconds(1)), 2, next);
  EXPECT_THAT(runners.spawned, SizeIs(1));
}

}  // namespace
}  // namespace skerry::agent
