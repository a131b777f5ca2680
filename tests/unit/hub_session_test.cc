#include <set>
#include <thread>

#include "tests/unit/hub_fixture.h"

namespace skerry::hub {
namespace {

// More than the network between a hub and an agent that reads nothing can hold, and less than the
// queue's bound.
constexpr std::uint64_t kMuch = 250;
const Payload& large_payload() {
  static const Payload payload = Payload::inlined(std::string(200'000, 'x'));
  return payload;
}

INSTANTIATE_TEST_SUITE_P(Ways, HubTest, testing::Values(Way::kPlain, Way::kDoor), way_name);

TEST_P(HubTest, TellsAHelloAndPassesTheWelcomeOn) {
  start();
  TestAgent agent = dial("edge-9");
  agent.say(hello_message("edge-9"));
  const auto hello = gateway_.next_as<core::AgentHello>();
  EXPECT_EQ(hello.node.name, "edge-9");
  EXPECT_EQ(hello.incarnation, 7u);

  hub_->send({hello.session, core::WelcomeAgent{.epoch = Epoch{3}, .heartbeat = seconds(2)}});
  const v1::ControllerMessage first = agent.hear();
  EXPECT_EQ(first.seq(), 1u);
  EXPECT_EQ(first.welcome().version(), 1u);
  EXPECT_EQ(first.welcome().epoch(), 3u);
  EXPECT_EQ(first.welcome().heartbeat_us(), 2'000'000u);
}

TEST_P(HubTest, EndsAStreamThatDoesNotBeginWithAHello) {
  start();
  TestAgent agent = dial();
  agent.say(heartbeat_message(1));
  const v1::ControllerMessage refusal = agent.hear();
  EXPECT_EQ(refusal.refused().seq(), 0u);
  EXPECT_EQ(refusal.refused().code(), "invalid_argument");
  EXPECT_EQ(agent.hear().body_case(), v1::ControllerMessage::BODY_NOT_SET);
  EXPECT_EQ(agent.end().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(gateway_.all().empty());
}

TEST_P(HubTest, RefusesAnAgentOfAnotherVersion) {
  start();
  TestAgent agent = dial();
  v1::AgentMessage hello = hello_message();
  hello.mutable_hello()->set_min_version(2);
  hello.mutable_hello()->set_max_version(9);
  agent.say(hello);
  EXPECT_EQ(agent.hear().refused().code(), "unsupported");
  EXPECT_EQ(agent.end().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(gateway_.all().empty());
}

TEST_P(HubTest, TakesTheNewestVersionThatBothSpeak) {
  start();
  TestAgent agent = dial();
  v1::AgentMessage hello = hello_message();
  hello.mutable_hello()->set_max_version(9);
  agent.say(hello);
  const SessionId session = gateway_.next_as<core::AgentHello>().session;
  hub_->send({session, core::WelcomeAgent{}});
  EXPECT_EQ(agent.hear().welcome().version(), 1u);
}

TEST_P(HubTest, EndsASessionThatTheCoreRefusesAfterSayingWhy) {
  start();
  TestAgent agent = dial();
  agent.say(hello_message());
  const SessionId session = gateway_.next_as<core::AgentHello>().session;
  hub_->send({session, core::RefuseAgent{Error{ErrorCode::kConflict, "a newer one is here"}}});
  const v1::ControllerMessage refusal = agent.hear();
  EXPECT_EQ(refusal.refused().seq(), 0u);
  EXPECT_EQ(refusal.refused().code(), "conflict");
  EXPECT_EQ(refusal.refused().message(), "a newer one is here");
  EXPECT_EQ(agent.end().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(gateway_.next_as<core::SessionClosed>().session, session);
}

TEST_P(HubTest, RefusesMessagesOneByOneAndGoesOn) {
  start();
  TestAgent agent = dial();
  welcome(agent);

  v1::AgentMessage unknown;
  unknown.GetReflection()->MutableUnknownFields(&unknown)->AddLengthDelimited(99, "a later kind");
  v1::AgentMessage nameless;
  nameless.mutable_started()->mutable_attempt()->set_job_id(5);
  v1::AgentFrame garbage;
  garbage.GetReflection()->MutableUnknownFields(&garbage)->AddLengthDelimited(1, "\xff\xff\xff");

  agent.say(unknown);
  agent.say(nameless);
  agent.say(hello_message());
  agent.say(garbage);
  agent.say(credits_message(11));

  const std::vector<std::pair<std::uint64_t, std::string>> expected = {
      {2, "unsupported"}, {3, "invalid_argument"}, {4, "conflict"}, {5, "invalid_argument"}};
  for (const auto& [seq, code] : expected) {
    const v1::ControllerMessage refusal = agent.hear();
    EXPECT_EQ(refusal.refused().seq(), seq);
    EXPECT_EQ(refusal.refused().code(), code) << refusal.refused().message();
  }
  EXPECT_EQ(gateway_.next_as<core::CreditsChanged>().capacity, 11u);
  EXPECT_EQ(hub_->count(Count::kMessagesRefused), 4u);
}

TEST_P(HubTest, TakesTheGoodMessagesOfAFrameWithABadOneAmongThem) {
  start();
  TestAgent agent = dial();
  welcome(agent);
  v1::AgentFrame frame;
  *frame.add_messages() = credits_message(1);
  *frame.add_messages() = credits_message(1'000'000'000);
  *frame.add_messages() = credits_message(3);
  for (int i = 0; i < 3; ++i) {
    frame.mutable_messages(i)->set_seq(static_cast<std::uint64_t>(i) + 2);
  }
  agent.say(frame);
  EXPECT_EQ(gateway_.next_as<core::CreditsChanged>().capacity, 1u);
  EXPECT_EQ(gateway_.next_as<core::CreditsChanged>().capacity, 3u);
  EXPECT_EQ(agent.hear().refused().seq(), 3u);
}

TEST_P(HubTest, KeepsTheOrderOfWhatIsSentAndNumbersIt) {
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  constexpr std::uint64_t kMessages = 2000;
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    hub_->send({session, core::AckResult{.attempt = attempt_ref(i), .committed = i % 2 == 0}});
  }
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    const v1::ControllerMessage message = agent.hear();
    ASSERT_EQ(message.seq(), i + 2);
    ASSERT_EQ(message.result_ack().attempt().job_id(), attempt_ref(i).job.value);
    ASSERT_EQ(message.result_ack().committed(), i % 2 == 0);
  }
  EXPECT_EQ(hub_->count(Count::kMessagesSent), kMessages + 1);
}

TEST_P(HubTest, SendsAManifestOncePerStreamAndRevision) {
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  for (const std::uint64_t revision : {1, 1, 2, 2, 1}) {
    hub_->send({session, core::AssignAttempt{.attempt = attempt_ref(revision),
                                             .model = "digits",
                                             .variant = "small",
                                             .manifest_revision = revision,
                                             .input = Payload::inlined("input")}});
  }
  for (const std::string expected : {"digits@1", "", "digits@2", "", "digits@1"}) {
    const v1::ControllerMessage message = agent.hear();
    EXPECT_EQ(message.assign().manifest_json(), expected);
    EXPECT_EQ(message.assign().artifact(), "artifact-of-small");
    EXPECT_EQ(message.assign().input().inline_(), "input");
  }
  TestAgent other = dial("edge-2");
  const SessionId second = welcome(other, "edge-2");
  hub_->send(
      {second, core::ProbeVariant{.model = "digits", .variant = "small", .manifest_revision = 1}});
  EXPECT_EQ(other.hear().probe().manifest_json(), "digits@1");
}

TEST_P(HubTest, LeavesOutOfStandingOrdersWhatWouldBreakTheStream) {
  options_.queue.bytes = 1000;  // 125 for the manifests of orders
  models_.manifest = std::string(50, 'm');
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  core::GiveOrders orders;
  orders.models = {{"a", 1}, {"b", 1}, {"c", 1}};
  for (int i = 0; i < 2; ++i) {
    hub_->send({session, orders});
    EXPECT_EQ(agent.hear().standing_orders().models_size(), 2);
  }
}

TEST_P(HubTest, EchoesTheNewestHeartbeat) {
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  agent.say(heartbeat_message(111));
  agent.say(heartbeat_message(222));
  EXPECT_EQ(gateway_.next_as<core::AgentHeartbeat>().session, session);
  EXPECT_EQ(gateway_.next_as<core::AgentHeartbeat>().session, session);
  hub_->send({session, core::AckHeartbeat{}});
  EXPECT_EQ(agent.hear().heartbeat_ack().sent_us(), 222u);
}

TEST_P(HubTest, WritesTheWelcomeBeforeTheRefusalOfAnEagerMessage) {
  start();
  TestAgent agent = dial();
  agent.say(hello_message());
  agent.say(credits_message(1'000'000'000));
  agent.say(credits_message(5));
  const SessionId session = gateway_.next_as<core::AgentHello>().session;
  gateway_.next_as<core::CreditsChanged>();
  hub_->send({session, core::WelcomeAgent{}});
  EXPECT_TRUE(agent.hear().has_welcome());
  EXPECT_EQ(agent.hear().refused().seq(), 2u);
}

TEST_P(HubTest, ClosesOnlyTheAgentWhoseQueueOverflows) {
  options_.queue.bytes = 1 << 20;
  start();
  TestAgent slow = dial("slow");
  TestAgent quick = dial("quick");
  const SessionId slow_session = welcome(slow, "slow");
  const SessionId quick_session = welcome(quick, "quick");
  for (std::uint64_t i = 0; i < kMuch; ++i) {
    hub_->send(
        {slow_session, core::AssignAttempt{.attempt = attempt_ref(i), .input = large_payload()}});
    hub_->send(
        {quick_session, core::AssignAttempt{.attempt = attempt_ref(i), .input = large_payload()}});
    EXPECT_EQ(quick.hear().assign().attempt().job_id(), attempt_ref(i).job.value);
  }
  EXPECT_EQ(gateway_.next_as<core::SessionClosed>().session, slow_session);
  EXPECT_EQ(hub_->count(Count::kOverflows), 1u);

  quick.say(credits_message(9));
  EXPECT_EQ(gateway_.next_as<core::CreditsChanged>().session, quick_session);
}

TEST_P(HubTest, ClosesAnAgentThatDoesNotTakeAWrite) {
  options_.write_timeout = milliseconds(20);
  options_.watch_interval = milliseconds(5);
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  for (std::uint64_t i = 0; i < kMuch; ++i) {
    hub_->send({session, core::AssignAttempt{.attempt = attempt_ref(i), .input = large_payload()}});
  }
  EXPECT_EQ(gateway_.next_as<core::SessionClosed>().session, session);
  EXPECT_EQ(hub_->count(Count::kStalls), 1u);
}

TEST_P(HubTest, ClosesAStreamThatNeverGreets) {
  options_.hello_timeout = milliseconds(20);
  options_.watch_interval = milliseconds(5);
  start();
  TestAgent agent = dial();
  EXPECT_EQ(agent.hear().body_case(), v1::ControllerMessage::BODY_NOT_SET);
  EXPECT_FALSE(agent.end().ok());
  EXPECT_TRUE(gateway_.all().empty());
}

TEST_P(HubTest, TurnsAwayMoreStreamsThanItsLimit) {
  options_.max_streams = 1;
  start();
  TestAgent first = dial();
  welcome(first);
  TestAgent second = dial();
  EXPECT_EQ(second.end().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(hub_->count(Count::kTurnedAway), 1u);
}

TEST_P(HubTest, TellsTheEndOfASessionWhenTheAgentCancels) {
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  agent.cancel();
  const auto closed = gateway_.next_as<core::SessionClosed>();
  EXPECT_EQ(closed.session, session);
  EXPECT_FALSE(closed.goodbye);
}

TEST_P(HubTest, WritesWhatIsQueuedWhenTheAgentHalfCloses) {
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  for (std::uint64_t i = 0; i < 500; ++i) {
    hub_->send({session, core::AckResult{.attempt = attempt_ref(i)}});
  }
  v1::AgentMessage goodbye;
  goodbye.mutable_goodbye()->set_reason("maintenance");
  agent.say(goodbye);
  agent.half_close();
  for (std::uint64_t i = 0; i < 500; ++i) {
    ASSERT_EQ(agent.hear().result_ack().attempt().job_id(), attempt_ref(i).job.value);
  }
  EXPECT_TRUE(agent.end().ok());
  EXPECT_TRUE(gateway_.next_as<core::SessionClosed>().goodbye);
}

TEST_P(HubTest, DropsWhatIsSentToASessionThatIsGone) {
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  agent.cancel();
  gateway_.next_as<core::SessionClosed>();
  hub_->send({session, core::AckHeartbeat{}});
  EXPECT_EQ(hub_->count(Count::kSendsDropped), 1u);
}

TEST_P(HubTest, EndsEverySessionWhenItStops) {
  start();
  TestAgent first = dial();
  TestAgent second = dial("edge-2");
  std::set<SessionId> open = {welcome(first), welcome(second, "edge-2")};
  hub_->stop();
  EXPECT_EQ(first.end().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(second.end().error_code(), grpc::StatusCode::UNAVAILABLE);
  open.erase(gateway_.next_as<core::SessionClosed>().session);
  open.erase(gateway_.next_as<core::SessionClosed>().session);
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(hub_->count(Count::kStreams), 0u);
}

TEST_P(HubTest, StopsInTimeThoughAnAgentReadsNothing) {
  options_.close_timeout = milliseconds(20);
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  for (std::uint64_t i = 0; i < kMuch; ++i) {
    hub_->send({session, core::AssignAttempt{.attempt = attempt_ref(i), .input = large_payload()}});
  }
  hub_->stop();
  EXPECT_EQ(gateway_.next_as<core::SessionClosed>().session, session);
}

// The core sends while agents come, talk, overflow and leave: for the thread sanitizer.
TEST_P(HubTest, SurvivesAgentsThatComeAndGoWhileTheCoreSends) {
  options_.queue.messages = 64;
  start();
  std::vector<std::jthread> agents;
  for (int i = 0; i < 4; ++i) {
    agents.emplace_back([this, i] {
      for (int round = 0; round < 15; ++round) {
        const std::string node = "edge-" + std::to_string(i);
        TestAgent agent = dial(node);
        agent.say(hello_message(node));
        agent.hear();  // the welcome: the core knows this session
        for (std::uint64_t beat = 0; beat < 20; ++beat) {
          agent.say(heartbeat_message(beat));
        }
        if (round % 3 == 0) {
          agent.half_close();
        } else if (round % 3 == 1) {
          agent.cancel();
        }
      }
    });
  }
  for (int closed = 0; closed < 4 * 15;) {
    const core::Event event = gateway_.next();
    const SessionId session = session_of(event);
    if (std::holds_alternative<core::AgentHello>(event)) {
      hub_->send({session, core::WelcomeAgent{}});
    } else if (std::holds_alternative<core::AgentHeartbeat>(event)) {
      hub_->send({session, core::AckHeartbeat{}});
      hub_->send({session, core::AckResult{.attempt = attempt_ref(1)}});
    } else {
      ASSERT_TRUE(std::holds_alternative<core::SessionClosed>(event));
      ++closed;
    }
  }
}

}  // namespace
}  // namespace skerry::hub
