// grpc_link.h: AgentLink over the Session stream of proto/skerry/v1/agent.proto.
//
// Owned by the daemon; all methods and all events run on its strand. gRPC's own threads only copy a
// frame into domain values and post it. The next frame is read when the strand has handled the last
// one, so nothing piles up. A stream object lives until gRPC is done with it and the strand has
// heard so; drained() tells when none is left, and the link must not be destroyed before.

#pragma once

#include <grpcpp/channel.h>

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <set>
#include <string>

#include "agent/link.h"
#include "skerry/v1/agent.grpc.pb.h"

namespace skerry::agent {

class GrpcLink final : public AgentLink {
 public:
  // The strand's executor runs one handler at a time and outlives the link; so do the events.
  GrpcLink(std::shared_ptr<grpc::Channel> channel, boost::asio::any_io_executor strand,
           LinkEvents& events);
  ~GrpcLink() override;

  void connect(ConnectionId id) override;
  void write(ConnectionId id, std::vector<Outgoing> frame) override;
  void close(ConnectionId id, bool flush) override;

  // Cancels every call that is still there, also those that were closed and given time to flush.
  void cancel_all();
  bool drained() const { return streams_.empty(); }

 private:
  class Stream;

  std::unique_ptr<v1::AgentLink::Stub> stub_;
  boost::asio::any_io_executor strand_;
  LinkEvents& events_;
  Stream* current_ = nullptr;
  std::set<Stream*> streams_;
};

}  // namespace skerry::agent
