// runner_bench.h: a real runner and what tests ask of it, with the tensors and manifests that they
// ask with.

#pragma once

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/runner/direct.h"
#include "common/digest.h"
#include "common/manifest.h"
#include "common/values.h"

namespace skerry::runner {

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline Tensor floats(std::vector<std::int64_t> shape, const std::vector<float>& values) {
  Tensor tensor{.dtype = DType::kF32,
                .shape = std::move(shape),
                .data = std::string(values.size() * sizeof(float), '\0')};
  std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

inline std::vector<float> floats_of(const NamedValue& value) {
  const auto& tensor = std::get<Tensor>(value.value);
  std::vector<float> values(tensor.data.size() / sizeof(float));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

inline InputSpec tensor_input(std::string name, std::vector<std::int64_t> shape) {
  return {.name = std::move(name), .kind = InputKind::kTensor, .shape = std::move(shape)};
}

// A manifest of the named inputs and of whatever the model yields.
inline ModelManifest manifest_of(std::vector<InputSpec> inputs) {
  ModelManifest manifest;
  manifest.name = "test";
  manifest.inputs = std::move(inputs);
  manifest.variants = {{.name = "one", .file = "one.pt"}};
  return manifest;
}

inline ModelManifest digits() {
  ModelManifest manifest = manifest_of(
      {{.name = "image",
        .kind = InputKind::kImage,
        .image = {.width = 20, .height = 20, .channels = 1, .mean = {0.5f}, .std = {0.5f}}}});
  manifest.outputs = {{.name = "digit",
                       .kind = OutputKind::kLabels,
                       .labels = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}};
  return manifest;
}

inline Load load_of(const ModelManifest& manifest, std::string path, std::string device = "cpu") {
  const std::string digest = sha256_digest(read_file(path));
  return {.manifest_json = boost::json::serialize(manifest_to_json(manifest)),
          .artifact_path = std::move(path),
          .digest = digest,
          .device = std::move(device)};
}

inline std::string test_model(const std::string& name) {
  return std::string(SKERRY_TEST_MODELS) + "/" + name + ".pt";
}
inline std::string digits_model(const std::string& name) {
  return std::string(SKERRY_SOURCE) + "/models/digits/" + name;
}

// A runner and what the test asks of it; a wrong kind of answer fails the test.
class Bench {
 public:
  explicit Bench(const std::vector<std::string>& arguments = {}) : process_(start(arguments)) {}

  Result<Frame> call(const Frame& frame) { return process_.call(frame); }
  DirectRunner& process() { return process_; }

  Error load_error(const Load& load) { return error_of(call(load)); }
  bool load(const Load& load) {
    const auto frame = call(load);
    EXPECT_TRUE(frame) << frame.error().message;
    if (const auto* failed = frame ? std::get_if<Failed>(&*frame) : nullptr) {
      ADD_FAILURE() << failed->message;
    }
    return frame && std::holds_alternative<Loaded>(*frame);
  }
  Error run_error(std::string inputs) {
    return error_of(call(runner::Run{.id = 5, .inputs = std::move(inputs)}));
  }
  Values run(const Values& inputs, const std::string& sequence = {}) {
    return run_encoded(encode_values(inputs), sequence);
  }
  Values run_encoded(std::string inputs, const std::string& sequence = {}) {
    const auto frame =
        call(runner::Run{.id = 9, .sequence = sequence, .inputs = std::move(inputs)});
    const auto* ran = frame ? std::get_if<Ran>(&*frame) : nullptr;
    if (ran == nullptr) {
      ADD_FAILURE() << error_of(frame).message;
      return {};
    }
    EXPECT_EQ(ran->id, 9u);
    const auto values = decode_values(ran->outputs);
    EXPECT_TRUE(values);
    return values.value_or(Values());
  }

 private:
  static DirectRunner start(const std::vector<std::string>& arguments) {
    auto process = DirectRunner::start(SKERRY_RUNNER, arguments);
    if (!process) {
      throw std::runtime_error(process.error().message);
    }
    return std::move(*process);
  }
  static Error error_of(const Result<Frame>& frame) {
    if (!frame) {
      return frame.error();
    }
    const auto* failed = std::get_if<Failed>(&*frame);
    EXPECT_NE(failed, nullptr) << "it should have failed";
    return failed != nullptr ? Error{.code = failed->code, .message = failed->message} : Error{};
  }

  DirectRunner process_;
};

inline Values seven() {
  return {{"image", Media{.type = "image/png", .data = read_file(digits_model("seven.png"))}}};
}

inline std::string best_label(const Values& outputs) {
  const auto* labels = outputs.empty() ? nullptr : std::get_if<Labels>(&outputs[0].value);
  return labels == nullptr || labels->empty() ? "none" : (*labels)[0].text;
}

}  // namespace skerry::runner
