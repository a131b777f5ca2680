// Writes manifests as JSON; manifest.cc reads them.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_from.hpp>

#include "common/ids.h"
#include "common/manifest.h"

namespace skerry {

namespace {

namespace json = boost::json;

// Adds a member unless it has its default, so that a manifest reads back as short as a person wrote
// it.
template <typename T>
void put(json::object& object, std::string_view key, const T& value, const T& fallback) {
  if (value != fallback) {
    object[key] = json::value_from(value);
  }
}

std::string_view name_of(InputKind kind) {
  switch (kind) {
    case InputKind::kTensor:
      return "tensor";
    case InputKind::kImage:
      return "image";
    case InputKind::kAudio:
      return "audio";
    case InputKind::kConstant:
      return "constant";
  }
  return "tensor";
}

json::object image_json(const ImageSpec& image) {
  const ImageSpec fallback;
  json::object object{
      {"width", image.width}, {"height", image.height}, {"channels", image.channels}};
  put(object, "invert", image.invert, fallback.invert);
  put(object, "mean", image.mean, fallback.mean);
  put(object, "std", image.std, fallback.std);
  return object;
}

json::object input_json(const InputSpec& input) {
  json::object object{{"name", input.name}, {"kind", name_of(input.kind)}};
  switch (input.kind) {
    case InputKind::kTensor:
      object["dtype"] = to_string(input.dtype);
      object["shape"] = json::value_from(input.shape);
      break;
    case InputKind::kImage:
      object["image"] = image_json(input.image);
      break;
    case InputKind::kAudio:
      object["audio"] = {{"sample_rate_hz", input.audio.sample_rate_hz},
                         {"window_samples", input.audio.window_samples}};
      break;
    case InputKind::kConstant:
      object["dtype"] = to_string(input.dtype);
      put(object, "shape", input.shape, {});
      object["constant"] = input.constant;
      break;
  }
  return object;
}

json::object output_json(const OutputSpec& output) {
  const OutputSpec fallback;
  json::object object{{"name", output.name},
                      {"kind", output.kind == OutputKind::kLabels ? "labels" : "tensor"}};
  put(object, "labels", output.labels, fallback.labels);
  put(object, "softmax", output.softmax, fallback.softmax);
  put(object, "top", output.top, fallback.top);
  return object;
}

json::object variant_json(const VariantSpec& variant) {
  const VariantSpec fallback;
  json::object object{{"name", variant.name}};
  put(object, "digest", variant.digest, fallback.digest);
  put(object, "artifact_bytes", variant.artifact_bytes, fallback.artifact_bytes);
  put(object, "file", variant.file, fallback.file);
  put(object, "accuracy", variant.accuracy, fallback.accuracy);
  put(object, "memory_bytes", variant.memory_bytes, fallback.memory_bytes);
  put(object, "reference_ms", variant.reference_ms, fallback.reference_ms);
  put(object, "signature", variant.signature, fallback.signature);
  put(object, "signed_by", variant.signed_by, fallback.signed_by);
  return object;
}

}  // namespace

boost::json::value manifest_to_json(const ModelManifest& manifest) {
  json::object spec;
  put(spec, "description", manifest.description, {});
  spec["engine"] = manifest.engine;
  put(spec, "stateful", manifest.stateful, false);
  put(spec, "reset_method", manifest.reset_method, {});
  json::array inputs;
  for (const InputSpec& input : manifest.inputs) {
    inputs.push_back(input_json(input));
  }
  json::array outputs;
  for (const OutputSpec& output : manifest.outputs) {
    outputs.push_back(output_json(output));
  }
  json::array variants;
  for (const VariantSpec& variant : manifest.variants) {
    variants.push_back(variant_json(variant));
  }
  spec["inputs"] = std::move(inputs);
  spec["outputs"] = std::move(outputs);
  spec["variants"] = std::move(variants);
  json::object metadata{{"name", bare_model_name(manifest.name)}};
  put(metadata, "namespace", std::string(namespace_of_model(manifest.name)), std::string());
  return json::object{{"apiVersion", "skerry/v1"},
                      {"kind", "Model"},
                      {"metadata", std::move(metadata)},
                      {"spec", std::move(spec)}};
}

}  // namespace skerry
