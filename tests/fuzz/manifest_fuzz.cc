// manifest_fuzz.cc: the JSON of a model's manifest, as clients, stores and agents read it.

#include <array>
#include <boost/json/parse.hpp>

#include "common/manifest.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/json_mutator.h"

namespace skerry::fuzz {

namespace {

constexpr std::size_t kFixedBytes = 16 * 1024;
constexpr std::size_t kMostIssues = 200'000;

constexpr auto kWords = std::to_array<std::string_view>(
    {"apiVersion",
     "skerry/v1",
     "kind",
     "Model",
     "metadata",
     "name",
     "spec",
     "description",
     "engine",
     "torch",
     "noop",
     "stateful",
     "reset_method",
     "inputs",
     "outputs",
     "variants",
     "tensor",
     "image",
     "audio",
     "constant",
     "labels",
     "dtype",
     "f32",
     "f16",
     "i64",
     "u8",
     "bool",
     "shape",
     "width",
     "height",
     "channels",
     "invert",
     "mean",
     "std",
     "sample_rate_hz",
     "window_samples",
     "softmax",
     "top",
     "digest",
     "file",
     "artifact_bytes",
     "accuracy",
     "memory_bytes",
     "reference_ms",
     "m",
     "x",
     "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"});

}  // namespace

void run(std::string_view input) {
  boost::system::error_code error;
  const boost::json::value json = boost::json::parse(input, error);
  if (error) {
    return;
  }
  const auto manifest = [&] {
    const MemoryBound bound(input.size(), kFixedBytes);
    return manifest_from_json(json);
  }();
  if (!manifest) {
    check(!manifest.error().fields.empty() && manifest.error().fields.size() < kMostIssues,
          "a refusal names the fields that are wrong");
    return;
  }
  const auto again = manifest_from_json(manifest_to_json(*manifest));
  check(again.has_value() && *again == *manifest, "a manifest that is written reads back the same");
}

std::optional<std::string> mutate(std::string_view input, Random& random) {
  return mutate_json(input, random, kWords);
}

}  // namespace skerry::fuzz
