#include "agent/bulk.h"

#include <fmt/format.h>

#include "common/check.h"

namespace skerry::agent {
namespace {

constexpr std::size_t kChunkBytes = 128 * 1024;

Status to_status(const grpc::Status& status) {
  if (status.ok()) {
    return {};
  }
  ErrorCode code = ErrorCode::kInternal;
  switch (status.error_code()) {
    case grpc::StatusCode::NOT_FOUND:
      code = ErrorCode::kNotFound;
      break;
    case grpc::StatusCode::CANCELLED:
      code = ErrorCode::kCancelled;
      break;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      code = ErrorCode::kInvalidArgument;
      break;
    case grpc::StatusCode::DATA_LOSS:
      code = ErrorCode::kCorrupt;
      break;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::ABORTED:
      code = ErrorCode::kUnavailable;
      break;
    default:
      break;
  }
  return fail(code, fmt::format("{} (gRPC status {})", status.error_message(),
                                static_cast<int>(status.error_code())));
}

}  // namespace

// A hold keeps the call open while the consumer works on a chunk, outside of any reaction.
class BulkClient::FetchCall final : public grpc::ClientReadReactor<v1::Chunk> {
 public:
  FetchCall(BulkClient& client, const std::string& digest, std::uint64_t offset, OnChunk on_chunk,
            OnEnd on_end)
      : client_(client), on_chunk_(std::move(on_chunk)), on_end_(std::move(on_end)) {
    request_.set_digest(digest);
    request_.set_offset(offset);
    if (!client_.add(context_)) {
      context_.TryCancel();
    }
    client_.stub_->async()->Fetch(&context_, &request_, this);
    AddHold();
    StartRead(&chunk_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      RemoveHold();
      return;
    }
    Chunk chunk{.data = std::move(*chunk_.mutable_data()), .total_bytes = chunk_.total_bytes()};
    on_chunk_(std::move(chunk), [this](bool go_on) {
      if (!go_on) {
        context_.TryCancel();
      }
      chunk_.Clear();
      StartRead(&chunk_);
    });
  }
  void OnDone(const grpc::Status& status) override {
    on_end_(to_status(status));
    client_.remove(context_);
    delete this;
  }

 private:
  BulkClient& client_;
  grpc::ClientContext context_;
  v1::FetchRequest request_;
  v1::Chunk chunk_;
  OnChunk on_chunk_;
  OnEnd on_end_;
};

class BulkClient::UploadCall final : public grpc::ClientWriteReactor<v1::UploadChunk> {
 public:
  UploadCall(BulkClient& client, const std::string& digest,
             std::shared_ptr<const std::string> bytes, OnEnd on_end)
      : client_(client), bytes_(std::move(bytes)), on_end_(std::move(on_end)) {
    if (!client_.add(context_)) {
      context_.TryCancel();
    }
    client_.stub_->async()->Upload(&context_, &reply_, this);
    chunk_.set_digest(digest);
    write_next();
    StartCall();
  }

  void OnWriteDone(bool ok) override {
    if (ok && sent_ < bytes_->size()) {
      chunk_.clear_digest();
      write_next();
    }
  }
  void OnDone(const grpc::Status& status) override {
    const bool whole = reply_.size_bytes() == bytes_->size();
    on_end_(status.ok() && !whole ? fail(ErrorCode::kCorrupt, "the controller stored another size")
                                  : to_status(status));
    client_.remove(context_);
    delete this;
  }

 private:
  void write_next() {
    const std::size_t size = std::min(kChunkBytes, bytes_->size() - sent_);
    chunk_.set_data(bytes_->data() + sent_, size);
    sent_ += size;
    grpc::WriteOptions options;
    if (sent_ == bytes_->size()) {
      StartWriteLast(&chunk_, options);
    } else {
      StartWrite(&chunk_, options);
    }
  }

  BulkClient& client_;
  grpc::ClientContext context_;
  std::shared_ptr<const std::string> bytes_;
  std::size_t sent_ = 0;
  v1::UploadChunk chunk_;
  v1::UploadReply reply_;
  OnEnd on_end_;
};

BulkClient::BulkClient(std::shared_ptr<grpc::Channel> channel)
    : stub_(v1::AgentLink::NewStub(channel)) {}

BulkClient::~BulkClient() { check(drained(), "bulk transfers end before their client"); }

void BulkClient::fetch(const std::string& digest, std::uint64_t offset, OnChunk on_chunk,
                       OnEnd on_end) {
  new FetchCall(*this, digest, offset, std::move(on_chunk), std::move(on_end));
}

void BulkClient::upload(const std::string& digest, std::shared_ptr<const std::string> bytes,
                        OnEnd on_end) {
  new UploadCall(*this, digest, std::move(bytes), std::move(on_end));
}

void BulkClient::cancel_all() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* call : calls_) {
    call->TryCancel();
  }
}

bool BulkClient::drained() const {
  const std::lock_guard lock(mutex_);
  return calls_.empty();
}

bool BulkClient::add(grpc::ClientContext& call) {
  const std::lock_guard lock(mutex_);
  calls_.insert(&call);
  return !cancelled_;
}

void BulkClient::remove(grpc::ClientContext& call) {
  const std::lock_guard lock(mutex_);
  calls_.erase(&call);
}

}  // namespace skerry::agent
