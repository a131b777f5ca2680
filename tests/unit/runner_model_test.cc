// Tests of what a runner makes of models of every kind: their arguments, outputs, state and errors,
// and of manifests that do not fit them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/unit/runner_bench.h"

namespace skerry::runner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RunnerModels, ProbesRunOnSyntheticInputs) {
  Bench bench;
  ASSERT_TRUE(bench.load(load_of(digits(), digits_model("medium.pt"))));
  EXPECT_NE(best_label(bench.run_encoded("")), "none");
}

TEST(RunnerModels, AnExceptionInTheModelIsItsMessageAndNoMore) {
  Bench bench;
  ASSERT_TRUE(bench.load(load_of(manifest_of({tensor_input("x", {-1})}), test_model("raising"))));
  const Error error = bench.run_error(encode_values({{"x", floats({1}, {1})}}));
  EXPECT_EQ(error.code, ErrorCode::kModelFailed);
  EXPECT_THAT(error.message, HasSubstr("more light than the sun"));
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
  EXPECT_THAT(floats_of(bench.run({{"x", floats({1}, {0})}})[0]), ElementsAre(0));
}

TEST(RunnerModels, AModelThatCannotBeWarmedUpStillRuns) {
  Bench bench;
  ASSERT_TRUE(bench.load(load_of(manifest_of({tensor_input("x", {-1})}), test_model("shy"))));
  EXPECT_THAT(floats_of(bench.run({{"x", floats({2}, {1, 2})}})[0]), ElementsAre(1, 2));
}

TEST(RunnerModels, AManifestThatDoesNotFitTheModelIsRefusedAtOnce) {
  Bench bench;
  ModelManifest labelled = digits();
  labelled.outputs[0].labels.pop_back();
  ModelManifest resetting = manifest_of({tensor_input("x", {-1})});
  resetting.stateful = true;
  resetting.reset_method = "rewind";
  ModelManifest two_outputs = manifest_of({tensor_input("x", {-1})});
  two_outputs.outputs = {{.name = "a"}, {.name = "b"}};
  const struct {
    Load load;
    const char* message;
  } cases[] = {
      {load_of(manifest_of({}), test_model("raising")),
       "the manifest has 0 inputs, but the model's forward takes 1 to 1"},
      {load_of(manifest_of({tensor_input("x", {1}), tensor_input("y", {1})}),
               test_model("raising")),
       "the manifest has 2 inputs"},
      {load_of(manifest_of({tensor_input("x", {1})}), test_model("listing")),
       "input 'x' is a List[Tensor]"},
      {load_of(labelled, digits_model("small.pt")),
       "output 'digit' has 9 labels in the manifest, but the model yields 10"},
      {load_of(two_outputs, test_model("raising")),
       "the manifest has 2 outputs, but the model yields 1"},
      {load_of(resetting, test_model("counter")), "no method 'rewind'"},
      {load_of(manifest_of({tensor_input("x", {1})}), test_model("raising"), "tpu"),
       "'tpu' is no device"},
      {{.manifest_json = "{", .artifact_path = {}}, "the manifest is no JSON"},
      {{.manifest_json = "{}", .artifact_path = {}}, "apiVersion"},
      {{.manifest_json = "{}", .artifact_path = {}, .threads = 0}, "0 threads"},
  };
  for (const auto& one : cases) {
    const Error error = bench.load_error(one.load);
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << error.message;
    EXPECT_THAT(error.message, HasSubstr(one.message));
  }
  EXPECT_EQ(bench
                .load_error(load_of(manifest_of({tensor_input("x", {1})}), test_model("raising"),
                                    "cuda:97"))
                .code,
            ErrorCode::kUnsupported);
}

TEST(RunnerModels, ConstantsComeFromTheManifestAndDefaultsFromTheModel) {
  const Values inputs = {{"b", floats({2}, {1, 2})}, {"a", floats({2}, {10, 20})}};
  ModelManifest manifest = manifest_of({tensor_input("a", {-1}), tensor_input("b", {-1})});
  Bench with_default;
  ASSERT_TRUE(with_default.load(load_of(manifest, test_model("adder"))));
  EXPECT_THAT(floats_of(with_default.run(inputs)[0]), ElementsAre(12, 24));
  manifest.inputs.push_back(
      {.name = "factor", .kind = InputKind::kConstant, .dtype = DType::kI64, .constant = 5});
  Bench with_constant;
  ASSERT_TRUE(with_constant.load(load_of(manifest, test_model("adder"))));
  EXPECT_THAT(floats_of(with_constant.run(inputs)[0]), ElementsAre(15, 30));
}

TEST(RunnerModels, OutputsAreFoundByTheirKeyOrTheirPlace) {
  ModelManifest manifest = manifest_of({tensor_input("x", {-1})});
  manifest.outputs = {{.name = "double"}, {.name = "half"}};
  Bench keyed;
  ASSERT_TRUE(keyed.load(load_of(manifest, test_model("keyed"))));
  const Values by_key = keyed.run({{"x", floats({1}, {8})}});
  ASSERT_EQ(by_key.size(), 2u);
  EXPECT_EQ(by_key[0].name, "double");
  EXPECT_THAT(floats_of(by_key[0]), ElementsAre(16));
  EXPECT_THAT(floats_of(by_key[1]), ElementsAre(4));
  Bench pair;
  ASSERT_TRUE(pair.load(load_of(manifest_of({tensor_input("x", {-1})}), test_model("pair"))));
  const Values by_place = pair.run({{"x", floats({3}, {1, 2, 3})}});
  ASSERT_EQ(by_place.size(), 2u);
  EXPECT_EQ(by_place[1].name, "output_1");
  EXPECT_THAT(std::get<Tensor>(by_place[1].value).shape, ElementsAre());
}

// What a stateful counter of ones says to a row of sequences.
std::vector<float> totals(Bench& bench, const std::vector<std::string>& sequences) {
  std::vector<float> all;
  for (const std::string& sequence : sequences) {
    all.push_back(floats_of(bench.run({{"x", floats({1}, {1})}}, sequence)[0])[0]);
  }
  return all;
}

TEST(RunnerModels, StateLivesAsLongAsItsSequence) {
  for (const std::string& reset : {"reset", ""}) {
    ModelManifest manifest = manifest_of({tensor_input("x", {-1})});
    manifest.stateful = true;
    manifest.reset_method = reset;
    Bench bench;
    ASSERT_TRUE(bench.load(load_of(manifest, test_model("counter"))));
    EXPECT_THAT(totals(bench, {"a", "a", "a", "b", "b", "a", "", "", "b"}),
                ElementsAre(1, 2, 3, 1, 2, 1, 1, 1, 1))
        << reset;
  }
}

TEST(RunnerModels, EachWindowOfASoundIsOneForward) {
  ModelManifest manifest = manifest_of({{.name = "sound",
                                         .kind = InputKind::kAudio,
                                         .audio = {.sample_rate_hz = 8000, .window_samples = 2}}});
  manifest.stateful = true;
  manifest.reset_method = "reset";
  Bench bench;
  ASSERT_TRUE(bench.load(load_of(manifest, test_model("counter"))));
  const Values outputs = bench.run({{"sound", floats({5}, {1, 2, 3, 4, 5})}});
  EXPECT_THAT(std::get<Tensor>(outputs[0].value).shape, ElementsAre(3));
  EXPECT_THAT(floats_of(outputs[0]), ElementsAre(3, 10, 15));
}

// A voice activity model of strangers, as its authors export it: stateful, with a number as second
// argument. The counts are those that its own Python package gives for the same minute.
TEST(RunnerModels, RunsAStatefulVoiceModelOverAMinuteOfSpeech) {
  const char* folder = std::getenv("SKERRY_TEST_DATA");
  const auto data = folder != nullptr
                        ? std::filesystem::path(folder)
                        : std::filesystem::path(SKERRY_SOURCE).parent_path() / "shared" / "data";
  const auto model = data / "silero_vad.jit";
  const auto speech = data / "speech_60s_16k.wav";
  if (!std::filesystem::exists(model) || !std::filesystem::exists(speech)) {
    GTEST_SKIP() << "needs silero_vad.jit and speech_60s_16k.wav in " << data
                 << "; SKERRY_TEST_DATA names another folder";
  }
  ModelManifest manifest = manifest_of(
      {{.name = "speech",
        .kind = InputKind::kAudio,
        .audio = {.sample_rate_hz = 16'000, .window_samples = 512}},
       {.name = "rate", .kind = InputKind::kConstant, .dtype = DType::kI64, .constant = 16'000}});
  manifest.stateful = true;
  manifest.reset_method = "reset_states";
  manifest.outputs = {{.name = "probability"}};
  Bench bench;
  ASSERT_TRUE(bench.load(load_of(manifest, model)));
  for (int again = 0; again < 2; ++again) {  // the second time shows that the state was reset
    const Values outputs =
        bench.run({{"speech", Media{.type = "audio/wav", .data = read_file(speech)}}});
    ASSERT_EQ(outputs.size(), 1u);
    const auto probabilities = floats_of(outputs[0]);
    EXPECT_EQ(probabilities.size(), 1875u);
    EXPECT_EQ(std::ranges::count_if(probabilities, [](float p) { return p > 0.5f; }), 1452);
  }
}

}  // namespace
}  // namespace skerry::runner
