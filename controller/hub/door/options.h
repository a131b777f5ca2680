// options.h: what the agents' port takes from one connection, one address and all together.
// docs/decisions/agents-port.md has the table, and what honest agents need.

#pragma once

#include <cstddef>

#include "common/time.h"
#include "controller/hub/door/rate.h"

namespace skerry::door {

// Before somebody has proved who it is.
struct HandshakeLimits {
  std::size_t total = 256;       // under way
  std::size_t per_address = 64;  // of those
  Rate of_address{50, 500};      // begun; a whole site may come back at once behind one address
  std::size_t bytes = 64 << 10;  // that the other end may send
  Duration timeout = seconds(5);
  Rate failures{20, 100};         // of an address: above it is banned for a while
  std::size_t addresses = 16384;  // remembered; an address more is turned away
};

// Of the frames that an agent sends on one connection. What is above ends it.
struct FrameLimits {
  std::size_t frame_bytes = 16 << 10;        // HTTP/2's own default
  std::size_t header_block_bytes = 8 << 10;  // HEADERS and its CONTINUATIONs
  std::size_t settings_bytes = 256;          // of one SETTINGS frame
  std::size_t continuations = 2;             // of one header block
  std::size_t small_data_bytes = 32;         // DATA frames below are small
  Rate header_blocks{200, 500};
  Rate resets{50, 200};
  Rate settings{20, 100};  // and GOAWAY
  Rate pings{50, 200};
  Rate priorities{10, 100};
  Rate window_updates{20'000, 40'000};
  Rate small_data{2000, 8000};
  // Not a breach: who sends more frames is read no faster.
  Rate frames{50'000, 100'000};
};

struct DoorOptions {
  HandshakeLimits handshakes;
  FrameLimits frames;
  std::size_t connections = 4096;
  std::size_t per_node = 8;
  std::size_t buffer_bytes = 64 << 10;    // of a connection, each way
  Duration preface_timeout = seconds(5);  // from the handshake to the first frame
  Duration write_timeout = seconds(30);   // of bytes that the agent does not take
  Duration idle_timeout = minutes(10);    // without a call or data either way
  Duration ban = seconds(60);
  std::size_t bans = 4096;                      // remembered
  Duration watch_interval = milliseconds(500);  // how often the timeouts are looked at
};

}  // namespace skerry::door
