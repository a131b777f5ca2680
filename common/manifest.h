// manifest.h: what a user says about a model: its inputs, outputs and variants.
//
// Written as YAML (docs/models.md shows it), carried as JSON over REST, stored by the controller, and handed to the runner,
// which is the only place that acts on `inputs` and `outputs`. The scheduler reads the variants' figures.
//
// The document is {"apiVersion": "skerry/v1", "kind": "Model", "metadata": {"name": ..., "namespace": ...}, "spec": {...}},
// where spec has the members of ModelManifest and of the structs below under their own names, and enumerators in lower case
// ("tensor").
// manifest_from_json refuses unknown keys and names the field of everything it refuses, all at once, by JSON pointer. A
// variant of engine torch has a digest or, before skerryctl has computed it, a file: who stores a manifest asks for the
// digest. manifest_to_json writes what manifest_from_json reads back as the same manifest, and leaves defaults out.

#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/values.h"

namespace skerry {

enum class InputKind : std::uint8_t { kTensor, kImage, kAudio, kConstant };
enum class OutputKind : std::uint8_t { kTensor, kLabels };

// A PNG or JPEG becomes f32 [1, channels, height, width]: (pixel / 255 - mean) / std.
struct ImageSpec {
  int width = 0;
  int height = 0;
  int channels = 3;         // 1 or 3
  bool invert = false;      // dark on light becomes light on dark
  std::vector<float> mean;  // one per channel; empty = 0
  std::vector<float> std;   // one per channel; empty = 1

  bool operator==(const ImageSpec&) const = default;
};

// A WAV becomes mono f32 in [-1, 1] at sample_rate, and one forward per window.
struct AudioSpec {
  int sample_rate_hz = 16000;
  // 0: the whole file in one forward, f32 [1, samples]; else f32 [1, window] per call, a short last
  // window padded with zeros.
  int window_samples = 0;

  bool operator==(const AudioSpec&) const = default;
};

struct InputSpec {
  std::string name;
  InputKind kind = InputKind::kTensor;
  DType dtype = DType::kF32;        // in JSON f32 by default, i64 for a constant
  std::vector<std::int64_t> shape;  // tensor: -1 = any; constant: empty = a scalar
  ImageSpec image;
  AudioSpec audio;
  double constant = 0;  // kConstant: passed to every forward; the client does not send it

  bool operator==(const InputSpec&) const = default;
};

struct OutputSpec {
  std::string name;
  OutputKind kind = OutputKind::kTensor;
  std::vector<std::string> labels;  // kLabels: one per class
  bool softmax = true;  // kLabels: scores are softmax of the output, not the output itself
  int top = 3;          // kLabels: how many to return

  bool operator==(const OutputSpec&) const = default;
};

struct VariantSpec {
  std::string name;
  std::string digest;  // "sha256:...", of the TorchScript file
  std::uint64_t artifact_bytes = 0;
  std::string file;     // client side only: where skerryctl finds it, relative to the YAML
  double accuracy = 0;  // 0..1, on the task's own held-out data
  std::uint64_t memory_bytes = 0;  // resident when loaded, beyond an empty runner
  // Service time on one reference core; a first guess until nodes have measured.
  double reference_ms = 0;
  std::string signature;  // base64, of what common/signing.h says; empty = not signed
  std::string signed_by;  // the id of the key

  bool operator==(const VariantSpec&) const = default;
};

struct ModelManifest {
  std::string name;
  std::string description;
  // "torch", or "noop": the agent answers with the input, for measuring the path.
  std::string engine = "torch";
  // Keeps state between forwards: a sequence stays on one runner, reset at its start.
  bool stateful = false;
  std::string reset_method;  // TorchScript method called at a sequence's start; empty = none
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  std::vector<VariantSpec> variants;

  bool operator==(const ModelManifest&) const = default;
};

Result<ModelManifest> manifest_from_json(const boost::json::value& json);  // kInvalidArgument
boost::json::value manifest_to_json(const ModelManifest& manifest);

}  // namespace skerry
