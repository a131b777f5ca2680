// Tests of the agents' port under attack: from outside, and by a node that is in.

#include <functional>

#include "tests/unit/hub_door_world.h"

namespace skerry::hub {
namespace {

// ---- before somebody has proved who it is

TEST_F(HubDoorTest, AHandshakeThatTakesTooLongIsCutAndOthersGoOn) {
  door_limits_.handshakes.timeout =
      seconds(1);  // an honest one takes less, with the sanitizers, too
  start();
  std::vector<std::unique_ptr<DoorClient>> silent;
  for (int i = 0; i < 10; ++i) {
    silent.push_back(std::make_unique<DoorClient>(hub_->port()));
    silent.back()->send(std::string("\x16\x03\x01\x00\xc8", 5));  // the beginning of a hello
  }
  expect_service();
  for (const auto& one : silent) {
    one->wait_for_end();
  }
  await(DoorCount::kTimedOut, 10);
}

TEST_F(HubDoorTest, HandshakesUnderWayAreBoundedAndTheOldestMakesRoom) {
  door_limits_.handshakes.total = 8;
  start();
  std::vector<std::unique_ptr<DoorClient>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<DoorClient>(hub_->port()));
  }
  await(DoorCount::kTimedOut, 12);
  silent.front()->wait_for_end();
  EXPECT_LE(count(DoorCount::kHandshakes), 8u);
  expect_service();
}

TEST_F(HubDoorTest, HandshakesOfOneAddressAreBounded) {
  door_limits_.handshakes.per_address = 4;
  start();
  std::vector<std::unique_ptr<DoorClient>> silent;
  for (int i = 0; i < 10; ++i) {
    silent.push_back(std::make_unique<DoorClient>(hub_->port()));
  }
  await(DoorCount::kFull, 6);
  EXPECT_EQ(count(DoorCount::kHandshakes), 4u);
}

TEST_F(HubDoorTest, AHandshakeOfTooManyBytesIsCut) {
  door_limits_.handshakes.bytes = 8 << 10;
  start();
  DoorClient wordy(hub_->port());
  // Records of a handshake message that is said to be large (RFC 8446 4 and 5.1).
  std::string record("\x16\x03\x01\x20\x00\x01\x00\xff\xff", 9);
  record.resize(5 + 0x2000, 'x');
  for (int i = 0; i < 100 && wordy.send(record); ++i) {
  }
  wordy.wait_for_end();
  await_empty();
  EXPECT_EQ(count(DoorCount::kTimedOut) + count(DoorCount::kFailed), 1u);
}

TEST_F(HubDoorTest, AnAddressThatSpeaksGarbageIsBannedForAWhile) {
  door_limits_.handshakes.failures = {.per_s = 1, .burst = 20};
  start();
  const std::vector<std::string> garbage = {
      "GET / HTTP/1.1\r\n\r\n", door::beginning(), std::string(5000, '\0'),
      std::string("\x80\x2e\x01\x00\x02", 5) + std::string(44, '\0'),
      std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10)};
  for (int i = 0; count(DoorCount::kBans) == 0; ++i) {
    ASSERT_LT(i, 1000);
    DoorClient client(hub_->port());
    client.send(garbage[static_cast<std::size_t>(i) % garbage.size()]);
    client.wait_for_end();
  }
  EXPECT_GE(count(DoorCount::kFailed), 20u);
  DoorClient banned(hub_->port());
  banned.wait_for_end();
  await(DoorCount::kBanned, 1);
  clock_.advance(door_limits_.ban);
  expect_service();
}

// ---- who is in and breaks the rules

struct Attack {
  const char* name;
  Breach breach;
  std::function<std::string(std::uint32_t)> frame_of;  // the Nth
};

class HubDoorAttackTest : public HubDoorTest, public testing::WithParamInterface<Attack> {};

TEST_P(HubDoorAttackTest, IsCutBannedAndNoticedByNobodyElse) {
  start();
  TestAgent honest = dial("honest");
  welcome(honest, "honest");
  const auto hostile = client("hostile");
  hostile->send(door::beginning());
  std::string burst;
  std::uint32_t i = 0;
  while (count(GetParam().breach) == 0) {
    burst.clear();
    while (burst.size() < 4096) {
      burst += GetParam().frame_of(i++);
    }
    ASSERT_LT(i, 10'000'000u);
    if (!hostile->send(burst)) {
      break;
    }
  }
  hostile->wait_for_end();
  await(DoorCount::kBans, 1);  // counted after the breach
  EXPECT_EQ(count(GetParam().breach), 1u);

  expect_refused({.identity = tls_.node("hostile")});  // whatever its certificate
  await(DoorCount::kBanned, 1);
  honest.say(credits_message(5));
  EXPECT_EQ(gateway_.next_as<core::CreditsChanged>().capacity, 5u);
  clock_.advance(door_limits_.ban);
  expect_service("hostile");
}

const std::string kEight(8, '\0');
INSTANTIATE_TEST_SUITE_P(
    Attacks, HubDoorAttackTest,
    testing::Values(
        Attack{"GiantFrame", Breach::kFrameSize,
               [](std::uint32_t) { return frame(door::kData, 0, 1, std::string(20'000, 'x')); }},
        Attack{"HugeHeaders", Breach::kHeaderBlock,
               [](std::uint32_t i) {
                 return frame(door::kHeaders, door::kEndHeaders, 2 * i + 1,
                              std::string(10'000, '\x82'));
               }},
        Attack{"Continuations", Breach::kHeaderBlock,
               [](std::uint32_t i) {
                 return i == 0 ? frame(door::kHeaders, 0, 1, "\x82")
                               : frame(door::kContinuation, 0, 1, "\x82");
               }},
        Attack{"RapidReset", Breach::kResets,
               [](std::uint32_t i) {
                 return frame(door::kReset, 0, 2 * i + 1, std::string(4, '\x01'));
               }},
        Attack{"Settings", Breach::kSettings,
               [](std::uint32_t) { return frame(door::kSettings, 0, 0, ""); }},
        Attack{"Pings", Breach::kPings,
               [](std::uint32_t) { return frame(door::kPing, 0, 0, kEight); }},
        Attack{"Priorities", Breach::kPriorities,
               [](std::uint32_t) { return frame(door::kPriority, 0, 1, std::string(5, '\0')); }},
        Attack{"WindowUpdates", Breach::kWindowUpdates,
               [](std::uint32_t) {
                 return frame(door::kWindowUpdate, 0, 0, std::string("\0\0\0\x01", 4));
               }},
        Attack{"EmptyData", Breach::kSmallData,
               [](std::uint32_t) { return frame(door::kData, 0, 1, ""); }},
        Attack{"PushPromise", Breach::kProtocol,
               [](std::uint32_t) {
                 return frame(door::kPushPromise, door::kEndHeaders, 1, "\0\0\0\x02");
               }}),
    [](const testing::TestParamInfo<Attack>& attack) { return attack.param.name; });

TEST_F(HubDoorTest, WhoDoesNotBeginAsHttp2IsBanned) {
  start();
  const auto hostile = client("hostile");
  hostile->send("GET / HTTP/1.1\r\n\r\n");
  hostile->wait_for_end();
  await(Breach::kPreface, 1);
  expect_refused({.identity = tls_.node("hostile")});
  await(DoorCount::kBanned, 1);
}

// Header blocks of one byte a field, each of a table entry of 3 KiB: unpacked they would be 20 MiB each.
TEST_F(HubDoorTest, PackedHeadersThatUnpackToFarMoreHoldUpNobody) {
  start();
  TestAgent honest = dial("honest");
  welcome(honest, "honest");
  const auto hostile = client("hostile");
  // A literal that enters the table (RFC 7541 6.2.1), 3,000 bytes long, the length in three bytes.
  const std::string entry = std::string("\x40\x01") + "a" + "\x7f\xb9\x16" + std::string(3000, 'v');
  hostile->send(door::beginning() + frame(door::kHeaders, door::kEndHeaders, 1, entry));
  for (std::uint32_t i = 1; i < 200; ++i) {
    if (!hostile->send(
            frame(door::kHeaders, door::kEndHeaders, 2 * i + 1, std::string(7000, '\xbe')))) {
      break;
    }
    honest.say(heartbeat_message(i));
    gateway_.next_as<core::AgentHeartbeat>();
  }
  expect_service("another");
}

// Pings that are answered and answers that are never read.
TEST_F(HubDoorTest, WhoTakesNothingOfWhatIsSentToItIsClosed) {
  door_limits_.idle_timeout = hours(20);  // so that it is not that
  start();
  const std::string digest = blobs_->put(std::string(32 << 20, 'x'))->digest();
  const auto greedy = client();
  // A fetch by hand: windows as large as they come, and no read.
  v1::FetchRequest wanted;
  wanted.set_digest(digest);
  const std::string message = wanted.SerializeAsString();
  const std::string prefix{'\0', '\0', '\0', '\0', static_cast<char>(message.size())};
  greedy->send(std::string(door::kPreface) +
               frame(door::kSettings, 0, 0, std::string("\0\x04\x7f\xff\xff\xff", 6)) +
               frame(door::kWindowUpdate, 0, 0, std::string("\x7f\x00\xff\xff", 4)) +
               frame(door::kHeaders, door::kEndHeaders, 1, door::call_block("Fetch")) +
               frame(door::kData, door::kEndStream, 1, prefix + message));
  await(DoorCount::kBytesOut, 64 << 10);  // about what the kernel keeps
  while (count(DoorCount::kStalled) == 0) {
    clock_.advance(milliseconds(1));  // slowly, or its certificate expires before anybody looks
    std::this_thread::yield();
  }
  EXPECT_EQ(count(DoorCount::kStalled), 1u);
  greedy->wait_for_end();
}

TEST_F(HubDoorTest, WhoSaysNothingAfterTheHandshakeIsClosed) {
  start();
  const auto silent = client();
  await(DoorCount::kPassed, 1);
  clock_.advance(door_limits_.preface_timeout + seconds(1));
  silent->wait_for_end();
  await(DoorCount::kIdle, 1);
  EXPECT_EQ(count(DoorCount::kBans), 0u);
}

TEST_F(HubDoorTest, AConnectionWithoutCallsIsClosedAfterAWhileThoughItPings) {
  start();
  const auto idle = client();
  begin(*idle);
  clock_.advance(door_limits_.idle_timeout - seconds(1));
  ASSERT_TRUE(idle->send(frame(door::kPing, 0, 0, kEight)));
  ASSERT_FALSE(idle->receive().empty());
  EXPECT_EQ(count(DoorCount::kIdle), 0u);
  clock_.advance(seconds(2));
  idle->wait_for_end();
  await(DoorCount::kIdle, 1);
}

TEST_F(HubDoorTest, ANodeHasSoManyConnectionsAndOthersHaveTheirs) {
  door_limits_.per_node = 2;
  start();
  const auto first = client("edge-1");
  const auto second = client("edge-1");
  await(DoorCount::kPassed, 2);
  client("edge-1")->wait_for_end();
  await(DoorCount::kTooMany, 1);
  expect_service("edge-2");
}

TEST_F(HubDoorTest, ThereAreNoMoreConnectionsThanTheirBound) {
  door_limits_.connections = 2;
  start();
  const auto first = client("edge-1");
  const auto second = client("edge-2");
  await(DoorCount::kPassed, 2);
  DoorClient third(hub_->port());
  third.wait_for_end();
  await(DoorCount::kTooMany, 1);
}

}  // namespace
}  // namespace skerry::hub
