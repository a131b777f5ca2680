// hub_door_world.h: a Hub behind its door, and clients that do not behave, for the tests of both.

#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <thread>

#include "tests/unit/door_client.h"
#include "tests/unit/http2_frames.h"
#include "tests/unit/hub_fixture.h"

namespace skerry::hub {

using door::Breach;
using door::DoorClient;
using door::frame;
using DoorCount = door::Count;

class HubDoorTest : public HubWorld {
 protected:
  HubDoorTest() : HubWorld(Way::kDoor) {
    options_.watch_interval = milliseconds(5);
    door_limits_.watch_interval = milliseconds(5);
  }

  std::uint64_t count(DoorCount what) const { return (*hub_->door_counters())[what]; }
  std::uint64_t count(Breach what) const { return (*hub_->door_counters())[what]; }
  // A test that waits in vain ends with its time limit.
  template <typename What>
  void await(What what, std::uint64_t least) const {
    while (count(what) < least) {
      std::this_thread::yield();
    }
  }
  // Until the door knows of no connection.
  void await_empty() const {
    while (count(DoorCount::kConnections) > 0) {
      std::this_thread::yield();
    }
  }

  // A client of this node's that may say what it likes.
  std::unique_ptr<DoorClient> client(const std::string& node = "edge-1") {
    auto made = std::make_unique<DoorClient>(hub_->port());
    EXPECT_TRUE(made->shake_hands({.identity = tls_.node(node)}));
    return made;
  }
  // What the client hears, up to a frame that begins like this.
  static std::string hear(DoorClient& client, std::string_view head) {
    std::string heard;
    while (!heard.contains(head)) {
      const std::string more = client.receive();
      if (more.empty()) {
        ADD_FAILURE() << "the connection ended, or nothing came";
        break;
      }
      heard += more;
    }
    return heard;
  }
  // Sends the client's settings, and waits until gRPC has read them.
  static void begin(DoorClient& client) {
    client.send(door::beginning());
    hear(client, frame(door::kSettings, door::kAck, 0, ""));
  }
  // The port takes an honest node, from the handshake to the welcome.
  void expect_service(const std::string& node = "honest") {
    TestAgent agent = dial(node);
    welcome(agent, node);
  }
  // The client is refused: nothing that it says is answered.
  void expect_refused(const DoorClient::Hello& hello) {
    DoorClient refused(hub_->port());
    if (refused.shake_hands(hello)) {
      refused.send(door::beginning());
      refused.wait_for_end();
    }
  }
};

}  // namespace skerry::hub
