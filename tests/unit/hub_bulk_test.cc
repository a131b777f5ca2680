#include <atomic>

#include "tests/unit/hub_transfers.h"

namespace skerry::hub {
namespace {

struct Fetched {
  grpc::Status status;
  std::uint64_t total_bytes = 0;
  std::string data;
};

Fetched fetch(v1::AgentLink::Stub& stub, const std::string& digest, std::uint64_t offset,
              std::size_t most_chunks = SIZE_MAX) {
  grpc::ClientContext context;
  v1::FetchRequest request;
  request.set_digest(digest);
  request.set_offset(offset);
  const auto stream = stub.Fetch(&context, request);
  Fetched fetched;
  v1::Chunk chunk;
  std::size_t chunks = 0;
  while (chunks < most_chunks && stream->Read(&chunk)) {
    ++chunks;
    fetched.total_bytes = std::max(fetched.total_bytes, chunk.total_bytes());
    fetched.data += chunk.data();
  }
  if (chunks == most_chunks) {
    context.TryCancel();
  }
  fetched.status = stream->Finish();
  return fetched;
}

TEST_P(HubTest, FetchesABlob) {
  start();
  const std::string bytes = patterned(1'000'000);
  const std::string digest = blobs_->put(bytes)->digest();
  TestAgent agent = dial();
  const Fetched fetched = fetch(agent.stub(), digest, 0);
  EXPECT_EQ(fetched.total_bytes, bytes.size());
  EXPECT_TRUE(fetched.data == bytes);
}

TEST_P(HubTest, ResumesAFetchThatWasCutOff) {
  start();
  const std::string bytes = patterned(1'000'000);
  const std::string digest = blobs_->put(bytes)->digest();
  TestAgent agent = dial();
  const Fetched begun = fetch(agent.stub(), digest, 0, 2);
  ASSERT_LT(begun.data.size(), bytes.size());
  const Fetched rest = fetch(agent.stub(), digest, begun.data.size());
  EXPECT_EQ(rest.total_bytes, bytes.size());
  EXPECT_TRUE(begun.data + rest.data == bytes);
}

TEST_P(HubTest, AnswersAFetchBehindTheLastByteWithTheSizeAlone) {
  start();
  const std::string digest = blobs_->put("four")->digest();
  TestAgent agent = dial();
  EXPECT_EQ(fetch(agent.stub(), digest, 4).total_bytes, 4u);
  EXPECT_EQ(fetch(agent.stub(), digest, 5).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_P(HubTest, RefusesToFetchWhatIsNotThereOrNoDigest) {
  start();
  TestAgent agent = dial();
  EXPECT_EQ(fetch(agent.stub(), sha256_digest("nobody has it"), 0).status.error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(fetch(agent.stub(), "../../etc/passwd", 0).status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_P(HubTest, AnswersHeartbeatsWhileABlobIsFetched) {
  start();
  const std::string bytes = patterned(4 << 20);
  const std::string digest = blobs_->put(bytes)->digest();
  TestAgent agent = dial();
  TestAgent bulk = dial();
  const SessionId session = welcome(agent);
  std::atomic<bool> fetched = false;
  std::jthread fetching([&] {
    EXPECT_TRUE(fetch(bulk.stub(), digest, 0).data == bytes);
    fetched = true;
  });
  for (std::uint64_t beat = 1; beat <= 20 || !fetched; ++beat) {
    agent.say(heartbeat_message(beat));
    gateway_.next_as<core::AgentHeartbeat>();
    hub_->send({session, core::AckHeartbeat{}});
    ASSERT_EQ(agent.hear().heartbeat_ack().sent_us(), beat);
  }
}

TEST_P(HubTest, StoresAnUploadUnderItsDigest) {
  start();
  const std::string bytes = patterned(700'000);
  TestAgent agent = dial();
  v1::UploadReply reply;
  const grpc::Status status = upload(agent.stub(), sha256_digest(bytes), bytes, reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.size_bytes(), bytes.size());
  EXPECT_TRUE(blobs_->read_all(sha256_digest(bytes)) == bytes);
}

TEST_P(HubTest, RefusesAnUploadWithAnotherDigest) {
  start();
  const std::string bytes = patterned(300'000);
  TestAgent agent = dial();
  v1::UploadReply reply;
  EXPECT_EQ(upload(agent.stub(), sha256_digest("other bytes"), bytes, reply).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(upload(agent.stub(), "no digest", bytes, reply).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(upload(agent.stub(), sha256_digest(""), "", reply).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_FALSE(blobs_->size_bytes(sha256_digest(bytes)));
}

TEST_P(HubTest, RefusesAnUploadOverTheLimit) {
  options_.transfers.max_blob_bytes = 150'000;
  start();
  const std::string bytes = patterned(300'000);
  TestAgent agent = dial();
  v1::UploadReply reply;
  EXPECT_EQ(upload(agent.stub(), sha256_digest(bytes), bytes, reply).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_P(HubTest, LeavesNothingOfAnUploadThatWasCutOff) {
  start();
  const std::string bytes = patterned(300'000);
  TestAgent agent = dial();
  grpc::ClientContext context;
  v1::UploadReply reply;
  const auto stream = agent.stub().Upload(&context, &reply);
  v1::UploadChunk chunk;
  chunk.set_digest(sha256_digest(bytes));
  chunk.set_data(bytes.substr(0, 100'000));
  ASSERT_TRUE(stream->Write(chunk));
  context.TryCancel();
  stream->Finish();
  hub_->stop();  // after which the call is over
  EXPECT_FALSE(blobs_->size_bytes(sha256_digest(bytes)));
  EXPECT_FALSE(blobs_->size_bytes(sha256_digest(chunk.data())));
  EXPECT_EQ(hub_->count(Count::kTransfers), 0u);
}

TEST_P(HubTest, StopsInTimeThoughAFetchIsNotReadOn) {
  options_.close_timeout = milliseconds(20);
  start();
  const std::string digest = blobs_->put(patterned(32 << 20))->digest();
  TestAgent agent = dial();
  grpc::ClientContext context;
  v1::FetchRequest request;
  request.set_digest(digest);
  const auto held = agent.stub().Fetch(&context, request);
  v1::Chunk chunk;
  ASSERT_TRUE(held->Read(&chunk));
  hub_->stop();
  EXPECT_EQ(hub_->count(Count::kTransfers), 0u);
  context.TryCancel();
  held->Finish();
}

TEST_P(HubTest, BoundsTheTransfersOfOneConnection) {
  options_.transfers.per_connection = 1;
  start();
  const std::string digest = blobs_->put(patterned(4 << 20))->digest();
  TestAgent agent = dial();
  TestAgent other = dial();

  grpc::ClientContext context;
  v1::FetchRequest request;
  request.set_digest(digest);
  const auto held = agent.stub().Fetch(&context, request);
  v1::Chunk chunk;
  ASSERT_TRUE(held->Read(&chunk));  // under way, and not read on
  EXPECT_EQ(fetch(agent.stub(), digest, 0).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(fetch(other.stub(), digest, 0).data.size(), 4u << 20);
  context.TryCancel();
  held->Finish();
}

TEST_P(HubTest, CancelsATransferThatDoesNotMoveOn) {
  options_.transfers.idle_timeout = milliseconds(20);
  options_.watch_interval = milliseconds(5);
  start();
  TestAgent agent = dial();
  grpc::ClientContext context;
  v1::UploadReply reply;
  const auto stream = agent.stub().Upload(&context, &reply);
  EXPECT_FALSE(stream->Finish().ok());
}

}  // namespace
}  // namespace skerry::hub
