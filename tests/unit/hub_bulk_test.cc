#include <atomic>
#include <thread>

#include "common/digest.h"
#include "controller/hub/upload_pins.h"
#include "tests/unit/hub_fixture.h"

namespace skerry::hub {
namespace {

std::string patterned(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(i * 31 + i / 977);
  }
  return bytes;
}

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

grpc::Status upload(v1::AgentLink::Stub& stub, const std::string& digest, const std::string& bytes,
                    v1::UploadReply& reply) {
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

v1::AgentMessage result_message(const std::string& blob) {
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

TEST_P(HubTest, TellsAResultWithItsBlobAndTheSizeThatIsThere) {
  start();
  const std::string bytes = patterned(300'000);
  const std::string digest = sha256_digest(bytes);
  TestAgent agent = dial();
  welcome(agent);
  v1::UploadReply reply;
  ASSERT_TRUE(upload(agent.stub(), digest, bytes, reply).ok());
  agent.say(result_message(digest));
  const auto ended = gateway_.next_as<core::AttemptEnded>();
  EXPECT_EQ(ended.outcome, core::AttemptOutcome::kSucceeded);
  EXPECT_EQ(ended.output.blob, digest);
  EXPECT_EQ(ended.output.size_bytes, bytes.size()) << "the directory's word, not the agent's";
}

TEST_P(HubTest, EndsAnAttemptWhoseResultCannotBeTakenSoThatItIsTriedAgain) {
  start();
  TestAgent agent = dial();
  welcome(agent);
  v1::AgentMessage unknown_outcome = result_message("");
  unknown_outcome.mutable_result()->set_outcome(static_cast<v1::Outcome>(99));
  agent.say(result_message(sha256_digest("never uploaded")));
  agent.say(unknown_outcome);
  for (const std::string code : {"not_found", "invalid_argument"}) {
    EXPECT_EQ(agent.hear().refused().code(), code);
    const auto ended = gateway_.next_as<core::AttemptEnded>();
    EXPECT_EQ(ended.outcome, core::AttemptOutcome::kInfrastructure);
    EXPECT_EQ(ended.attempt.job.value, 5u);
    EXPECT_TRUE(ended.output.empty());
    EXPECT_FALSE(ended.error.empty());
  }
  v1::AgentMessage nameless = result_message(sha256_digest("x"));
  nameless.mutable_result()->clear_attempt();
  agent.say(nameless);
  EXPECT_EQ(agent.hear().refused().code(), "invalid_argument");
  agent.say(credits_message(1));
  gateway_.next_as<core::CreditsChanged>();
}

TEST_P(HubTest, KeepsAnUploadInPlaceThoughAnOlderJobLetsGoOfTheSameBytes) {
  start();
  const std::string bytes = patterned(300'000);
  const std::string digest = sha256_digest(bytes);
  TestAgent agent = dial();
  v1::UploadReply reply;
  ASSERT_TRUE(upload(agent.stub(), digest, bytes, reply).ok());
  blobs_->abandon(digest);
  ASSERT_TRUE(blobs_->reap());
  EXPECT_TRUE(blobs_->size_bytes(digest));
}

TEST_P(HubTest, RemovesAnUploadWhoseJobTheCoreHasForgotten) {
  options_.watch_interval = milliseconds(1);
  start();
  const std::string bytes = patterned(300'000);
  const std::string digest = sha256_digest(bytes);
  TestAgent agent = dial();
  welcome(agent);
  v1::UploadReply reply;
  ASSERT_TRUE(upload(agent.stub(), digest, bytes, reply).ok());
  agent.say(result_message(digest));
  gateway_.next_as<core::AttemptEnded>();
  blobs_->abandon(digest);  // a job of durability none ends with its answer
  clock_.advance(UploadPins::kAfterClaim - seconds(1));
  EXPECT_TRUE(blobs_->size_bytes(digest)) << "the answer may still be read";
  clock_.advance(seconds(2));
  gateway_.answer_look();
  while (blobs_->size_bytes(digest)) {  // the test's time limit ends it
    std::this_thread::yield();
  }
}

class UploadPinsTest : public HubWorld {
 protected:
  UploadPinsTest() : HubWorld(Way::kPlain) {}
  std::string upload(const std::string& bytes) {
    auto pin = blobs_->put(bytes);
    std::string digest = pin->digest();
    pins_.hold(std::move(*pin), begin_);
    return digest;
  }

  // As when the core is asked about all that is due.
  void expire(Instant now, bool needed) {
    for (const std::string& digest : pins_.due(now)) {
      pins_.settle(digest, needed);
    }
  }

  const Instant begin_ = instant_from_us(1'000'000);
  UploadPins pins_{*blobs_, minutes(10)};
};

TEST_F(UploadPinsTest, ThrowsAwayWhatNoResultNamesInTime) {
  const std::string digest = upload("result");
  expire(begin_ + minutes(10), false);
  EXPECT_TRUE(blobs_->size_bytes(digest));
  expire(begin_ + minutes(10) + microseconds(1), false);
  EXPECT_FALSE(blobs_->size_bytes(digest));
}

TEST_F(UploadPinsTest, LeavesAClaimedBlobToTheCoreAfterAWhile) {
  const std::string digest = upload("result");
  EXPECT_EQ(*pins_.claim(digest, begin_ + minutes(9)), 6u);
  expire(begin_ + minutes(60), true);
  EXPECT_TRUE(blobs_->size_bytes(digest));
  blobs_->abandon(digest);
  ASSERT_TRUE(blobs_->reap());
  EXPECT_FALSE(blobs_->size_bytes(digest)) << "the pin is gone";
}

TEST_F(UploadPinsTest, RemovesAClaimedBlobWhoseResultWasRefusedOrForgotten) {
  const std::string refused = upload("refused");
  EXPECT_TRUE(pins_.claim(refused, begin_));
  const std::string forgotten = upload("forgotten");
  EXPECT_TRUE(pins_.claim(forgotten, begin_));
  blobs_->abandon(forgotten);
  expire(begin_ + UploadPins::kAfterClaim, false);
  EXPECT_TRUE(blobs_->size_bytes(refused));
  EXPECT_TRUE(blobs_->size_bytes(forgotten));
  expire(begin_ + UploadPins::kAfterClaim + microseconds(1), false);
  EXPECT_FALSE(blobs_->size_bytes(refused));
  EXPECT_FALSE(blobs_->size_bytes(forgotten));
}

TEST_F(UploadPinsTest, KeepsWhatIsUploadedOrNamedAgainWhileTheCoreIsAsked) {
  const std::string named = upload("named");
  const std::string uploaded = upload("uploaded");
  const Instant late = begin_ + minutes(11);
  EXPECT_EQ(pins_.due(late).size(), 2u);
  EXPECT_TRUE(pins_.due(late).empty()) << "the core is asked once";
  EXPECT_TRUE(pins_.claim(named, late));
  upload("uploaded");
  for (const std::string& digest : {named, uploaded}) {
    pins_.settle(digest, false);
    EXPECT_TRUE(blobs_->size_bytes(digest));
  }
  expire(late + minutes(10), false);
  EXPECT_FALSE(blobs_->size_bytes(uploaded)) << "the older pin counts for nothing";
}

TEST_F(UploadPinsTest, ClaimsWhatWasThereBeforeAndNothingElse) {
  const std::string digest = blobs_->put("older")->digest();
  EXPECT_EQ(*pins_.claim(digest, begin_), 5u);
  EXPECT_EQ(pins_.claim(sha256_digest("missing"), begin_).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace skerry::hub
