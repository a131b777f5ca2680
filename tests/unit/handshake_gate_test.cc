// Tests of the gate that TLS handshakes wait at: budgets of an address and of all, turns, patience.
#include "controller/api/handshake_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>
#include <string>

namespace skerry::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

HandshakeGate::Peer peer(int number) {
  return controller::peer_of(boost::asio::ip::make_address("10.0.0." + std::to_string(number)));
}

// Notes who got a turn, and who was dropped without one.
struct Crowd {
  explicit Crowd(HandshakeGate::Limits limits) : gate(limits) {}

  void enter(int from, std::string name) {
    gate.enter(peer(from), [this, note = Note{this, std::move(name)}](const Status&) mutable {
      begun.push_back(std::exchange(note.name, ""));
    });
  }

  struct Note {
    Note(Crowd* crowd_in, std::string name_in) : crowd(crowd_in), name(std::move(name_in)) {}
    Note(Note&& other) noexcept : crowd(other.crowd), name(std::exchange(other.name, "")) {}
    Note& operator=(Note&&) = delete;
    ~Note() {
      if (!name.empty()) {
        crowd->dropped.push_back(name);
      }
    }
    Crowd* crowd;
    std::string name;
  };

  std::vector<std::string> begun;
  std::vector<std::string> dropped;
  HandshakeGate gate;
};

TEST(HandshakeGate, LetsInAtOnceWhileThereIsRoom) {
  Crowd crowd({});
  crowd.enter(1, "a");
  crowd.enter(2, "b");
  EXPECT_THAT(crowd.begun, ElementsAre("a", "b"));
  EXPECT_EQ(crowd.gate.open(), 2u);
  crowd.gate.leave(peer(1));
  EXPECT_EQ(crowd.gate.open(), 1u);
}

TEST(HandshakeGate, OneAddressHasSoManyUnfinishedAndTheOthersOfItWait) {
  Crowd crowd({.open_per_peer = 2});
  for (const char* name : {"a", "b", "c", "d"}) {
    crowd.enter(1, name);
  }
  crowd.enter(2, "other");
  EXPECT_THAT(crowd.begun, ElementsAre("a", "b", "other"));
  EXPECT_EQ(crowd.gate.waiting(), 2u);
  crowd.gate.leave(peer(1));
  EXPECT_THAT(crowd.begun, ElementsAre("a", "b", "other", "c"));
}

TEST(HandshakeGate, WhenAllIsFullWhoHasNoneStillBeginsOne) {
  Crowd crowd({.open = 2});
  for (const char* name : {"a", "b", "c"}) {
    crowd.enter(1, name);
  }
  crowd.enter(2, "first of its address");
  crowd.enter(2, "second of its address");
  EXPECT_THAT(crowd.begun, ElementsAre("a", "b", "first of its address"));
  crowd.gate.leave(peer(1));
  crowd.gate.leave(peer(1));
  EXPECT_EQ(crowd.begun.size(), 4u);
}

TEST(HandshakeGate, AddressesTakeTurnsHoweverManyOneSends) {
  Crowd crowd({.begun = 1});
  for (const char* name : {"a1", "a2", "a3", "a4"}) {
    crowd.enter(1, name);
  }
  crowd.enter(2, "b1");
  crowd.enter(2, "b2");
  for (int i = 0; i < 5; ++i) {
    crowd.gate.tick();
  }
  EXPECT_THAT(crowd.begun, ElementsAre("a1", "a2", "b1", "a3", "b2", "a4"));
}

TEST(HandshakeGate, SoManyBeginInATickOfAnAddressAndOfAll) {
  Crowd crowd({.begun = 3, .begun_per_peer = 2});
  for (const char* name : {"a", "b", "c"}) {
    crowd.enter(1, name);
    if (crowd.gate.open() > 0) {
      crowd.gate.leave(peer(1));
    }
  }
  EXPECT_THAT(crowd.begun, ElementsAre("a", "b"));
  crowd.enter(2, "d");
  crowd.enter(3, "e");
  EXPECT_THAT(crowd.begun, ElementsAre("a", "b", "d"));
  crowd.gate.tick();
  EXPECT_THAT(crowd.begun, testing::UnorderedElementsAre("a", "b", "d", "c", "e"));
}

TEST(HandshakeGate, WhoseTurnDoesNotComeUpIsDropped) {
  Crowd crowd({.open_per_peer = 1, .patience_ticks = 2});
  crowd.enter(1, "slow");
  crowd.enter(1, "late");
  crowd.gate.tick();
  crowd.enter(1, "later");
  crowd.gate.tick();
  EXPECT_THAT(crowd.dropped, IsEmpty());
  crowd.gate.tick();
  EXPECT_THAT(crowd.dropped, ElementsAre("late"));
  EXPECT_EQ(crowd.gate.overdue(), 1u);
  EXPECT_EQ(crowd.gate.waiting(), 1u);
  crowd.gate.leave(peer(1));
  EXPECT_THAT(crowd.begun, ElementsAre("slow", "later"));
}

TEST(HandshakeGate, AnAddressThatIsGoneAndComesBackIsLikeNew) {
  Crowd crowd({.open_per_peer = 1, .patience_ticks = 0});
  crowd.enter(1, "a");
  crowd.enter(1, "b");
  crowd.gate.tick();  // drops b
  crowd.gate.leave(peer(1));
  crowd.gate.tick();
  crowd.gate.tick();
  crowd.enter(1, "c");
  crowd.enter(1, "d");
  crowd.gate.leave(peer(1));
  EXPECT_THAT(crowd.begun, ElementsAre("a", "c", "d"));
  EXPECT_THAT(crowd.dropped, ElementsAre("b"));
}

TEST(HandshakeGate, OnceClosedNobodyBegins) {
  Crowd crowd({.open_per_peer = 1});
  crowd.enter(1, "a");
  crowd.enter(1, "b");
  crowd.gate.close();
  EXPECT_THAT(crowd.dropped, ElementsAre("b"));
  crowd.enter(1, "c");
  crowd.enter(2, "d");
  EXPECT_THAT(crowd.dropped, ElementsAre("b", "c", "d"));
  crowd.gate.leave(peer(1));
  EXPECT_THAT(crowd.begun, ElementsAre("a"));
}

}  // namespace
}  // namespace skerry::api
