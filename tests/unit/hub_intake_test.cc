// Tests of what bounds the way from an agent to the core.

#include <thread>

#include "tests/unit/hub_fixture.h"

namespace skerry::hub {
namespace {

TEST_P(HubTest, ReadsAFloodingAgentOnlyAsFastAsTheCoreAppliesItAndOthersAtOnce) {
  constexpr std::uint32_t kFlood = 1000;
  options_.intake.messages = 16;
  start();
  TestAgent flooding = dial();
  flooding.say(hello_message("edge-1"));
  for (std::uint32_t i = 1; i <= kFlood; ++i) {
    flooding.say(i % 2 == 0 ? heartbeat_message(i) : credits_message(i));
  }
  while (hub_->count(Count::kHeld) == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(gateway_.all().size(), options_.intake.messages + 1) << "no read is under way any more";

  TestAgent calm = dial("edge-2");
  calm.say(hello_message("edge-2"));
  while (gateway_.all().size() == options_.intake.messages + 1) {
    std::this_thread::yield();
  }
  EXPECT_EQ(std::get<core::AgentHello>(gateway_.all().back()).node.name, "edge-2");

  std::uint32_t come = 0;
  while (come < kFlood) {
    const core::Event event = gateway_.next();
    if (const auto* credits = std::get_if<core::CreditsChanged>(&event)) {
      EXPECT_EQ(credits->capacity, ++come);
    } else if (std::holds_alternative<core::AgentHeartbeat>(event)) {
      ++come;
    }
  }
  EXPECT_GT(hub_->count(Count::kReadsHeld), 1u);
}

TEST_P(HubTest, HoldsAnAgentBackByItsBytesToo) {
  options_.intake.bytes = 1000;
  start();
  TestAgent agent = dial();
  agent.say(hello_message());
  v1::AgentMessage wordy;
  wordy.mutable_returned()->mutable_attempt()->set_job_id(5);
  wordy.mutable_returned()->mutable_attempt()->set_attempt(1);
  wordy.mutable_returned()->mutable_attempt()->set_uid_low(9);
  wordy.mutable_returned()->set_reason(std::string(2000, 'x'));
  agent.say(wordy);
  agent.say(wordy);
  while (hub_->count(Count::kHeld) == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(gateway_.all().size(), 2u);
  agent.cancel();  // is noticed once the core has caught up
  while (!std::holds_alternative<core::SessionClosed>(gateway_.next())) {
  }
  EXPECT_EQ(hub_->count(Count::kHeld), 0u);
}

TEST_P(HubTest, EndsAStreamThatIsHeldWhenItStops) {
  options_.intake.messages = 1;
  start();
  TestAgent agent = dial();
  agent.say(hello_message());
  agent.say(credits_message(1));
  while (hub_->count(Count::kHeld) == 0) {
    std::this_thread::yield();
  }
  hub_->stop();
  EXPECT_EQ(hub_->count(Count::kHeld), 0u);
}

TEST_P(HubTest, EndsAStreamWhoseFrameHasTooManyMessages) {
  options_.intake.frame_messages = 4;
  start();
  TestAgent agent = dial();
  welcome(agent);
  v1::AgentFrame frame;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    *frame.add_messages() = credits_message(i);
  }
  agent.say(frame);
  const v1::ControllerMessage refusal = agent.hear();
  EXPECT_EQ(refusal.refused().seq(), 0u);
  EXPECT_EQ(refusal.refused().code(), "too_large");
  EXPECT_EQ(agent.end().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_P(HubTest, EndsTheStreamOfAFrameThatIsTooLargeAndNoOther) {
  options_.max_message_bytes = 64u << 10;
  start();
  TestAgent calm = dial();
  calm.say(hello_message("edge-1"));
  TestAgent agent = dial("edge-2");
  agent.say(hello_message("edge-2"));
  v1::AgentMessage wordy;
  wordy.mutable_returned()->mutable_attempt()->set_job_id(5);
  wordy.mutable_returned()->mutable_attempt()->set_attempt(1);
  wordy.mutable_returned()->mutable_attempt()->set_uid_low(9);
  wordy.mutable_returned()->set_reason(std::string(100u << 10, 'x'));
  agent.say(wordy);
  EXPECT_EQ(agent.hear().body_case(), v1::ControllerMessage::BODY_NOT_SET) << "it is over";
  core::Event event = gateway_.next();
  while (!std::holds_alternative<core::SessionClosed>(event)) {
    EXPECT_FALSE(std::holds_alternative<core::AttemptReturned>(event));
    event = gateway_.next();
  }
  calm.say(credits_message(3));
  EXPECT_EQ(std::get<core::CreditsChanged>(gateway_.next()).capacity, 3u);
}

}  // namespace
}  // namespace skerry::hub
