// The driver over a disk that stalls, or is full: what is refused then, and what goes on.
#include "controller/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/digest.h"
#include "controller/store/memory_store.h"

namespace skerry::controller {
namespace {

using ::testing::HasSubstr;

// A disk that makes everything durable as soon as it comes, until it stalls.
class StallingStore final : public store::Store {
 public:
  explicit StallingStore(std::function<void(store::Position)> on_durable)
      : memory_({.on_durable = std::move(on_durable)}) {}

  store::Position append(store::Batch batch) override {
    const store::Position position = memory_.append(std::move(batch));
    if (!stalled_) {
      memory_.sync();
    }
    return position;
  }
  store::Position durable() const override { return memory_.durable(); }
  store::Backlog backlog() const override { return memory_.backlog(); }
  store::Space space() const override { return {.state = space_, .free_bytes = 5U << 20}; }
  Result<std::string> get(store::Table table, std::string_view key) const override {
    return memory_.get(table, key);
  }
  Result<std::vector<store::Entry>> scan(store::Table table, std::string_view from,
                                         std::size_t limit) const override {
    return memory_.scan(table, from, limit);
  }

  void have_space(store::Space::State state) { space_ = state; }
  void stall() { stalled_ = true; }
  void recover() {
    stalled_ = false;
    memory_.sync();
  }

 private:
  store::MemoryStore memory_;
  bool stalled_ = false;
  store::Space::State space_ = store::Space::State::kEnough;
};

class TestClock final : public Clock {
 public:
  Instant now() override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Instant now_ = instant_from_us(1'700'000'000'000'000);
};

core::Settings settings() {
  core::Settings settings;
  settings.probe_runs = 0;
  settings.recovery_grace = Duration(0);
  return settings;
}

core::JobSpec job(std::size_t input_bytes, core::Urgency urgency) {
  core::JobSpec spec;
  spec.urgency = urgency;
  spec.ns = "default";
  spec.model = "m";
  spec.inputs = Payload::inlined(std::string(input_bytes, 'x'));
  return spec;
}

class DriverOnAStalledDisk : public ::testing::Test {
 protected:
  DriverOnAStalledDisk() {
    EXPECT_TRUE(
        driver_.start(store_, {.send = [this](const core::Send& send) { sent(send); },
                               .happened = [this](const core::Happening& what) { heard(what); },
                               .warn = [](std::string_view) {}}));
    ModelManifest manifest{.name = "m"};
    manifest.inputs.push_back({.name = "x", .kind = InputKind::kTensor, .shape = {-1}});
    manifest.outputs.push_back({.name = "y", .kind = OutputKind::kTensor});
    manifest.variants.push_back(
        {.name = "v", .accuracy = 0.9, .memory_bytes = 1, .reference_ms = 1});
    EXPECT_TRUE(ask(core::PutModel{.ticket = core::kNoTicket, .manifest = manifest}));
    core::AgentHello hello{.session = kSession, .incarnation = 1, .capacity = 4};
    hello.node = {.name = "n", .engines = {"torch"}, .slots = 2, .memory_bytes = 1U << 30};
    tell(std::move(hello));
  }
  ~DriverOnAStalledDisk() override { std::filesystem::remove_all(root_); }

  void run() {
    io_.restart();
    io_.poll();
  }
  void tell(core::Event event) {
    driver_.tell(std::move(event));
    run();
  }
  // kUnavailable while the answer waits for the disk.
  Result<core::Reply> ask(core::Event event) {
    answers_.push_back(
        std::make_shared<Result<core::Reply>>(fail(ErrorCode::kUnavailable, "no answer yet")));
    driver_.ask(std::move(event),
                [into = answers_.back()](Result<core::Reply> reply) { *into = std::move(reply); });
    run();
    return *answers_.back();
  }
  static core::Submit submission(core::Urgency urgency, std::size_t input_bytes = 10) {
    return {.ticket = core::kNoTicket,
            .jobs = {job(input_bytes, urgency)},
            .idempotency = {},
            .wait_until = {}};
  }
  Result<core::Reply> submit(core::Urgency urgency = core::Urgency::kInteractive,
                             std::size_t input_bytes = 10) {
    return ask(submission(urgency, input_bytes));
  }
  void sent(const core::Send& send) {
    if (const auto* assign = std::get_if<core::AssignAttempt>(&send.command)) {
      assigned_.push_back(assign->attempt);
    }
    acknowledged_ += std::holds_alternative<core::AckResult>(send.command) ? 1 : 0;
    heartbeats_ += std::holds_alternative<core::AckHeartbeat>(send.command) ? 1 : 0;
  }
  void heard(const core::Happening& what) {
    if (const auto* refused = std::get_if<core::SubmitRefused>(&what)) {
      refused_.push_back(*refused);
    }
  }
  // Submits until refused; returns how many the driver took.
  int submit_until_refused(core::Urgency urgency = core::Urgency::kInteractive,
                           std::size_t input_bytes = 10) {
    for (int taken = 0; taken < 100; ++taken) {
      const Result<core::Reply> answer = submit(urgency, input_bytes);
      if (!answer && answer.error().code == ErrorCode::kOverloaded) {
        return taken;
      }
    }
    return 100;
  }

  static constexpr SessionId kSession{1};
  const std::filesystem::path root_ =
      std::filesystem::path(::testing::TempDir()) / ("driver-" + to_hex(random_bytes(8)));
  boost::asio::io_context io_;
  TestClock clock_;
  std::unique_ptr<blobs::BlobDir> blobs_ = *blobs::BlobDir::open(root_);
  core::Core core_{settings(), 1};
  StallingStore store_{[this](store::Position position) { driver_.on_durable(position); }};
  Driver driver_{io_, core_, *blobs_, clock_, {.batches = 10, .bytes = 10'000}, seconds(1)};
  std::vector<std::shared_ptr<Result<core::Reply>>> answers_;
  std::vector<core::AttemptRef> assigned_;
  int acknowledged_ = 0;
  int heartbeats_ = 0;
  std::vector<core::SubmitRefused> refused_;
};

TEST_F(DriverOnAStalledDisk, RefusesSubmitsBeyondItsBatchesAndTakesThemWhenTheDiskIsWell) {
  ASSERT_TRUE(submit());
  EXPECT_TRUE(driver_.accepts_work());
  store_.stall();
  EXPECT_EQ(submit_until_refused(), 11);  // the limit, and the one that goes beyond it
  EXPECT_EQ(driver_.accepts_work().error().code, ErrorCode::kOverloaded);
  EXPECT_THAT(driver_.accepts_work().error().message, HasSubstr("11 batches"));
  store_.recover();
  run();
  EXPECT_TRUE(submit());
}

TEST_F(DriverOnAStalledDisk, RefusesSubmitsBeyondItsBytes) {
  store_.stall();
  EXPECT_EQ(submit_until_refused(core::Urgency::kInteractive, 6'000), 2);
}

TEST_F(DriverOnAStalledDisk, RefusesBatchFirstAndInteractiveLastAndTellsMetrics) {
  store_.stall();
  EXPECT_EQ(submit_until_refused(core::Urgency::kBatch), 9);
  EXPECT_EQ(submit_until_refused(core::Urgency::kNormal), 1);
  EXPECT_EQ(submit_until_refused(core::Urgency::kInteractive), 1);
  ASSERT_EQ(refused_.size(), 3u);
  EXPECT_EQ(refused_.front().ns, "default");
  EXPECT_EQ(refused_.front().reason, "overloaded");
}

TEST_F(DriverOnAStalledDisk, RefusesWhatWaitedTooLongForTheCoreAndTakesEverythingElse) {
  const auto taken_after = [this](Duration late, core::Urgency urgency) {
    Result<core::Reply> answer = fail(ErrorCode::kUnavailable, "no answer yet");
    driver_.ask(submission(urgency),
                [&answer](Result<core::Reply> reply) { answer = std::move(reply); });
    driver_.tell(core::AgentHeartbeat{.session = kSession, .rtt = late, .telemetry = {}});
    clock_.advance(late);
    run();
    EXPECT_EQ(core_.nodes().at(0).last_heartbeat, clock_.now()) << "agents are heard";
    return answer.has_value();
  };
  EXPECT_TRUE(taken_after(milliseconds(790), core::Urgency::kBatch));
  EXPECT_FALSE(taken_after(milliseconds(810), core::Urgency::kBatch));
  EXPECT_TRUE(taken_after(milliseconds(810), core::Urgency::kNormal));
  EXPECT_FALSE(taken_after(milliseconds(910), core::Urgency::kNormal));
  EXPECT_TRUE(taken_after(milliseconds(910), core::Urgency::kInteractive));
  EXPECT_FALSE(taken_after(milliseconds(1010), core::Urgency::kInteractive));
}

TEST_F(DriverOnAStalledDisk, AnswersEverythingThatItTookOnceTheDiskIsWell) {
  store_.stall();
  submit_until_refused();
  store_.recover();
  run();
  int accepted = 0;
  for (const auto& answer : answers_) {
    accepted += answer->has_value() && std::holds_alternative<core::Submitted>(**answer) ? 1 : 0;
  }
  EXPECT_EQ(accepted, 11);
}

TEST_F(DriverOnAStalledDisk, GoesOnWithHeartbeatsCompletionsAndCancelsWhileItRefusesSubmits) {
  const JobId first = std::get<core::Submitted>(*submit()).jobs.at(0);
  const JobId second = std::get<core::Submitted>(*submit()).jobs.at(0);
  ASSERT_EQ(assigned_.size(), 2U);
  store_.stall();
  submit_until_refused();

  tell(core::AgentHeartbeat{.session = kSession, .rtt = milliseconds(7), .telemetry = {}});
  core::AttemptEnded ended{.session = kSession,
                           .attempt = assigned_.front(),
                           .outcome = core::AttemptOutcome::kSucceeded};
  ended.output = Payload::inlined("output");
  tell(std::move(ended));
  EXPECT_FALSE(ask(core::CancelJob{.ticket = core::kNoTicket, .job = second}));  // yet
  EXPECT_DOUBLE_EQ(core_.nodes().at(0).rtt_s, 0.007);
  EXPECT_EQ(core_.find_job(first)->state, core::TaskState::kSucceeded);
  EXPECT_EQ(core_.find_job(second)->state, core::TaskState::kCancelled);
  EXPECT_FALSE(submit());

  store_.recover();
  run();
  EXPECT_TRUE(answers_[answers_.size() - 2]->has_value());  // of the cancel
}

TEST_F(DriverOnAStalledDisk, RefusesEveryChangeThatAClientAsksForWhileSpaceIsLow) {
  const JobId first = std::get<core::Submitted>(*submit()).jobs.at(0);
  store_.have_space(store::Space::State::kLow);
  const core::BatchNumber before = core_.batches_written();
  ModelManifest manifest{.name = "other"};
  const core::Event changes[] = {
      core::Submit{.jobs = {job(10, core::Urgency::kInteractive)}},
      core::CancelJob{.job = first},
      core::PutModel{.manifest = manifest},
      core::DeleteModel{.name = "m"},
      core::ChangeNode{.name = "n", .action = core::NodeAction::kDrain},
      core::ApplyPolicy{.name = "p", .bundle = std::make_shared<const std::string>("b")},
      core::ChangePolicy{.name = "p"},
      core::RollBackPolicy{}};
  for (const core::Event& change : changes) {
    const Result<core::Reply> answer = ask(change);
    ASSERT_FALSE(answer.has_value()) << change.index();
    EXPECT_EQ(answer.error().code, ErrorCode::kStorageFull) << change.index();
    EXPECT_THAT(answer.error().message, HasSubstr("nearly full, 5 MiB are free"));
  }
  EXPECT_EQ(core_.batches_written(), before);
  EXPECT_TRUE(ask(core::ListJobs{}));  // changes nothing
  EXPECT_EQ(driver_.accepts_work().error().code, ErrorCode::kStorageFull);
}

TEST_F(DriverOnAStalledDisk, AcknowledgesResultsOnceThereIsSpaceAgain) {
  const JobId first = std::get<core::Submitted>(*submit()).jobs.at(0);
  store_.stall();
  store_.have_space(store::Space::State::kNone);
  core::AttemptEnded ended{
      .session = kSession, .attempt = assigned_.at(0), .outcome = core::AttemptOutcome::kSucceeded};
  ended.output = Payload::inlined("output");
  tell(std::move(ended));
  tell(core::AgentHeartbeat{.session = kSession, .rtt = milliseconds(7), .telemetry = {}});
  EXPECT_EQ(acknowledged_, 0);
  EXPECT_EQ(heartbeats_, 1);
  store_.have_space(store::Space::State::kEnough);
  store_.recover();
  run();
  EXPECT_EQ(acknowledged_, 1);
  EXPECT_EQ(core_.find_job(first)->state, core::TaskState::kSucceeded);
  EXPECT_TRUE(submit());
}

}  // namespace
}  // namespace skerry::controller
