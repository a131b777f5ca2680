// job_fuzz.cc: the JSON of a job, a batch of jobs, and a job's inputs.

#include <array>
#include <cmath>

#include "common/values.h"
#include "controller/api/body_budget.h"
#include "controller/api/job_request.h"
#include "controller/api/json_reader.h"
#include "controller/api/json_writer.h"
#include "controller/api/values_json.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/json_mutator.h"

namespace skerry::fuzz {

namespace {

constexpr std::size_t kFixedBytes = 64 * 1024;
constexpr std::size_t kReadFixedBytes =
    256 * 1024;  // a thousand jobs of two bytes have an issue each
constexpr Instant kNow = instant_from_us(1'769'860'800'000'000);

constexpr auto kWords = std::to_array<std::string_view>(
    {"jobs",        "model",       "inputs",   "preference",   "fast",         "green",
     "balanced",    "latency",     "energy",   "cost",         "error",        "constraints",
     "deadline_ms", "tiers",       "device",   "edge",         "cloud",        "site",
     "labels",      "node",        "variants", "max_energy_j", "max_cost_usd", "min_accuracy",
     "priority",    "interactive", "batch",    "durability",   "none",         "durable",
     "namespace",   "default",     "sequence", "input_bytes",  "shape",        "dtype",
     "data",        "b64",         "type",     "image/png",    "audio/wav",    "f32",
     "f64",         "f16",         "i64",      "i32",          "i16",          "i8",
     "u8",          "bool",        "AAAA",     "AAAAAAAA",     "/+8=",         "image",
     "audio",       "fixed"});

ModelManifest make_manifest() {
  ModelManifest manifest{.name = "m", .engine = "noop"};
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kI64, DType::kI32,
                            DType::kI16, DType::kI8, DType::kU8, DType::kBool}) {
    manifest.inputs.push_back({.name = std::string(to_string(dtype)),
                               .kind = InputKind::kTensor,
                               .dtype = dtype,
                               .shape = {1, -1}});
  }
  manifest.inputs.push_back({.name = "image", .kind = InputKind::kImage});
  manifest.inputs.push_back({.name = "audio", .kind = InputKind::kAudio});
  manifest.inputs.push_back({.name = "fixed", .kind = InputKind::kConstant});
  return manifest;
}

const ModelManifest& manifest() {
  static const ModelManifest made = make_manifest();
  return made;
}

api::BodyBudget& documents() {
  static api::BodyBudget budget(256ULL << 20);
  return budget;
}

std::string written(const Values& values) {
  api::JsonWriter json;
  api::write_values(json, values);
  return json.take();
}

void check_inputs(const boost::json::value* inputs) {
  std::vector<FieldIssue> issues;
  const Values values = api::read_inputs(inputs, manifest(), "/inputs", issues);
  const std::string encoded = encode_values(values);
  const auto decoded = decode_values(encoded);
  check(decoded.has_value() && encode_values(*decoded) == encoded, "inputs that were read encode");
  const std::string text = written(values);
  const auto document = api::JsonDocument::parse(text, documents());
  check(document.has_value(), "values are written as JSON");
  for (const std::string_view unsaid : {"null", "-0,", "-0]"}) {
    if (text.find(unsaid) != std::string::npos) {
      return;  // JSON has no word for what is not finite, and parsers take -0 for the integer
    }
  }
  std::vector<FieldIssue> missing;  // inputs that had issues
  const Values again = api::read_inputs(&document->root(), manifest(), "", missing);
  check(encode_values(again) == encoded, "values that are written read back the same");
}

void check_job(const boost::json::value& json) {
  for (const auto purpose : {api::JobPurpose::kSubmit, api::JobPurpose::kPlan}) {
    std::vector<FieldIssue> issues;
    const api::JobRequest job = api::read_job(json, purpose, kNow, "", issues);
    if (const Status valid = api::to_status(std::move(issues)); !valid) {
      check(valid.error().fields.size() <= 20, "a refusal is of a bounded size");
      continue;
    }
    double sum = 0;
    for (const double weight : job.spec.preference.weights) {
      check(std::isfinite(weight) && weight >= 0, "weights are finite and not negative");
      sum += weight;
    }
    check(std::abs(sum - 1) < 1e-6, "weights add up to 1");
    const auto& deadline = job.spec.constraints.deadline;
    check(!deadline || *deadline >= kNow, "no deadline lies before the request");
  }
  if (json.is_object() && json.get_object().contains("inputs")) {
    check_inputs(json.get_object().if_contains("inputs"));
  }
}

}  // namespace

namespace {

template <typename Use>
void for_each_job(const boost::json::value& root, Use use) {
  use(root);
  std::vector<FieldIssue> issues;
  JsonFields fields(&root, "", issues);
  for (const auto* job : fields.elements("jobs", 1000)) {
    use(*job);
  }
}

// What the server does with a document, and no more than that.
void bound_cost(std::string_view input) {
  const auto document = [&] {
    const MemoryBound bound(input.size(), kFixedBytes, kJsonTimes);
    return api::JsonDocument::parse(input, documents());
  }();
  if (!document) {
    return;
  }
  const MemoryBound bound(input.size(), kReadFixedBytes);
  std::vector<FieldIssue> issues;
  for_each_job(document->root(), [&](const boost::json::value& json) {
    if (issues.size() >= kEnoughIssues) {
      return;  // as the server does
    }
    const auto job = api::read_job(json, api::JobPurpose::kSubmit, kNow, "", issues);
    api::read_inputs(job.inputs, manifest(), "/inputs", issues);
  });
}

}  // namespace

void run(std::string_view input) {
  manifest();
  documents();
  bound_cost(input);
  if (const auto document = api::JsonDocument::parse(input, documents())) {
    for_each_job(document->root(), check_job);
  }
  check(documents().left() == documents().bytes(),
        "documents give back what they took of the budget");
}

std::optional<std::string> mutate(std::string_view input, Random& random) {
  return mutate_json(input, random, kWords);
}

}  // namespace skerry::fuzz
