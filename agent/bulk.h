// bulk.h: BlobSource over the Fetch and Upload calls, on a channel of its own, so that a large
// transfer and a heartbeat never share a connection.
//
// Thread-safe. Calls delete themselves when gRPC is done with them; cancel_all() ends what is under
// way, and drained() tells when nothing is left. The object must not be destroyed before.

#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <mutex>
#include <set>

#include "agent/blob_source.h"
#include "skerry/v1/agent.grpc.pb.h"

namespace skerry::agent {

class BulkClient final : public BlobSource {
 public:
  explicit BulkClient(std::shared_ptr<grpc::Channel> channel);
  ~BulkClient() override;

  void fetch(const std::string& digest, std::uint64_t offset, OnChunk on_chunk,
             OnEnd on_end) override;
  void upload(const std::string& digest, std::shared_ptr<const std::string> bytes,
              OnEnd on_end) override;

  void cancel_all();
  bool drained() const;

 private:
  class FetchCall;
  class UploadCall;
  bool add(grpc::ClientContext& call);  // false after cancel_all
  void remove(grpc::ClientContext& call);

  std::unique_ptr<v1::AgentLink::Stub> stub_;
  mutable std::mutex mutex_;  // calls begin on the strand and end on gRPC's threads
  std::set<grpc::ClientContext*> calls_;
  bool cancelled_ = false;
};

}  // namespace skerry::agent
