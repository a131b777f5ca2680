// Tests of the runner as a process, over a socket pair: it answers, it survives what it is sent,
// and it dies alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/runner_bench.h"

namespace skerry::runner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Runner, AnswersAnImageWithLabels) {
  Bench bench;
  const auto loaded = bench.call(load_of(digits(), digits_model("small.pt"), "auto"));
  ASSERT_TRUE(loaded && std::holds_alternative<Loaded>(*loaded));
  EXPECT_GT(std::get<Loaded>(*loaded).memory_bytes, 1'000'000u);
  EXPECT_THAT(std::get<Loaded>(*loaded).device, testing::StartsWith("c"));
  const Values outputs = bench.run(seven());
  EXPECT_EQ(best_label(outputs), "7");
  EXPECT_EQ(std::get<Labels>(outputs[0].value).size(), 3u);
  EXPECT_EQ(outputs[0].name, "digit");
  EXPECT_EQ(bench.process().finish(), 0);
}

TEST(Runner, AFileThatIsNoModelIsFailedAndTheRunnerLivesOn) {
  Bench bench;
  const std::string garbage = testing::TempDir() + "/garbage.pt";
  const std::string model = read_file(digits_model("small.pt"));
  for (const std::string& bytes :
       {std::string(), std::string("not a zip"), model.substr(0, model.size() / 2),
        std::string(1 << 16, '\xff')}) {
    std::ofstream(garbage, std::ios::binary) << bytes;
    const Error error = bench.load_error(load_of(digits(), garbage));
    EXPECT_EQ(error.code, ErrorCode::kModelFailed);
    EXPECT_THAT(error.message, HasSubstr("the model is refused: it is not laid out as PyTorch"));
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
  }
  const Error gone = bench.load_error(load_of(digits(), "/nowhere/model.pt"));
  EXPECT_EQ(gone.code, ErrorCode::kModelFailed);
  EXPECT_THAT(gone.message, HasSubstr("/nowhere/model.pt does not open"));
  ASSERT_TRUE(bench.load(load_of(digits(), digits_model("small.pt"))));
  EXPECT_EQ(best_label(bench.run(seven())), "7");
}

TEST(Runner, BadInputsAreFailedAndTheNextIsAnswered) {
  Bench bench;
  EXPECT_EQ(bench.run_error("").code, ErrorCode::kUnavailable) << "no model yet";
  ASSERT_TRUE(bench.load(load_of(digits(), digits_model("small.pt"))));
  EXPECT_EQ(bench.load_error(load_of(digits(), digits_model("small.pt"))).code,
            ErrorCode::kConflict);
  const std::string png = std::get<Media>(seven()[0].value).data;
  const std::string bad[] = {
      "x",
      encode_values({}),
      encode_values({{"picture", Media{.type = {}, .data = png}}}),
      encode_values({{"image", Media{}}}),
      encode_values({{"image", Media{.type = {}, .data = png.substr(0, png.size() / 2)}}}),
      encode_values({{"image", floats({1, 1, 20, 20}, std::vector<float>(400))}}),
      encode_values(seven()).substr(0, 40)};
  for (const std::string& inputs : bad) {
    const Error error = bench.run_error(inputs);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << error.message;
    EXPECT_FALSE(error.message.empty());
    EXPECT_EQ(best_label(bench.run(seven())), "7");
  }
}

TEST(Runner, AnswersQueuedRequestsInOrder) {
  Bench bench;
  ASSERT_TRUE(bench.load(load_of(digits(), digits_model("small.pt"))));
  std::string requests;
  for (std::uint64_t id = 1; id <= 5; ++id) {
    requests += encode_frame(runner::Run{.id = id, .inputs = encode_values(seven())});
  }
  ASSERT_TRUE(bench.process().send_bytes(requests));
  for (std::uint64_t id = 1; id <= 5; ++id) {
    const auto frame = bench.process().receive();
    ASSERT_TRUE(frame && std::holds_alternative<Ran>(*frame));
    EXPECT_EQ(std::get<Ran>(*frame).id, id);
  }
}

TEST(Runner, AMemoryLimitEndsTheForwardAndNotTheRunner) {
  Bench bench({"--memory-limit-mb", "400"});
  ASSERT_TRUE(bench.load(load_of(manifest_of({tensor_input("x", {})}), test_model("hungry"))));
  EXPECT_THAT(floats_of(bench.run({{"x", floats({}, {1000})}})[0]), ElementsAre(1000));
  EXPECT_EQ(bench.run_error(encode_values({{"x", floats({}, {2e8f})}})).code,
            ErrorCode::kModelFailed);
  EXPECT_THAT(floats_of(bench.run({{"x", floats({}, {1000})}})[0]), ElementsAre(1000));
}

TEST(Runner, AForwardThatNeverEndsEndsWithItsProcess) {
  Bench bench;
  ASSERT_TRUE(bench.load(load_of(manifest_of({tensor_input("x", {-1})}), test_model("endless"))));
  ASSERT_TRUE(bench.process().send_bytes(
      encode_frame(runner::Run{.id = 1, .inputs = encode_values({{"x", floats({1}, {1})}})})));
  ASSERT_EQ(kill(bench.process().pid(), SIGKILL), 0);
  EXPECT_EQ(bench.process().receive().error().code, ErrorCode::kRunnerCrashed);
  EXPECT_EQ(bench.process().finish(), -SIGKILL);
}

TEST(Runner, LeavesWhenTheAgentIsOfAnotherBuild) {
  Bench garbage;
  ASSERT_TRUE(garbage.process().send_bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(garbage.process().receive().error().code, ErrorCode::kRunnerCrashed);
  EXPECT_EQ(garbage.process().finish(), 2);
  Bench confused;
  EXPECT_EQ(confused.call(Loaded{}).error().code, ErrorCode::kRunnerCrashed);
  EXPECT_EQ(confused.process().finish(), 2);
}

TEST(Runner, GivesUpWhatItDoesNotNeed) {
  Bench bench;
  EXPECT_EQ(bench.run_error("").code, ErrorCode::kUnavailable);  // it has entered its loop
  const std::string proc = "/proc/" + std::to_string(bench.process().pid());
  EXPECT_THAT(read_file(proc + "/status"), HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(read_file(proc + "/status"), HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(read_file(proc + "/status"), HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(read_file(proc + "/status"), HasSubstr("Threads:\t1\n"));
  EXPECT_LT(bench.process().resident_bytes(), 20'000'000u)
      << "an empty runner has not opened libtorch";
  if (geteuid() != 0) {
    GTEST_SKIP() << "its descriptors are nobody else's to see";
  }
  std::vector<std::string> descriptors;
  for (const auto& entry : std::filesystem::directory_iterator(proc + "/fd")) {
    const std::string target = std::filesystem::read_symlink(entry.path());
    if (!target.ends_with("/statm")) {  // how much memory it takes is its to tell
      descriptors.push_back(entry.path().filename());
    }
  }
  EXPECT_THAT(descriptors, testing::Each(testing::AnyOf("0", "1", "2", "3")));
}

}  // namespace
}  // namespace skerry::runner
