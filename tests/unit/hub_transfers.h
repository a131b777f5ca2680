// hub_transfers.h: blobs on their way to a hub, and results that name them.

#pragma once

#include <string>

#include "common/digest.h"
#include "tests/unit/hub_fixture.h"

namespace skerry::hub {

inline std::string patterned(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(i * 31 + i / 977);
  }
  return bytes;
}

inline grpc::Status upload(v1::AgentLink::Stub& stub, const std::string& digest,
                           const std::string& bytes, v1::UploadReply& reply) {
  grpc::ClientContext context;
  const auto stream = stub.Upload(&context, &reply);
  v1::UploadChunk chunk;
  chunk.set_digest(digest);
  for (std::size_t at = 0; at < bytes.size(); at += 100'000) {
    chunk.set_data(bytes.substr(at, 100'000));
    if (!stream->Write(chunk)) {
      break;
    }
    chunk.clear_digest();
  }
  stream->WritesDone();
  return stream->Finish();
}

// Some blob of kBlobBytes; its digest.
constexpr std::size_t kBlobBytes = 300'000;
inline std::string upload_blob(v1::AgentLink::Stub& stub) {
  const std::string bytes = patterned(kBlobBytes);
  std::string digest = sha256_digest(bytes);
  v1::UploadReply reply;
  EXPECT_TRUE(upload(stub, digest, bytes, reply).ok());
  return digest;
}

inline v1::AgentMessage result_message(const std::string& blob) {
  v1::AgentMessage message;
  v1::AttemptResult& result = *message.mutable_result();
  result.mutable_attempt()->set_job_id(5);
  result.mutable_attempt()->set_attempt(1);
  result.mutable_attempt()->set_uid_low(9);
  result.set_outcome(v1::OUTCOME_SUCCEEDED);
  result.mutable_output()->set_blob(blob);
  result.mutable_output()->set_size_bytes(1);
  return message;
}

}  // namespace skerry::hub
