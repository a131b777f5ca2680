// Frames, and the hub's other small pure parts.

#include <gtest/gtest.h>

#include "controller/hub/credentials.h"
#include "controller/hub/frames.h"
#include "controller/hub/grpc_status.h"

namespace skerry::hub {
namespace {

v1::ControllerMessage cancel_of(const std::string& reason) {
  v1::ControllerMessage message;
  message.mutable_cancel()->set_reason(reason);
  return message;
}

v1::ControllerFrame parsed(const OutQueue::Frame& frame) {
  v1::ControllerFrame whole;
  EXPECT_TRUE(whole.ParseFromString(frame.bytes));
  EXPECT_EQ(static_cast<std::size_t>(whole.messages_size()), frame.messages);
  return whole;
}

TEST(OutQueue, BuildsFramesThatProtobufReads) {
  OutQueue queue({});
  ASSERT_TRUE(queue.push(cancel_of("a")));
  ASSERT_TRUE(queue.push(cancel_of(std::string(300, 'b'))));
  const v1::ControllerFrame frame = parsed(queue.take_frame());
  ASSERT_EQ(frame.messages_size(), 2);
  EXPECT_EQ(frame.messages(0).seq(), 1u);
  EXPECT_EQ(frame.messages(0).cancel().reason(), "a");
  EXPECT_EQ(frame.messages(1).seq(), 2u);
  EXPECT_EQ(frame.messages(1).cancel().reason(), std::string(300, 'b'));
  EXPECT_TRUE(queue.empty());
}

TEST(OutQueue, BoundsTheBytesOfAFrameAndSendsALargeMessageAlone) {
  OutQueue queue({.frame_bytes = 1000});
  for (const std::size_t size : {400, 400, 400, 5000, 400}) {
    ASSERT_TRUE(queue.push(cancel_of(std::string(size, 'x'))));
  }
  std::vector<int> counts;
  while (!queue.empty()) {
    counts.push_back(parsed(queue.take_frame()).messages_size());
  }
  EXPECT_EQ(counts, (std::vector<int>{2, 1, 1, 1}));
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(OutQueue, RefusesWhatIsOverItsBounds) {
  OutQueue few({.messages = 2});
  EXPECT_TRUE(few.push(cancel_of("")));
  EXPECT_TRUE(few.push(cancel_of("")));
  EXPECT_FALSE(few.push(cancel_of("")));
  EXPECT_EQ(few.messages(), 2u);
  OutQueue small({.bytes = 100});
  EXPECT_TRUE(small.push(cancel_of(std::string(80, 'x'))));
  EXPECT_FALSE(small.push(cancel_of(std::string(80, 'x'))));
  parsed(small.take_frame());
  EXPECT_TRUE(small.push(cancel_of(std::string(80, 'x')))) << "room again";
}

TEST(OutQueue, SendsTheNewestHeartbeatAcknowledgementFirst) {
  OutQueue queue({});
  v1::ControllerMessage welcome;
  welcome.mutable_welcome();
  queue.push_first(welcome);
  queue.acknowledge_heartbeat(1);
  ASSERT_TRUE(queue.push(cancel_of("a")));
  queue.acknowledge_heartbeat(2);
  const v1::ControllerFrame first = parsed(queue.take_frame());
  ASSERT_EQ(first.messages_size(), 3);
  EXPECT_TRUE(first.messages(0).has_welcome());
  EXPECT_EQ(first.messages(1).heartbeat_ack().sent_us(), 2u);
  EXPECT_EQ(first.messages(2).seq(), 3u);
  ASSERT_TRUE(queue.push(cancel_of("b")));
  queue.acknowledge_heartbeat(3);
  EXPECT_EQ(parsed(queue.take_frame()).messages(0).heartbeat_ack().sent_us(), 3u);
}

TEST(FrameReader, WalksTheMessagesAndSkipsWhatItDoesNotKnow) {
  v1::AgentFrame frame;
  frame.add_messages()->set_seq(1);
  frame.add_messages()->mutable_goodbye()->set_reason(std::string(200, 'x'));
  frame.GetReflection()->MutableUnknownFields(&frame)->AddVarint(7, 300);
  frame.GetReflection()->MutableUnknownFields(&frame)->AddLengthDelimited(8, "later");
  const std::string bytes = frame.SerializeAsString();
  FrameReader reader(bytes);
  for (const v1::AgentMessage& expected : frame.messages()) {
    const auto message = reader.next();
    ASSERT_TRUE(message && *message);
    EXPECT_EQ(**message, expected.SerializeAsString());
  }
  EXPECT_FALSE(reader.next());
}

TEST(FrameReader, SaysOnceThatAFrameIsDamagedWhereverItIsCut) {
  v1::AgentFrame frame;
  frame.add_messages()->mutable_goodbye()->set_reason(std::string(300, 'x'));
  const std::string bytes = frame.SerializeAsString();
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    FrameReader reader(std::string_view(bytes).substr(0, cut));
    const auto message = reader.next();
    ASSERT_TRUE(message) << cut;
    ASSERT_FALSE(*message) << cut;
    EXPECT_EQ(message->error().code, ErrorCode::kCorrupt);
    EXPECT_FALSE(reader.next()) << cut;
  }
}

TEST(FrameReader, ReadsNoByteOfARandomFrameTwiceAndEnds) {
  for (const std::string& bytes :
       {std::string("\0", 1), std::string(40, '\xff'), std::string("\x0a\xff\xff\xff\xff\x0f", 6),
        std::string("\x0b\x0a", 2), std::string("\x0a\x02\x0a\x0a\x0a", 5)}) {
    FrameReader reader(bytes);
    std::size_t messages = 0;
    while (reader.next()) {
      ASSERT_LE(++messages, bytes.size());
    }
  }
}

TEST(Credentials, ServesLoopbackAloneWithoutTls) {
  for (const std::string listen : {"127.0.0.1", "127.8.0.1", "localhost", "::1", "[::1]"}) {
    EXPECT_TRUE(check_secured({.listen = listen})) << listen;
  }
  for (const std::string listen : {"0.0.0.0", "10.0.0.1", "::", "example.com", ""}) {
    EXPECT_FALSE(check_secured({.listen = listen})) << listen;
    EXPECT_TRUE(check_secured({.listen = listen, .insecure_dev = true})) << listen;
  }
}

TEST(GrpcStatus, GivesEveryCodeAStatusOfItsOwnKind) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const grpc::StatusCode status = to_grpc(static_cast<ErrorCode>(code));
    EXPECT_NE(status, grpc::StatusCode::OK) << code;
    EXPECT_NE(status, grpc::StatusCode::UNKNOWN) << code;
  }
}

}  // namespace
}  // namespace skerry::hub
