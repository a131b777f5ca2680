// bulk.h: the bulk calls: Fetch sends a blob from an offset on, Upload takes one in.
//
// Each call is a chain of steps: a job in the pool reads or writes one chunk, then starts the next
// gRPC operation, whose reaction gives the pool the next job. Steps of a call never overlap. Each
// ends by starting an operation or by finishing the call, and touches nothing afterwards, since the
// call may be gone by then. A cancelled call fails its next operation, which finishes it. Objects
// belong to gRPC and delete themselves in OnDone.

#pragma once

#include <grpcpp/support/server_callback.h>

#include <mutex>
#include <optional>
#include <string>

#include "common/error.h"
#include "controller/blobs/blob_dir.h"
#include "controller/hub/parts.h"
#include "controller/hub/transfers.h"
#include "skerry/v1/agent.pb.h"

namespace skerry::hub {

// The first chunk names the size of the whole blob; there is always one, even behind the last byte.
class FetchCall final : public grpc::ServerWriteReactor<v1::Chunk>, private Transfer {
 public:
  static FetchCall* open(HubParts& parts, grpc::CallbackServerContext& context,
                         const v1::FetchRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // A call that waits to be told whether it may; whoever takes it out goes on with it.
  class Waiting {
   public:
    explicit Waiting(FetchCall* call) : call_(call) {}
    FetchCall* take() { return call_.exchange(nullptr); }

   private:
    std::atomic<FetchCall*> call_;
  };

  FetchCall(HubParts& parts, grpc::CallbackServerContext& context, const v1::FetchRequest& request);
  void begin();
  void refuse();
  void step();
  Result<bool> next_chunk();  // false: there is no more
  Status open_blob();

  HubParts& parts_;
  const std::string digest_;
  const std::uint64_t offset_;
  std::shared_ptr<Waiting> waiting_;  // set before any reaction
  std::mutex mutex_;                  // of one step after the other, on whichever thread
  std::optional<blobs::BlobReader> reader_;
  v1::Chunk chunk_;
};

// Answers when the blob is durable under the digest that its first chunk named.
class UploadCall final : public grpc::ServerReadReactor<v1::UploadChunk>, private Transfer {
 public:
  static UploadCall* open(HubParts& parts, grpc::CallbackServerContext& context,
                          v1::UploadReply& reply);

  void OnReadDone(bool ok) override;
  void OnDone() override;

 private:
  UploadCall(HubParts& parts, grpc::CallbackServerContext& context, v1::UploadReply& reply);
  void step();
  void complete();
  Status write_chunk();
  Status begin_blob();
  Status commit();

  HubParts& parts_;
  v1::UploadReply& reply_;
  std::mutex mutex_;  // of one step after the other, on whichever thread
  v1::UploadChunk chunk_;
  std::string digest_;
  std::optional<blobs::BlobWriter> writer_;
};

}  // namespace skerry::hub
