// entrance.h: listens for agents, and finds out who they are before anything else is read of them.
//
// A handshake is bounded in time and bytes; so are those under way, of one address and together: the
// oldest makes room for a new one, since an honest one is done in a moment. An address whose handshakes
// fail too often is banned. Only who has proved to be a node is handed to the Passages.
//
// Has a thread of its own, so that handshakes, which cost more than anything else here, hold up no node
// that is in already. set_context() and stop() may be called from anywhere. Owned by the Door.

#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "common/log.h"
#include "common/pki/tls_context.h"
#include "controller/hub/door/bans.h"
#include "controller/hub/door/knocks.h"
#include "controller/hub/door/passages.h"

namespace skerry::door {

class Entrance {
 public:
  struct Parts {
    const DoorOptions& options;
    Passages& passages;
    Bans& bans;
    Clock& clock;
    Counters& counters;
    Log& log;
  };
  explicit Entrance(Parts parts) : parts_(parts), knocks_(parts.options.handshakes) {}
  ~Entrance() { stop(); }

  // Once; the port. kInvalidArgument: not an address; kIo: it cannot be listened on.
  Result<std::uint16_t> listen(const std::string& address, std::uint16_t port,
                               pki::TlsContext context);
  void set_context(pki::TlsContext context);  // for handshakes that begin from now on
  // Takes nobody in any more; handshakes under way are cut. Idempotent.
  void stop();

 private:
  struct Guest;
  using Guests = std::list<std::shared_ptr<Guest>>;

  asio::awaitable<void> accept_all();
  void welcome(asio::ip::tcp::socket socket);
  bool may_knock(const controller::PeerAddress& from, Instant now);
  void make_room();
  asio::awaitable<void> shake_hands(std::shared_ptr<Guest> guest);
  void hand_over(Guest& guest);
  void ended(Guests::iterator place);
  void note_failure(const Guest& guest);

  Parts parts_;
  asio::io_context io_{1};
  asio::ip::tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  std::optional<pki::TlsContext> context_;
  Knocks knocks_;
  Guests guests_;  // whose handshakes are under way, the oldest first
  Allowance logged_;
  std::uint64_t unlogged_ = 0;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace skerry::door
