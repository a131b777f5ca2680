// passages.h: the connections of nodes that proved who they are: asks whether each is admitted, hands it
// to gRPC, and ends those that may go on no longer.
//
// Has a thread of its own, on which everything happens; receive(), disconnect(), believe() and stop() may
// be called from anywhere. Owned by the Door, and outlives the entrance.

#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "common/log.h"
#include "common/pki/trust.h"
#include "controller/hub/door/admission.h"
#include "controller/hub/door/bans.h"
#include "controller/hub/door/passage.h"

namespace skerry::door {

// Takes one end of a pair of sockets, on whose other end a node speaks HTTP/2: its descriptor, which it
// then owns.
using Give = std::function<void(int fd)>;

class Passages {
 public:
  struct Parts {
    const DoorOptions& options;
    Give give;
    Admission& admission;
    Callers& callers;
    Bans& bans;
    Clock& clock;
    Counters& counters;
    Log& log;
  };
  Passages(Parts parts, pki::TrustBundle trust);
  ~Passages() { stop(); }

  // One whose handshake is through, with the certificate that was verified in it.
  void receive(std::unique_ptr<TlsSocket> socket, pki::Certificate certificate, std::string address,
               bool is_on_this_machine);
  // Ends all of a node's connections at once.
  void disconnect(std::string node);
  // Believes this bundle from now on, and ends the connections of those whom it does not believe.
  void believe(pki::TrustBundle trust);
  // Ends every connection, and the thread. Idempotent.
  void stop();

 private:
  Status may_enter(const Caller& caller);
  void admit(std::unique_ptr<TlsSocket> socket, std::shared_ptr<const Caller> caller);
  bool has_room(const Caller& caller);
  void open(std::unique_ptr<TlsSocket> socket, std::shared_ptr<const Caller> caller);
  void carrier_ended(const std::shared_ptr<Passage>& passage);
  void punish(const Passage& passage);
  void watch();

  template <typename Which>
  void close_those(Which which, Count count, std::string_view why);

  Parts parts_;
  pki::TrustBundle trust_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer ticks_{io_};
  PassageParts shared_;
  std::uint64_t last_connection_ = 0;
  struct Entry {
    std::shared_ptr<Passage> passage;
    int carriers = 2;  // coroutines that have not ended
  };
  std::unordered_map<const Passage*, Entry> passages_;
  std::map<std::string, std::size_t, std::less<>> by_node_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace skerry::door
