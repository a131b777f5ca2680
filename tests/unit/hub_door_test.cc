// Tests of the agents' port with TLS: who comes in, whose words they are, and what ends a connection.

#include "common/digest.h"
#include "tests/unit/hub_door_world.h"

namespace skerry::hub {
namespace {

// ---- who comes in

TEST_F(HubDoorTest, TakesNobodyWithoutACertificateOfAMemberAndHttp2) {
  start();
  const pki::Authority other = pki::Authority::make(door::TlsWorld::kDomain, tls_.now());
  const std::uint64_t accepted = count(DoorCount::kAccepted);
  expect_refused({});                                           // no certificate
  expect_refused({.identity = tls_.node_of(other, "edge-1")});  // another authority's
  expect_refused({.identity = tls_.keys().identity});           // a controller's
  expect_refused({.identity = tls_.node("edge-1"), .version = TLS1_1_VERSION});
  expect_refused({.identity = tls_.node("edge-1"), .alpn = "http/1.1"});
  expect_refused({.identity = tls_.node("edge-1"), .alpn = ""});
  await(DoorCount::kFailed, 6);
  EXPECT_EQ(count(DoorCount::kAccepted), accepted + 6);
  EXPECT_EQ(count(DoorCount::kPassed), 0u);
  expect_service();
}

TEST_F(HubDoorTest, TakesNobodyWhoseCertificateHasExpired) {
  start();
  const pki::TlsIdentity identity = tls_.node_of(tls_.authority(), "edge-1", minutes(1));
  clock_.advance(minutes(2));
  expect_refused({.identity = identity});
  await(DoorCount::kFailed, 1);
  EXPECT_EQ(count(DoorCount::kPassed), 0u);
}

TEST_F(HubDoorTest, TakesTls12ToTheSameEnd) {
  start();
  DoorClient client(hub_->port());
  ASSERT_TRUE(client.shake_hands({.identity = tls_.node("edge-1"), .version = TLS1_2_VERSION}));
  EXPECT_TRUE(client.send(door::beginning()));
  EXPECT_FALSE(client.receive().empty());  // gRPC's own settings
  expect_refused({.identity = std::nullopt, .version = TLS1_2_VERSION});
}

TEST_F(HubDoorTest, TakesNobodyWhoIsRevoked) {
  start();
  tls_.members.revoke("edge-1");
  expect_refused({.identity = tls_.node("edge-1")});
  await(DoorCount::kNotAdmitted, 1);
  EXPECT_EQ(count(DoorCount::kPassed), 0u);
  expect_service();
}

TEST_F(HubDoorTest, ARevocationEndsTheLiveConnectionsOfThatNodeAndNoOthers) {
  start();
  TestAgent agent = dial("edge-1");
  TestAgent other = dial("edge-2");
  const SessionId session = welcome(agent, "edge-1");
  welcome(other, "edge-2");
  const auto bulk = client("edge-1");
  await(DoorCount::kPassed, 3);
  tls_.members.revoke("edge-1");
  hub_->disconnect("edge-1");
  EXPECT_EQ(gateway_.next_as<core::SessionClosed>().session, session);
  bulk->wait_for_end();
  EXPECT_EQ(agent.end().error_code(), grpc::StatusCode::UNAVAILABLE);
  other.say(credits_message(7));
  EXPECT_EQ(gateway_.next_as<core::CreditsChanged>().capacity, 7u);
  EXPECT_EQ(count(DoorCount::kDisconnected), 2u);
}

TEST_F(HubDoorTest, ARevocationThatWasOnlyNotedEndsASessionAtItsNextHeartbeat) {
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  tls_.members.revoke("edge-1");
  agent.say(heartbeat_message(1));
  EXPECT_EQ(agent.hear().refused().code(), "permission_denied");
  EXPECT_EQ(agent.end().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(gateway_.next_as<core::SessionClosed>().session, session);
}

TEST_F(HubDoorTest, AConnectionEndsWhenItsCertificateExpires) {
  start();
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  clock_.advance(hours(25));
  EXPECT_EQ(gateway_.next_as<core::SessionClosed>().session, session);
  await(DoorCount::kExpired, 1);
}

// ---- whose words they are

TEST_F(HubDoorTest, AHelloOfAnotherNodeIsRefused) {
  start();
  TestAgent agent = dial("edge-1");
  agent.say(hello_message("edge-2"));
  const v1::ControllerMessage refusal = agent.hear();
  EXPECT_EQ(refusal.refused().code(), "permission_denied");
  EXPECT_THAT(refusal.refused().message(), testing::HasSubstr("certificate is node 'edge-1''s"));
  EXPECT_EQ(agent.end().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(gateway_.all().empty());
}

TEST_F(HubDoorTest, ACallThatNamesItsOwnConnectionIsNobodys) {
  start();
  const std::string digest = blobs_->put("content")->digest();
  for (const std::string& secret : {std::string(32, '0'), std::string(), std::string("fd:9")}) {
    TestAgent agent = dial();
    grpc::ClientContext context;
    context.AddMetadata(std::string(door::kCallerField), secret);
    v1::FetchRequest request;
    request.set_digest(digest);
    const auto stream = agent.stub().Fetch(&context, request);
    v1::Chunk chunk;
    EXPECT_FALSE(stream->Read(&chunk));
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
    grpc::ClientContext session;
    session.AddMetadata(std::string(door::kCallerField), secret);
    EXPECT_EQ(agent.stub().Session(&session)->Finish().error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
  EXPECT_TRUE(gateway_.all().empty());
}

// A stolen key reads nothing but what its node has to do with, and that answer is as of what is not there.
TEST_F(HubDoorTest, ANodeFetchesOnlyWhatItHasToDoWith) {
  const std::string mine = blobs_->put("mine")->digest();
  const std::string theirs = blobs_->put("another tenant's")->digest();
  may_fetch_ = [mine](const std::string& node, const std::string& digest,
                      std::move_only_function<void(bool)> answer) {
    answer(node == "edge-1" && digest == mine);
  };
  start();
  TestAgent agent = dial("edge-1");
  const auto fetch = [&](const std::string& digest) {
    grpc::ClientContext context;
    v1::FetchRequest request;
    request.set_digest(digest);
    const auto stream = agent.stub().Fetch(&context, request);
    v1::Chunk chunk;
    std::string bytes;
    while (stream->Read(&chunk)) {
      bytes += chunk.data();
    }
    return std::pair(bytes, stream->Finish());
  };
  EXPECT_EQ(fetch(mine).first, "mine");
  const auto [bytes, refused] = fetch(theirs);
  EXPECT_EQ(bytes, "");
  const grpc::Status absent = fetch("sha256:" + std::string(64, '0')).second;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(absent.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(HubDoorTest, AFetchThatIsNeverAnsweredEndsWithTheHub) {
  may_fetch_ = [](const std::string&, const std::string&, std::move_only_function<void(bool)>) {};
  start();
  TestAgent agent = dial("edge-1");
  grpc::ClientContext context;
  v1::FetchRequest request;
  request.set_digest(blobs_->put("x")->digest());
  const auto stream = agent.stub().Fetch(&context, request);
  while (hub_->count(Count::kTransfers) == 0) {
    std::this_thread::yield();
  }
  hub_->stop();
  v1::Chunk chunk;
  EXPECT_FALSE(stream->Read(&chunk));
  EXPECT_FALSE(stream->Finish().ok());
}

// A block that ends in the middle of a field swallows what the door adds.
TEST_F(HubDoorTest, ACallWhoseHeaderBlockEndsInsideAFieldReachesNobody) {
  start();
  const auto hostile = client();
  // Indexed: ":method: POST" (3), ":scheme: http" (6), ":path" as a literal (4), and a literal that says it
  // is longer than the block.
  const std::string path = "/skerry.v1.AgentLink/Session";
  const std::string block = std::string("\x83\x86\x04") + static_cast<char>(path.size()) + path +
                            "\x10\x01x\x40" + "short";
  hostile->send(door::beginning() + frame(door::kHeaders, door::kEndHeaders, 1, block));
  hostile->wait_for_end();  // gRPC cannot read it
  EXPECT_TRUE(gateway_.all().empty());
  expect_service();
}

// Descriptors' numbers come back; identities must not.
TEST_F(HubDoorTest, EveryCallIsOfTheNodeOfItsOwnConnectionHoweverConnectionsComeAndGo) {
  start();
  std::vector<std::jthread> agents;
  std::atomic<int> denied = 0;
  constexpr int kNodes = 4;
  constexpr int kRounds = 15;
  for (int i = 0; i < kNodes; ++i) {
    agents.emplace_back([this, i, &denied] {
      const std::string own = "edge-" + std::to_string(i);
      const std::string others = "edge-" + std::to_string((i + 1) % kNodes);
      for (int round = 0; round < kRounds; ++round) {
        TestAgent agent = dial(own);
        agent.say(hello_message(round % 2 == 0 ? own : others));
        if (round % 2 == 1) {
          agent.hear();  // the refusal; the end comes behind it
          denied += agent.end().error_code() == grpc::StatusCode::PERMISSION_DENIED ? 1 : 0;
        }
        agent.cancel();
      }
    });
  }
  agents.clear();
  EXPECT_EQ(denied, kNodes * (kRounds / 2));
  await_empty();
}

// ---- keys that change, and the end

TEST_F(HubDoorTest, ARotationTakesNewAuthoritiesInAndEndsThoseThatAreForgotten) {
  start();
  const pki::Authority next = pki::Authority::make(door::TlsWorld::kDomain, tls_.now());
  const pki::Certificate old_one = tls_.authority().certificate();
  TestAgent old_agent = dial("edge-1");
  const SessionId session = welcome(old_agent, "edge-1");
  expect_refused({.identity = tls_.node_of(next, "edge-2")});

  ASSERT_TRUE(hub_->set_keys(tls_.keys_of(tls_.authority(), {old_one, next.certificate()})));
  DoorClient new_client(hub_->port());
  // The new keys are those of handshakes that begin later, so ask until they are.
  const std::uint64_t passed = count(DoorCount::kPassed);
  std::vector<std::unique_ptr<DoorClient>> asking;
  while (count(DoorCount::kPassed) == passed) {
    asking.push_back(std::make_unique<DoorClient>(hub_->port()));
    asking.back()->shake_hands({.identity = tls_.node_of(next, "edge-2")});
    asking.back()->send(door::beginning());
    asking.back()->receive();
    ASSERT_LT(asking.size(), 50u);
  }
  old_agent.say(credits_message(2));
  EXPECT_EQ(gateway_.next_as<core::CreditsChanged>().capacity, 2u);

  ASSERT_TRUE(hub_->set_keys(tls_.keys_of(next, {next.certificate()})));
  EXPECT_EQ(gateway_.next_as<core::SessionClosed>().session, session);
  expect_refused({.identity = tls_.node("edge-1")});
  EXPECT_FALSE(asking.back()->send("") && count(DoorCount::kConnections) == 0);
}

TEST_F(HubDoorTest, StopsWhileHandshakesAndConnectionsAreUnderWay) {
  start();
  TestAgent agent = dial();
  welcome(agent);
  const auto idle = client("edge-2");
  DoorClient silent(hub_->port());
  await(DoorCount::kHandshakes, 1);
  hub_->stop();
  silent.wait_for_end();
  idle->wait_for_end();
  EXPECT_EQ(agent.end().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(count(DoorCount::kConnections), 0u);
  EXPECT_EQ(count(DoorCount::kHandshakes), 0u);
}

TEST_F(HubDoorTest, CarriesMoreThanItsBuffersBothWaysAtOnce) {
  start();
  std::string bytes(6 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 131 + i / 1021);
  }
  const std::string digest = blobs_->put(bytes)->digest();
  TestAgent agent = dial();
  std::jthread fetching([&] {
    grpc::ClientContext context;
    v1::FetchRequest request;
    request.set_digest(digest);
    const auto stream = agent.stub().Fetch(&context, request);
    std::string fetched;
    v1::Chunk chunk;
    while (stream->Read(&chunk)) {
      fetched += chunk.data();
    }
    EXPECT_TRUE(stream->Finish().ok());
    EXPECT_EQ(fetched, bytes);
  });
  std::string other = bytes;
  other[5] = '!';
  grpc::ClientContext context;
  v1::UploadReply reply;
  const auto stream = agent.stub().Upload(&context, &reply);
  v1::UploadChunk chunk;
  chunk.set_digest(sha256_digest(other));
  for (std::size_t at = 0; at < other.size(); at += 100'000) {
    chunk.set_data(other.substr(at, 100'000));
    ASSERT_TRUE(stream->Write(chunk));
    chunk.clear_digest();
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(reply.size_bytes(), other.size());
  EXPECT_GT(count(DoorCount::kBytesIn), other.size());
  EXPECT_GT(count(DoorCount::kBytesOut), bytes.size());
}

// What the door holds back for the next frame goes out by itself if there is none.
TEST_F(HubDoorTest, AWindowUpdateThatNothingFollowsArrives) {
  start();
  const auto uploader = client();
  v1::UploadChunk chunk;
  chunk.set_digest(sha256_digest("never whole"));
  chunk.set_data(std::string(100, 'x'));
  const std::string message = chunk.SerializeAsString();
  const std::string prefix{'\0', '\0', '\0', '\0', static_cast<char>(message.size())};
  begin(*uploader);
  uploader->send(frame(door::kHeaders, door::kEndHeaders, 1, door::call_block("Upload")) +
                 frame(door::kData, 0, 1, prefix + message));
  // The head of an update of that stream, and of a ping, which comes after 10 s.
  const std::string heard = hear(*uploader, std::string("\0\0\4\x08\0\0\0\0\1", 9));
  EXPECT_FALSE(heard.contains(std::string("\0\0\x08\x06", 4))) << "it had to wait for a ping";
}

TEST_F(HubDoorTest, NeedsSomebodyWhoKnowsTheMembers) {
  options_.tls = HubTls{.keys = tls_.keys()};
  auto hub = Hub::start(options_, gateway_, *blobs_, models_, clock_, *log_);
  ASSERT_FALSE(hub);
  EXPECT_EQ(hub.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(HubDoorTest, ListensOnAddressesOfOtherMachinesToo) {
  options_.listen = "0.0.0.0";
  start();
  expect_service();
}

TEST_F(HubDoorTest, SaysThatAnAddressIsNoneOrTaken) {
  start();
  HubOptions taken = options_;
  taken.port = hub_->port();
  auto second = Hub::start(taken, gateway_, *blobs_, models_, clock_, *log_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  taken.listen = "no address";
  EXPECT_EQ(Hub::start(taken, gateway_, *blobs_, models_, clock_, *log_).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace skerry::hub
