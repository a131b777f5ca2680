// link.h: the session's seam to the network: one connection to the controller at a time.
//
// Implemented over gRPC by grpc_link.h and by fakes in tests and simulations. Calls never call
// back: what happens arrives later as calls to Session (opened, received, written, closed), each
// with the connection's number, so that a late event of an earlier connection is told apart and
// dropped.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/messages.h"

namespace skerry::agent {

using ConnectionId = std::uint64_t;  // counts from 1

class AgentLink {
 public:
  virtual ~AgentLink() = default;

  // Opens connection `id`; answered by opened or closed.
  virtual void connect(ConnectionId id) = 0;
  // One frame. Only when the connection is open and the last write was answered by written.
  virtual void write(ConnectionId id, std::vector<Outgoing> frame) = 0;
  // Ends the connection; it says nothing more, not even closed. `flush` sends first what was given
  // to write.
  virtual void close(ConnectionId id, bool flush) = 0;
};

// What happened on the connection; implemented by the daemon.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  virtual void link_opened(ConnectionId id) = 0;
  virtual void link_received(ConnectionId id, std::vector<Incoming> frame) = 0;
  virtual void link_written(ConnectionId id) = 0;
  virtual void link_closed(ConnectionId id, std::string reason) = 0;
};

}  // namespace skerry::agent
