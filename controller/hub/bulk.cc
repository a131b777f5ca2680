#include "controller/hub/bulk.h"

#include <fmt/format.h>

#include <utility>

#include "common/digest.h"
#include "common/grpc_order.h"
#include "controller/hub/grpc_status.h"
#include "controller/hub/pool.h"
#include "controller/hub/upload_pins.h"

namespace skerry::hub {
// ---- Fetch

FetchCall* FetchCall::open(HubParts& parts, grpc::CallbackServerContext& context,
                           const v1::FetchRequest& request) {
  auto* call = new FetchCall(parts, context, request);
  parts.counters.add(Count::kTransfers);
  if (const Status added = parts.transfers.add(*call); added) {
    call->begin();
  } else {
    parts.counters.add(Count::kTransfersRefused);
    begun(call);
    call->Finish(to_grpc(added.error()));
  }
  return call;
}

FetchCall::FetchCall(HubParts& parts, grpc::CallbackServerContext& context,
                     const v1::FetchRequest& request)
    : Transfer(context, peer_of(parts, context), parts.clock.now()),
      parts_(parts),
      digest_(request.digest()),
      offset_(request.offset()) {}

// A node that proved who it is gets what it has to do with, and nothing else.
void FetchCall::begin() {
  const auto& tls = parts_.options.tls;
  if (!tls || !tls->may_fetch || !peer().proved) {
    begun(this);
    return parts_.pool.run([this] { step(); });
  }
  const auto waiting = std::make_shared<Waiting>(this);
  waiting_ = waiting;
  const std::string node = peer().proved->node();
  const std::string digest = digest_;
  begun(this);
  tls->may_fetch(node, digest, [waiting](bool may) {
    FetchCall* const call = waiting->take();
    if (call != nullptr) {
      call->parts_.pool.run([call, may] { may ? call->step() : call->refuse(); });
    }
  });
}

// As of a blob that is not there: who asks learns nothing.
void FetchCall::refuse() {
  std::string message;
  {
    const std::lock_guard lock(mutex_);
    message = fmt::format("no blob {}", digest_);
  }
  parts_.counters.add(Count::kTransfersRefused);
  Finish(to_grpc({ErrorCode::kNotFound, std::move(message), {}}));
}

// The core may answer no more while the controller stops.
void FetchCall::OnCancel() {
  reacting(this);
  if (waiting_ && waiting_->take() != nullptr) {
    Finish({grpc::StatusCode::CANCELLED, "the fetch was cut off"});
  }
}

void FetchCall::step() {
  Result<bool> more = false;
  {
    const std::lock_guard lock(mutex_);
    more = next_chunk();
  }
  if (more && *more) {
    StartWrite(&chunk_);
  } else {
    Finish(more ? grpc::Status::OK : to_grpc(more.error()));
  }
}

Result<bool> FetchCall::next_chunk() {
  moved(parts_.clock.now());
  const bool first = !reader_;
  if (first) {
    if (Status opened = open_blob(); !opened) {
      return fail(std::move(opened).error());
    }
  }
  auto bytes = reader_->read(parts_.options.transfers.chunk_bytes);
  if (!bytes) {
    return fail(std::move(bytes).error());
  }
  parts_.counters.add(Count::kFetchedBytes, bytes->size());
  const bool more = first || !bytes->empty();
  chunk_.set_total_bytes(first ? reader_->size_bytes() : 0);
  chunk_.set_data(std::move(*bytes));
  return more;
}

Status FetchCall::open_blob() {
  auto reader = parts_.blobs.read(digest_);
  if (!reader) {
    return fail(std::move(reader).error());
  }
  if (Status moved = reader->seek(offset_); !moved) {
    return moved;
  }
  reader_.emplace(std::move(*reader));
  return {};
}

void FetchCall::OnWriteDone(bool ok) {
  reacting(this);
  if (ok) {
    parts_.pool.run([this] { step(); });
  } else {
    Finish({grpc::StatusCode::CANCELLED, "the fetch was cut off"});
  }
}

void FetchCall::OnDone() {
  reacting(this);
  {
    const std::lock_guard after_the_last_step(mutex_);
  }
  parts_.transfers.remove(*this);
  parts_.counters.take(Count::kTransfers);
  delete this;
}

// ---- Upload

UploadCall* UploadCall::open(HubParts& parts, grpc::CallbackServerContext& context,
                             v1::UploadReply& reply) {
  auto* call = new UploadCall(parts, context, reply);
  parts.counters.add(Count::kTransfers);
  const Status added = parts.transfers.add(*call);
  begun(call);
  if (added) {
    call->StartRead(&call->chunk_);
  } else {
    parts.counters.add(Count::kTransfersRefused);
    call->Finish(to_grpc(added.error()));
  }
  return call;
}

UploadCall::UploadCall(HubParts& parts, grpc::CallbackServerContext& context,
                       v1::UploadReply& reply)
    : Transfer(context, peer_of(parts, context), parts.clock.now()), parts_(parts), reply_(reply) {}

// A stream that was cut off reads like one that ended; the digest tells them apart.
void UploadCall::OnReadDone(bool ok) {
  reacting(this);
  parts_.pool.run([this, ok] { ok ? step() : complete(); });
}

void UploadCall::step() {
  Status written;
  {
    const std::lock_guard lock(mutex_);
    written = write_chunk();
  }
  if (written) {
    StartRead(&chunk_);
  } else {
    Finish(to_grpc(written.error()));
  }
}

void UploadCall::complete() {
  Status done;
  {
    const std::lock_guard lock(mutex_);
    done = commit();
  }
  Finish(done ? grpc::Status::OK : to_grpc(done.error()));
}

Status UploadCall::write_chunk() {
  moved(parts_.clock.now());
  if (!writer_) {
    if (Status begun = begin_blob(); !begun) {
      return begun;
    }
  }
  const std::uint64_t size = writer_->size_bytes() + chunk_.data().size();
  if (size > parts_.options.transfers.max_blob_bytes) {
    return fail(ErrorCode::kTooLarge, fmt::format("a blob has at most {} bytes",
                                                  parts_.options.transfers.max_blob_bytes));
  }
  parts_.counters.add(Count::kUploadedBytes, chunk_.data().size());
  return writer_->write(chunk_.data());
}

Status UploadCall::begin_blob() {
  if (!is_digest(chunk_.digest())) {
    return fail(ErrorCode::kInvalidArgument, "the first chunk names no sha256 digest");
  }
  auto writer = parts_.blobs.writer();
  if (!writer) {
    return fail(std::move(writer).error());
  }
  digest_ = chunk_.digest();
  writer_.emplace(std::move(*writer));
  return {};
}

Status UploadCall::commit() {
  if (!writer_) {
    return fail(ErrorCode::kInvalidArgument, "an upload without a chunk");
  }
  auto pin = writer_->commit(digest_);
  if (!pin) {
    return fail(std::move(pin).error());
  }
  reply_.set_size_bytes(pin->size_bytes());
  parts_.uploads.hold(std::move(*pin), parts_.clock.now());
  return {};
}

void UploadCall::OnDone() {
  reacting(this);
  {
    const std::lock_guard after_the_last_step(mutex_);
  }
  parts_.transfers.remove(*this);
  parts_.counters.take(Count::kTransfers);
  delete this;
}

}  // namespace skerry::hub
