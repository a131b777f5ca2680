#include "common/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/digest.h"
#include "common/ids.h"
#include "common/json_fields.h"

namespace skerry {

namespace {

using Issues = std::vector<FieldIssue>;

constexpr std::size_t kMaxInputs = 64;  // as many as values.h carries
constexpr std::size_t kMaxLabels = 100'000;
constexpr std::size_t kMaxVariants = 64;
constexpr std::size_t kMaxRank = 8;
constexpr std::int64_t kMaxPixels = 16'384;  // of one side
constexpr std::int64_t kMaxSampleRateHz = 768'000;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 50;

constexpr std::array<std::string_view, 4> kInputKinds = {"tensor", "image", "audio", "constant"};
constexpr std::array<std::string_view, 2> kOutputKinds = {"tensor", "labels"};

// Passes the issue of a check that already has a sentence on to the field that it is about.
void require(JsonFields& fields, std::string_view key, const Status& status) {
  if (!status) {
    fields.issue(key, status.error().message);
  }
}

template <typename Kind, std::size_t n>
Kind read_kind(JsonFields& fields, const std::array<std::string_view, n>& names) {
  const std::string name = fields.text("kind", names[0]);
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    fields.issue("kind",
                 fmt::format("'{}' is none of {}", name.substr(0, 32), fmt::join(names, ", ")));
    return Kind{};
  }
  return static_cast<Kind>(found - names.begin());
}

// The name of an input or output: any text, since TorchScript exporters write names like
// "INPUT__0".
std::string read_value_name(JsonFields& fields) {
  constexpr std::size_t kLongest = 256;
  std::string name = fields.required_text("name");
  if (name.size() > kLongest) {
    fields.issue("name", fmt::format("has {} bytes; {} are allowed", name.size(), kLongest));
  }
  return name;
}

std::vector<float> read_floats(JsonFields& fields, std::string_view key, int channels) {
  std::vector<float> floats;
  for (const auto* item : fields.elements(key, 3)) {
    if (!item->is_number()) {
      fields.issue(key, "must hold numbers");
      return {};
    }
    floats.push_back(item->to_number<float>());
  }
  if (!floats.empty() && floats.size() != static_cast<std::size_t>(channels)) {
    fields.issue(key, fmt::format("has {} numbers for {} channels", floats.size(), channels));
  }
  return floats;
}

ImageSpec read_image(const boost::json::value* json, const std::string& pointer, Issues& issues) {
  JsonFields fields(json, pointer, issues);
  ImageSpec image;
  image.width = static_cast<int>(fields.integer("width", 0, 1, kMaxPixels));
  image.height = static_cast<int>(fields.integer("height", 0, 1, kMaxPixels));
  for (const std::string_view side : {"width", "height"}) {
    if (!fields.has(side)) {
      fields.issue(side, "is missing: an image is scaled to the size that the model takes");
    }
  }
  image.channels = static_cast<int>(fields.integer("channels", 3, 1, 3));
  if (image.channels == 2) {
    fields.issue("channels", "must be 1 (grey) or 3 (red, green, blue)");
  }
  image.invert = fields.boolean("invert", false);
  image.mean = read_floats(fields, "mean", image.channels);
  image.std = read_floats(fields, "std", image.channels);
  if (std::ranges::any_of(image.std, [](float deviation) { return !(deviation > 0); })) {
    fields.issue("std", "must be greater than 0");
  }
  fields.finish();
  return image;
}

AudioSpec read_audio(const boost::json::value* json, const std::string& pointer, Issues& issues) {
  JsonFields fields(json, pointer, issues);
  AudioSpec audio;
  audio.sample_rate_hz =
      static_cast<int>(fields.integer("sample_rate_hz", 16'000, 1'000, kMaxSampleRateHz));
  audio.window_samples = static_cast<int>(fields.integer("window_samples", 0, 0, 100'000'000));
  fields.finish();
  return audio;
}

std::vector<std::int64_t> read_shape(JsonFields& fields, std::int64_t lowest) {
  std::vector<std::int64_t> shape;
  for (const auto* item : fields.elements("shape", kMaxRank)) {
    boost::system::error_code wrong;
    const auto dimension = item->is_number() ? item->to_number<std::int64_t>(wrong) : lowest - 1;
    if (wrong || dimension < lowest) {
      fields.issue("shape", fmt::format("must hold whole numbers from {}", lowest));
      return {};
    }
    shape.push_back(dimension);
  }
  return shape;
}

// A member that only one kind of input has, and that another would silently ignore.
bool belongs(JsonFields& fields, std::string_view key, bool allowed) {
  if (!allowed && fields.has(key)) {
    fields.issue(key, "does not belong to an input of this kind");
  }
  return allowed;
}

InputSpec read_input(const boost::json::value* json, const std::string& pointer, Issues& issues) {
  JsonFields fields(json, pointer, issues);
  InputSpec input;
  input.name = read_value_name(fields);
  input.kind = read_kind<InputKind>(fields, kInputKinds);
  const bool is_tensor = input.kind == InputKind::kTensor;
  const bool is_constant = input.kind == InputKind::kConstant;
  const std::string dtype = fields.text("dtype", is_constant ? "i64" : "f32");
  if (belongs(fields, "dtype", is_tensor || is_constant)) {
    const auto parsed = parse_dtype(dtype);
    if (parsed) {
      input.dtype = *parsed;
    } else {
      fields.issue("dtype", parsed.error().message);
    }
  }
  auto shape = read_shape(fields, is_constant ? 0 : -1);
  if (belongs(fields, "shape", is_tensor || is_constant)) {
    input.shape = std::move(shape);
  }
  const auto* image = fields.member("image");
  if (belongs(fields, "image", input.kind == InputKind::kImage)) {
    input.image = read_image(image, fields.pointer_to("image"), issues);
  }
  const auto* audio = fields.member("audio");
  if (belongs(fields, "audio", input.kind == InputKind::kAudio) && audio != nullptr) {
    input.audio = read_audio(audio, fields.pointer_to("audio"), issues);
  }
  const double constant = fields.number("constant", 0, -1e18, 1e18);
  if (belongs(fields, "constant", is_constant)) {
    input.constant = constant;
  }
  fields.finish();
  return input;
}

OutputSpec read_output(const boost::json::value* json, const std::string& pointer, Issues& issues) {
  JsonFields fields(json, pointer, issues);
  OutputSpec output;
  output.name = read_value_name(fields);
  output.kind = read_kind<OutputKind>(fields, kOutputKinds);
  const auto labels = fields.elements("labels", kMaxLabels);
  output.labels.reserve(labels.size());
  for (const auto* item : labels) {
    const auto* text = item->if_string();
    if (text == nullptr || text->empty() || text->size() > 1024) {
      fields.issue("labels", "must hold texts of 1 to 1024 bytes");
      break;
    }
    output.labels.emplace_back(*text);
  }
  if (output.kind == OutputKind::kLabels && !fields.has("labels")) {
    fields.issue("labels", "is missing: an output of kind labels names its classes");
  }
  if (output.kind != OutputKind::kLabels && fields.has("labels")) {
    fields.issue("labels", "belongs to an output of kind labels");
  }
  output.softmax = fields.boolean("softmax", true);
  output.top = static_cast<int>(fields.integer("top", 3, 1, kMaxLabels));
  fields.finish();
  return output;
}

// What a signature is worth is for those to say who hold keys (common/model_trust.h).
void read_signature(JsonFields& fields, VariantSpec& variant) {
  constexpr std::size_t kSignatureLetters = 88;  // of 64 bytes in base64
  variant.signature = fields.text("signature");
  variant.signed_by = fields.text("signed_by");
  if (!variant.signature.empty() && variant.signature.size() != kSignatureLetters) {
    fields.issue("signature", "must be 64 bytes in base64, as skerryctl model sign writes them");
  }
  if (variant.signature.empty() != variant.signed_by.empty()) {
    fields.issue(variant.signature.empty() ? "signature" : "signed_by",
                 "is missing: a signature and the id of its key belong together");
  }
  if (!variant.signed_by.empty()) {
    require(fields, "signed_by", validate_name("key id", variant.signed_by));
  }
}

VariantSpec read_variant(const boost::json::value* json, const std::string& pointer, Issues& issues,
                         bool has_artifact) {
  JsonFields fields(json, pointer, issues);
  VariantSpec variant;
  variant.name = fields.required_text("name");
  if (!variant.name.empty()) {
    require(fields, "name", validate_name("variant name", variant.name));
  }
  variant.digest = fields.text("digest");
  variant.file = fields.text("file");
  if (!variant.digest.empty() && !is_digest(variant.digest)) {
    fields.issue("digest", "must be 'sha256:' and 64 lower-case hex digits");
  }
  if (has_artifact && variant.digest.empty() && variant.file.empty()) {
    fields.issue("digest",
                 "is missing: a variant has the digest of its TorchScript file, or the file");
  }
  variant.artifact_bytes =
      static_cast<std::uint64_t>(fields.integer("artifact_bytes", 0, 0, kMaxBytes));
  variant.accuracy = fields.number("accuracy", 0, 0, 1);
  variant.memory_bytes =
      static_cast<std::uint64_t>(fields.integer("memory_bytes", 0, 0, kMaxBytes));
  variant.reference_ms = fields.number("reference_ms", 0, 0, 1e9);
  read_signature(fields, variant);
  fields.finish();
  return variant;
}

// Issues for every element whose name an earlier one has.
template <typename Spec>
void refuse_repeated_names(const std::vector<Spec>& specs, const std::string& pointer,
                           Issues& issues) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!specs[i].name.empty() && !seen.insert(specs[i].name).second) {
      issues.push_back({.field = fmt::format("{}/{}/name", pointer, i),
                        .message = fmt::format("'{}' is there twice", specs[i].name)});
    }
  }
}

void read_spec(const boost::json::value* json, ModelManifest& manifest, Issues& issues) {
  JsonFields fields(json, "/spec", issues);
  manifest.description = fields.text("description");
  manifest.engine = fields.text("engine", "torch");
  if (manifest.engine != "torch" && manifest.engine != "noop") {
    fields.issue("engine", "must be torch or noop");
  }
  manifest.stateful = fields.boolean("stateful", false);
  manifest.reset_method = fields.text("reset_method");
  if (!manifest.reset_method.empty() && !manifest.stateful) {
    fields.issue("reset_method", "belongs to a model with stateful: true");
  }
  std::size_t i = 0;
  for (const auto* item : fields.elements("inputs", kMaxInputs)) {
    manifest.inputs.push_back(read_input(item, fmt::format("/spec/inputs/{}", i++), issues));
  }
  i = 0;
  for (const auto* item : fields.elements("outputs", kMaxInputs)) {
    manifest.outputs.push_back(read_output(item, fmt::format("/spec/outputs/{}", i++), issues));
  }
  i = 0;
  const bool has_artifact = manifest.engine != "noop";
  for (const auto* item : fields.elements("variants", kMaxVariants)) {
    manifest.variants.push_back(
        read_variant(item, fmt::format("/spec/variants/{}", i++), issues, has_artifact));
  }
  if (manifest.variants.empty()) {
    fields.issue("variants", "must list at least one variant");
  }
  if (std::ranges::count_if(manifest.inputs, [](const InputSpec& input) {
        return input.audio.window_samples > 0;
      }) > 1) {
    fields.issue("inputs",
                 "has two windowed audio inputs; one is allowed, since each window is one forward");
  }
  refuse_repeated_names(manifest.inputs, "/spec/inputs", issues);
  refuse_repeated_names(manifest.outputs, "/spec/outputs", issues);
  refuse_repeated_names(manifest.variants, "/spec/variants", issues);
  fields.finish();
}

}  // namespace

Result<ModelManifest> manifest_from_json(const boost::json::value& json) {
  Issues issues;
  ModelManifest manifest;
  JsonFields fields(&json, "", issues);
  if (fields.text("apiVersion") != "skerry/v1") {
    fields.issue("apiVersion", "must be skerry/v1");
  }
  if (fields.text("kind") != "Model") {
    fields.issue("kind", "must be Model");
  }
  const auto* metadata = fields.member("metadata");
  JsonFields meta(metadata, "/metadata", issues);
  const std::string name = meta.required_text("name");
  if (!name.empty()) {
    require(meta, "name", validate_name("model name", name));
  }
  const std::string ns = meta.text("namespace");
  if (!ns.empty()) {
    require(meta, "namespace", validate_name("namespace", ns));
  }
  manifest.name = whole_model_name(ns, name);
  meta.finish();
  const auto* spec = fields.member("spec");
  read_spec(spec, manifest, issues);
  fields.finish();
  if (!issues.empty()) {
    std::string message =
        fmt::format("the model manifest is refused: {} {}", issues[0].field, issues[0].message);
    if (issues.size() > 1) {
      message += fmt::format(" (and {} more)", issues.size() - 1);
    }
    return fail(ErrorCode::kInvalidArgument, std::move(message), std::move(issues));
  }
  return manifest;
}

}  // namespace skerry
