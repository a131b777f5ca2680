// door.h: the agents' port: nobody speaks HTTP/2 to the hub before it has proved to be a node.
//
// gRPC listens on no network itself. The door accepts connections, demands TLS with a node's
// certificate (entrance.h), asks whether the node is admitted (admission.h), and then carries plain
// HTTP/2 to gRPC over a pair of sockets, watching the frames on their way (passages.h, http2_guard.h).
// docs/decisions/agents-port.md says why.
//
//   agent --TLS--> Entrance --proved--> Passages --admitted--> Passage <--pair of sockets--> gRPC
//
// Owned by the Hub, and ends before the gRPC server that it gives connections to, but after that server
// has shut down, so that its last words are delivered. Two threads of its own; every method may be called
// from anywhere.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/log.h"
#include "common/pki/tls_context.h"
#include "common/pki/trust.h"
#include "common/time.h"
#include "controller/hub/door/admission.h"
#include "controller/hub/door/callers.h"
#include "controller/hub/door/counters.h"
#include "controller/hub/door/options.h"
#include "controller/hub/door/passages.h"

namespace skerry::door {

// What the door shows, and whom it believes.
struct DoorKeys {
  pki::TlsIdentity identity;  // the controller's
  pki::TrustBundle trust;
};

class Door {
 public:
  // Listens at once. `admission`, `clock` and `log` outlive it, and so does what `give` uses.
  // kInvalidArgument: the address, or keys that do not fit; kIo: the port is not to be had.
  static Result<std::unique_ptr<Door>> open(const std::string& address, std::uint16_t port,
                                            const DoorOptions& options, const DoorKeys& keys,
                                            Give give, Admission& admission, Clock& clock,
                                            Log& log);
  ~Door();  // stops
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  std::uint16_t port() const;
  const Counters& counters() const;

  // After a renewal or a rotation. Handshakes that begin from now on use them, and connections of nodes
  // whom the new bundle does not believe end. kInvalidArgument: the old ones stay.
  Status set_keys(const DoorKeys& keys);
  // Ends all connections of a node that admission refuses from now on.
  void disconnect(std::string_view node);
  // Whose connection a call came on, by the value of its field kCallerField; null: nobody's.
  std::shared_ptr<const Caller> caller(std::string_view secret) const;

  void close();  // takes nobody in any more; who is in stays
  void stop();   // ends everything; idempotent. Blocks.

 private:
  struct State;
  explicit Door(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace skerry::door
