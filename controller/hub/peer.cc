#include "controller/hub/peer.h"

#include <fmt/format.h>

#include "controller/hub/door/door.h"

namespace skerry::hub {

Status Peer::speaks_for(std::string_view node) const {
  if (!proved || proved->node() == node) {
    return {};
  }
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("the hello is node '{}''s and the certificate is node '{}''s: set the "
                          "agent's name to that of its certificate, or join again",
                          node.substr(0, 63), proved->node()));
}

Result<Peer> peer_of(const HubParts& parts, const grpc::CallbackServerContext& context) {
  if (parts.door == nullptr) {
    std::string address = context.peer();
    const bool here = address.starts_with("ipv4:127.") || address.starts_with("ipv6:%5B::1%5D");
    return Peer{
        .connection = address, .address = address, .is_on_this_machine = here, .proved = nullptr};
  }
  // The door adds the field to every call; whoever adds another one has something in mind.
  const auto& fields = context.client_metadata();
  const grpc::string_ref name(door::kCallerField.data(), door::kCallerField.size());
  std::shared_ptr<const door::Caller> caller;
  if (const auto [first, last] = fields.equal_range(name);
      first != last && std::next(first) == last) {
    caller = parts.door->caller({first->second.data(), first->second.size()});
  }
  if (!caller) {
    return fail(ErrorCode::kUnauthenticated, "the call is of no connection that is known");
  }
  return Peer{.connection = fmt::to_string(caller->connection),
              .address = caller->address,
              .is_on_this_machine = caller->is_on_this_machine,
              .proved = caller};
}

Status still_admitted(const HubParts& parts, const Peer& peer) {
  return peer.proved ? parts.options.tls->admission->admit(peer.proved->certificate) : Status();
}

}  // namespace skerry::hub
