// The real skerry-agent against a controller in this process: greeting, work, large data, cuts,
// cancellation, a graceful end. With the real runner, where it was built, it also tells a seven
// from its picture.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/values.h"
#include "tests/unit/agent_controller_double.h"
#include "tests/unit/agent_process.h"

namespace skerry::agent {
namespace {

using testing::ControllerDouble;
using ::testing::HasSubstr;
using Kind = v1::AgentMessage::BodyCase;

const std::string kSource = SKERRY_SOURCE_DIR;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct DaemonTest : ::testing::Test {
  std::string state = ::testing::TempDir() + "/skerry-daemon-" + to_hex(random_bytes(6));
  ControllerDouble controller;

  ~DaemonTest() override { std::filesystem::remove_all(state); }

  v1::Hello greet(std::uint64_t epoch = 3) {
    const auto hello = controller.next(Kind::kHello);
    EXPECT_TRUE(hello) << "no hello came";
    v1::ControllerMessage message;
    message.mutable_welcome()->set_version(1);
    message.mutable_welcome()->set_epoch(epoch);
    message.mutable_welcome()->set_session("s1");
    controller.send(message);
    return hello ? hello->hello() : v1::Hello();
  }
  static v1::AttemptRef ref(std::uint64_t n) {
    v1::AttemptRef attempt;
    attempt.set_job_id(n);
    attempt.set_attempt(1);
    attempt.set_uid_high(1);
    attempt.set_uid_low(n);
    return attempt;
  }
  static v1::ControllerMessage noop(std::uint64_t n, const std::string& input) {
    v1::ControllerMessage message;
    v1::Assign& assign = *message.mutable_assign();
    *assign.mutable_attempt() = ref(n);
    assign.set_model("echo");
    assign.set_variant("only");
    assign.set_manifest_revision(1);
    assign.set_manifest_json(
        R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"echo"},)"
        R"("spec":{"engine":"noop","variants":[{"name":"only"}]}})");
    assign.mutable_input()->set_inline_(input);
    assign.set_epoch(3);
    return message;
  }
  v1::AttemptResult result() {
    const auto message = controller.next(Kind::kResult);
    EXPECT_TRUE(message) << "no result came";
    return message ? message->result() : v1::AttemptResult();
  }
  void acknowledge(const v1::AttemptResult& settled) {
    v1::ControllerMessage message;
    *message.mutable_result_ack()->mutable_attempt() = settled.attempt();
    message.mutable_result_ack()->set_committed(true);
    controller.send(message);
  }
};

TEST_F(DaemonTest, SaysHelloBeatsRunsAndEndsGracefully) {
  AgentProcess agent(controller.address(), state,
                     {"slots=3", "labels={zone: east}", "tier=device", "price_usd_per_hour=3.6"});
  const v1::Hello hello = greet();
  EXPECT_EQ(hello.node_name(), "kiosk");
  EXPECT_EQ(hello.incarnation(), 1u);
  EXPECT_EQ(hello.identity().size(), 32u);
  EXPECT_EQ(hello.capacity(), 3u + 12u);
  EXPECT_EQ(hello.capabilities().tier(), "device");
  EXPECT_EQ(hello.capabilities().labels().at("zone"), "east");
  EXPECT_EQ(hello.capabilities().labels().at("skerry/cpu-limit"), "none");
  const auto heartbeat = controller.next(Kind::kHeartbeat);
  ASSERT_TRUE(heartbeat);
  EXPECT_GT(heartbeat->heartbeat().telemetry().memory_total_bytes(), 0u);
  controller.send(noop(1, "ping"));
  EXPECT_TRUE(controller.next(Kind::kStarted));
  const v1::AttemptResult done = result();
  EXPECT_EQ(done.outcome(), v1::OUTCOME_SUCCEEDED);
  EXPECT_EQ(done.output().inline_(), "ping");
  EXPECT_EQ(done.usage().energy_source(), hello.capabilities().energy_source());
  const auto measured = controller.next(Kind::kHeartbeat);
  ASSERT_TRUE(measured);
  EXPECT_GT(measured->heartbeat().rtt_us(), 0u);
  acknowledge(done);
  EXPECT_EQ(agent.stop(), 0);
  EXPECT_TRUE(controller.next(Kind::kGoodbye));
}

TEST_F(DaemonTest, ResultsOutliveACutAndAreSentUntilAcknowledged) {
  AgentProcess agent(controller.address(), state, {});
  greet();
  controller.send(noop(1, "one"));
  const v1::AttemptResult first = result();
  controller.cut();
  const v1::Hello again = greet();
  ASSERT_EQ(again.spooled_size(), 1);
  EXPECT_EQ(again.spooled(0).uid_low(), 1u);
  const v1::AttemptResult second = result();
  EXPECT_EQ(second.attempt().uid_low(), first.attempt().uid_low());
  acknowledge(second);
  controller.send(noop(2, "two"));
  acknowledge(result());
  EXPECT_EQ(agent.stop(), 0);
  ASSERT_TRUE(controller.next(Kind::kGoodbye));
}

TEST_F(DaemonTest, AnInputAndAResultTooLargeForTheStreamTravelApart) {
  AgentProcess agent(controller.address(), state, {});
  greet();
  const std::string large(600'000, 'L');
  v1::ControllerMessage message = noop(1, "");
  message.mutable_assign()->mutable_input()->set_blob(controller.offer(large));
  message.mutable_assign()->mutable_input()->set_size_bytes(large.size());
  controller.send(message);
  const v1::AttemptResult done = result();
  EXPECT_EQ(done.outcome(), v1::OUTCOME_SUCCEEDED) << done.error();
  EXPECT_EQ(done.output().blob(), sha256_digest(large));
  EXPECT_EQ(done.output().size_bytes(), large.size());
  EXPECT_EQ(controller.blob(done.output().blob()), large);
  EXPECT_GT(done.usage().fetch_us(), 0u);
}

TEST_F(DaemonTest, AStateDirectoryInUseIsRefused) {
  AgentProcess first(controller.address(), state, {});
  greet();
  AgentProcess second(controller.address(), state, {});
  EXPECT_EQ(WEXITSTATUS(second.wait()), 1);
}

// ---- with the real runner

struct RunnerTest : DaemonTest {
  std::string runner = SKERRY_RUNNER_PROGRAM;

  void SetUp() override { ASSERT_TRUE(std::filesystem::exists(runner)) << runner; }
  v1::ControllerMessage digits(std::uint64_t n, const std::string& manifest) {
    v1::ControllerMessage message = noop(
        n, encode_values(
               {{"image", Media{"image/png", content_of(kSource + "/models/digits/seven.png")}}}));
    v1::Assign& assign = *message.mutable_assign();
    assign.set_model("digits");
    assign.set_variant("small");
    assign.set_manifest_json(manifest);
    assign.set_artifact(controller.offer(content_of(kSource + "/models/digits/small.pt")));
    return message;
  }
  static std::string manifest(const std::string& file) {
    const std::string digest = sha256_digest(content_of(file));
    return R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"digits"},"spec":{"inputs":[{"name":"image",)"
           R"("kind":"image","image":{"width":20,"height":20,"channels":1,"mean":[0.5],"std":[0.5]}}],"outputs":[{"name":)"
           R"("digit","kind":"labels","labels":["0","1","2","3","4","5","6","7","8","9"]}],"variants":[{"name":"small",)"
           R"("digest":")" +
           digest + R"("}]}})";
  }
};

TEST_F(RunnerTest, TellsASevenFromItsPictureAndReportsWhatItTook) {
  AgentProcess agent(controller.address(), state, {"runner.program=" + runner});
  greet();
  const std::string made = manifest(kSource + "/models/digits/small.pt");
  v1::ControllerMessage probe;
  probe.mutable_probe()->set_model("digits");
  probe.mutable_probe()->set_variant("small");
  probe.mutable_probe()->set_artifact(
      controller.offer(content_of(kSource + "/models/digits/small.pt")));
  probe.mutable_probe()->set_manifest_json(made);
  probe.mutable_probe()->set_manifest_revision(1);
  probe.mutable_probe()->set_runs(2);
  controller.send(probe);
  const auto probed = controller.next(Kind::kProbeResult, std::chrono::seconds(90));
  ASSERT_TRUE(probed);
  EXPECT_EQ(probed->probe_result().error(), "");
  EXPECT_EQ(probed->probe_result().service_us_size(), 2);
  EXPECT_GT(probed->probe_result().memory_bytes(), 10u << 20);
  ASSERT_TRUE(controller.next(Kind::kResident));
  controller.send(digits(1, made));
  const v1::AttemptResult done = result();
  ASSERT_EQ(done.outcome(), v1::OUTCOME_SUCCEEDED) << done.error();
  const auto values = decode_values(done.output().inline_());
  ASSERT_TRUE(values);
  EXPECT_EQ(std::get<Labels>((*values)[0].value)[0].text, "7");
  EXPECT_EQ(done.usage().load_us(), 0u);
  EXPECT_GT(done.usage().service_us(), 0u);
}

TEST_F(RunnerTest, AWrongInputIsTheUsersErrorAndTheRunnerLivesOn) {
  AgentProcess agent(controller.address(), state, {"runner.program=" + runner});
  greet();
  const std::string made = manifest(kSource + "/models/digits/small.pt");
  v1::ControllerMessage wrong = digits(1, made);
  wrong.mutable_assign()->mutable_input()->set_inline_(
      encode_values({{"image", Media{"image/png", "no picture"}}}));
  controller.send(wrong);
  EXPECT_EQ(result().outcome(), v1::OUTCOME_MODEL_FAILED);
  controller.send(digits(2, made));
  const v1::AttemptResult fine = result();
  EXPECT_EQ(fine.outcome(), v1::OUTCOME_SUCCEEDED) << fine.error();
  EXPECT_EQ(fine.usage().load_us(), 0u);
}

}  // namespace
}  // namespace skerry::agent
