// peer.h: whose connection a call came on.
//
// Behind the door (door/door.h) it is the node whose certificate that connection proved; on a port
// without TLS it is whoever the call says, from wherever. Call from anywhere.

#pragma once

#include <grpcpp/server_context.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"
#include "controller/hub/door/callers.h"
#include "controller/hub/parts.h"

namespace skerry::hub {

struct Peer {
  std::string connection;  // the same for all calls on one, and for no others at that time
  std::string address;     // for logs
  bool is_on_this_machine = false;
  std::shared_ptr<const door::Caller> proved;  // null: the port has no TLS

  // kPermissionDenied if the connection proved to be another node's than `node`.
  Status speaks_for(std::string_view node) const;
};

// kUnauthenticated: the door does not know the connection, or no longer.
Result<Peer> peer_of(const HubParts& parts, const grpc::CallbackServerContext& context);

// Whether the node is still admitted, where the port has TLS: a revocation ends its connections, and
// this is behind it. kPermissionDenied.
Status still_admitted(const HubParts& parts, const Peer& peer);

}  // namespace skerry::hub
