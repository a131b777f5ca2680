// hub.h: the controller's side of the agents' streams: a gRPC server that speaks
// proto/skerry/v1/agent.proto.
//
// What agents say reaches the core as events through Gateway::tell, each checked (validate.h) and
// translated (translate.h); what the core sends reaches them through send(). Of every session the
// core hears AgentHello first and SessionClosed last, once each. Each stream has a bounded queue of
// its own: an agent that does not keep up loses its stream, and no other is kept waiting. Blobs
// travel by Fetch and Upload, on connections of the agents' choice.
//
// Made by main after what it refers to, and gone before it. send() belongs to the core's strand;
// count(), received(), sent(), disconnect(), set_keys() and stop() may be called from anywhere. gRPC's threads run the reactions; a pool of its
// own does the file I/O of the bulk calls.

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "controller/blobs/blob_dir.h"
#include "controller/core/effects.h"
#include "controller/gateway.h"
#include "controller/hub/counters.h"
#include "controller/hub/model_source.h"
#include "controller/hub/options.h"

namespace skerry::hub {

class Hub {
 public:
  // Listens at once: with HubOptions::tls behind a door, or else gRPC itself. kInvalidArgument for an
  // address that would be unsecured or keys that do not fit, kIo if it cannot be bound.
  static Result<std::unique_ptr<Hub>> start(HubOptions options, controller::Gateway& gateway,
                                            blobs::BlobDir& blobs, ModelSource& models,
                                            Clock& clock, Log& log);
  ~Hub();  // stops
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  std::uint16_t port() const;
  std::uint64_t count(Count what) const;
  // Messages by kind, every kind of the wire once and "unknown"; what is sent counts when it is
  // queued.
  struct KindCount {
    std::string_view kind;
    std::uint64_t count = 0;
  };
  std::vector<KindCount> received() const;
  std::vector<KindCount> sent() const;

  // What the door counts; null without TLS.
  const door::Counters* door_counters() const;
  // After a renewal or a rotation; kInvalidArgument: the old ones stay, or there is no TLS.
  Status set_keys(const door::DoorKeys& keys);
  // Ends all connections of a node that HubTls::admission refuses from now on. Without TLS nothing.
  void disconnect(std::string_view node);

  // Never blocks on the network. A command for a session that is gone is dropped: its SessionClosed
  // is on the way.
  void send(const core::Send& send);

  // Takes no more calls, writes what is queued, ends every stream, and cancels what is left after
  // HubOptions::close_timeout. When it returns, every session has been told as closed and nothing
  // more will be told. Idempotent. Blocks.
  void stop();

 private:
  struct State;
  explicit Hub(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace skerry::hub
