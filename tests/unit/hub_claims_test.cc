// What messages name of the blobs that are here: claimed before the core is told, and kept until then.

#include <limits>
#include <thread>

#include "controller/hub/upload_pins.h"
#include "controller/records/site_job.h"
#include "tests/unit/hub_transfers.h"

namespace skerry::hub {
namespace {

TEST_P(HubTest, TellsAResultWithItsBlobAndTheSizeThatIsThere) {
  start();
  TestAgent agent = dial();
  welcome(agent);
  const std::string digest = upload_blob(agent.stub());
  agent.say(result_message(digest));
  const auto ended = gateway_.next_as<core::AttemptEnded>();
  EXPECT_EQ(ended.outcome, core::AttemptOutcome::kSucceeded);
  EXPECT_EQ(ended.output.blob, digest);
  EXPECT_EQ(ended.output.size_bytes, kBlobBytes) << "the directory's word, not the agent's";
}

TEST_P(HubTest, TellsAJobThatASiteBringsWithTheSizeThatIsThere) {
  start();
  TestAgent agent = dial();
  welcome(agent);
  const std::string digest = upload_blob(agent.stub());
  const JobId id = JobId::make({9}, 1);
  core::JobSpec spec{.model = "m",
                     .inputs = Payload::stored(digest, std::numeric_limits<std::uint64_t>::max())};
  spec.preference = *scheduler::preset("balanced");
  const records::SiteJobBytes brought =
      records::encode_site_job({.job = {id, spec, {}}, .task = {.id = id}, .result = std::nullopt});
  v1::AgentMessage message;
  message.mutable_site_job()->set_id(brought.id.value);
  message.mutable_site_job()->set_job(brought.job);
  message.mutable_site_job()->set_task(brought.task);
  agent.say(message);
  const auto told = gateway_.next_as<core::SiteJobBrought>();
  EXPECT_EQ(told.job.job.spec.inputs.size_bytes, kBlobBytes);
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
  TestAgent agent = dial();
  const std::string digest = upload_blob(agent.stub());
  blobs_->abandon(digest);
  ASSERT_TRUE(blobs_->reap());
  EXPECT_TRUE(blobs_->size_bytes(digest));
}

TEST_P(HubTest, RemovesAnUploadWhoseJobTheCoreHasForgotten) {
  options_.watch_interval = milliseconds(1);
  start();
  TestAgent agent = dial();
  welcome(agent);
  const std::string digest = upload_blob(agent.stub());
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
