#include "models/digits/card.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>

#include "agent/runner/direct.h"
#include "common/digest.h"
#include "common/values.h"

namespace skerry::digits {

namespace {

constexpr std::uint64_t kMebibyte = 1024 * 1024;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What a frame says if it is the answer that was hoped for, otherwise the error that it or the
// runner tells.
template <typename Answer>
Result<Answer> expect(Result<runner::Frame> frame) {
  if (!frame) {
    return fail(std::move(frame).error());
  }
  if (auto* answer = std::get_if<Answer>(&*frame)) {
    return std::move(*answer);
  }
  const auto* failed = std::get_if<runner::Failed>(&*frame);
  return fail(ErrorCode::kModelFailed,
              failed != nullptr ? failed->message : "the runner's answer is out of turn");
}

Result<int> best_label(const std::string& outputs) {
  const auto values = decode_values(outputs);
  const auto* labels =
      values && !values->empty() ? std::get_if<Labels>(&values->front().value) : nullptr;
  if (labels == nullptr || labels->empty()) {
    return fail(ErrorCode::kCorrupt, "the runner answered without labels");
  }
  return labels->front().text[0] - '0';
}

}  // namespace

ModelManifest manifest_without_variants() {
  ModelManifest manifest;
  manifest.name = "digits";
  manifest.description = "Handwritten digits, white on black, 0 to 9";
  manifest.inputs = {
      {.name = "image",
       .kind = InputKind::kImage,
       .image = {.width = kSide, .height = kSide, .channels = 1, .mean = {0.5f}, .std = {0.5f}}}};
  OutputSpec digit{.name = "digit", .kind = OutputKind::kLabels};
  for (int label = 0; label < kClasses; ++label) {
    digit.labels.push_back(std::to_string(label));
  }
  manifest.outputs = {digit};
  return manifest;
}

Result<Measured> measure(const std::string& runner, const std::string& folder,
                         const std::string& name, const std::vector<Digit>& held_out,
                         const std::string& device) {
  const std::string path = fmt::format("{}/{}.pt", folder, name);
  const std::string artifact = read_file(path);
  Measured measured{.variant = {.name = name,
                                .digest = sha256_digest(artifact),
                                .artifact_bytes = artifact.size(),
                                .file = name + ".pt"},
                    .device = {},
                    .answers = {}};
  auto process = runner::DirectRunner::start(runner);
  if (!process) {
    return fail(std::move(process).error());
  }
  ModelManifest manifest = manifest_without_variants();
  manifest.variants = {measured.variant};
  const std::uint64_t empty_bytes = process->resident_bytes();
  const auto loaded = expect<runner::Loaded>(process->call(
      runner::Load{.manifest_json = boost::json::serialize(manifest_to_json(manifest)),
                   .artifact_path = path,
                   .digest = measured.variant.digest,
                   .device = device}));
  if (!loaded) {
    return fail(loaded.error());
  }
  measured.device = loaded->device;
  std::vector<std::uint64_t> service_us;
  int right = 0;
  for (const Digit& digit : held_out) {
    const Values inputs = {{"image", Media{.type = "image/png", .data = encode_png(digit)}}};
    const auto ran =
        expect<runner::Ran>(process->call(runner::Run{.id = 1, .inputs = encode_values(inputs)}));
    const auto answer = ran ? best_label(ran->outputs) : fail(ran.error());
    if (!answer) {
      return fail(answer.error());
    }
    service_us.push_back(ran->service_us);
    measured.answers.push_back(*answer);
    right += *answer == digit.label ? 1 : 0;
  }
  std::ranges::nth_element(service_us,
                           service_us.begin() + static_cast<std::ptrdiff_t>(service_us.size() / 2));
  measured.variant.accuracy = right / static_cast<double>(held_out.size());
  measured.variant.reference_ms = static_cast<double>(service_us[service_us.size() / 2]) / 1000.0;
  measured.variant.memory_bytes =
      (loaded->memory_bytes - empty_bytes + kMebibyte - 1) / kMebibyte * kMebibyte;
  return measured;
}

std::string to_yaml(const ModelManifest& manifest) {
  const ImageSpec& image = manifest.inputs[0].image;
  std::string yaml = fmt::format(
      "# Written by models/digits/train; the figures are measured, see README.md.\n"
      "apiVersion: skerry/v1\n"
      "kind: Model\n"
      "metadata:\n"
      "  name: {}\n"
      "spec:\n"
      "  description: {}\n"
      "  engine: {}\n"
      "  inputs:\n"
      "    - name: {}\n"
      "      kind: image\n"
      "      image: {{width: {}, height: {}, channels: {}, mean: [{}], std: [{}]}}\n"
      "  outputs:\n"
      "    - name: {}\n"
      "      kind: labels\n"
      "      labels: [\"{}\"]\n"
      "  variants:\n",
      manifest.name, manifest.description, manifest.engine, manifest.inputs[0].name, image.width,
      image.height, image.channels, image.mean[0], image.std[0], manifest.outputs[0].name,
      fmt::join(manifest.outputs[0].labels, "\", \""));
  for (const VariantSpec& variant : manifest.variants) {
    yaml += fmt::format(
        "    - name: {}\n"
        "      file: {}\n"
        "      digest: {}\n"
        "      artifact_bytes: {}\n"
        "      accuracy: {:.3f}\n"
        "      memory_bytes: {}\n"
        "      reference_ms: {:.3f}\n",
        variant.name, variant.file, variant.digest, variant.artifact_bytes, variant.accuracy,
        variant.memory_bytes, variant.reference_ms);
  }
  return yaml;
}

}  // namespace skerry::digits
