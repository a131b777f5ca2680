// passage.h: carries one agent's connection between TLS and gRPC.
//
//   agent --TLS--> guard (http2_guard.h) --a pair of sockets--> gRPC, and back without a guard
//
// What cannot be passed on waits, and nothing more is read meanwhile: each way holds at most
// DoorOptions::buffer_bytes, and nothing while the connection rests. A breach closes it at once. When
// gRPC is done, what it wrote is still delivered, and the agent's end awaited for a moment.
//
// Made by Passages, on whose thread everything runs; the two coroutines keep it alive.

#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"
#include "controller/hub/door/callers.h"
#include "controller/hub/door/counters.h"
#include "controller/hub/door/held_updates.h"
#include "controller/hub/door/http2_guard.h"
#include "controller/hub/door/options.h"
#include "controller/hub/door/tls_socket.h"

namespace skerry::door {

// What the passages of one thread share: options, and bytes between two of a coroutine's suspensions.
struct PassageParts {
  const DoorOptions& options;
  Clock& clock;
  Counters& counters;
  std::vector<char> read;
  std::string passed;
};

class Passage {
 public:
  using Inner = asio::local::stream_protocol::socket;

  Passage(TlsSocket outer, Inner inner, std::string secret, std::shared_ptr<const Caller> caller,
          PassageParts& parts);

  // Both are to be spawned once.
  asio::awaitable<void> carry_in();
  asio::awaitable<void> carry_out();

  void close();  // at once; both coroutines end
  // Sends what was held back and has found nothing to travel with; to be called now and then.
  void send_held();
  bool is_open() const { return open_; }

  const Caller& caller() const { return *caller_; }
  const std::string& secret() const { return secret_; }
  std::optional<Breach> breach() const { return breach_; }
  // Why it has to be closed, if it has to.
  enum class Due : std::uint8_t { kNot, kExpired, kIdle, kStalled, kLeft };
  Due due(Instant now) const;

 private:
  // What the agent has sent, as much as one turn takes.
  struct Burst {
    std::size_t bytes = 0;
    TlsSocket::Outcome next = TlsSocket::Outcome::kDone;  // what has to come before the next one
  };
  Burst read_burst();
  std::size_t give(std::string_view bytes);
  std::size_t show(std::string_view bytes);
  std::string carry(std::string_view bytes);
  asio::awaitable<void> deliver(std::string rest);
  asio::awaitable<bool> send(std::string rest);

  TlsSocket outer_;
  Inner inner_;
  const std::string secret_;
  const std::shared_ptr<const Caller> caller_;
  PassageParts& parts_;
  asio::steady_timer pause_;
  Http2Guard guard_;
  Http2Watch watch_;
  HeldUpdates held_in_;
  HeldUpdates held_out_;
  std::optional<Breach> breach_;
  bool open_ = true;
  const Instant opened_at_;
  Instant last_answered_;
  Instant blocked_since_ = kNever;  // the agent takes nothing
  Instant leaving_since_ = kNever;  // gRPC is done
};

}  // namespace skerry::door
