// Tests of what skerryctl makes of options and files: inputs, job bodies, models with their
// artifacts, settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "cli/inputs.h"
#include "cli/job_request.h"
#include "cli/json_text.h"
#include "cli/model_files.h"
#include "cli/settings.h"
#include "cli/yaml_json.h"
#include "common/digest.h"
#include "tests/unit/cli_harness.h"

namespace skerry::cli {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::SizeIs;

const json::value& model() {
  static const json::value kModel = json::parse(R"({"name": "m", "manifest": {"spec": {"inputs": [
      {"name": "image", "kind": "image", "image": {"width": 4, "height": 4}},
      {"name": "x", "kind": "tensor", "dtype": "f32", "shape": [-1, 3]},
      {"name": "rate", "kind": "constant", "constant": 16000}]}}})");
  return kModel;
}

std::string inputs_of(const InputFlags& flags, const json::value& of = model()) {
  const auto inputs = read_inputs(flags, of);
  return inputs ? compact_json(*inputs) : "error: " + inputs.error().message;
}

TEST(Inputs, AnImageGoesToTheOnlyImageInputWithItsType) {
  const TemporaryFolder folder;
  const std::string png = folder.write("seven.PNG", "\x89PNG");
  EXPECT_EQ(inputs_of({.image = png}), R"({"image": {"b64": "iVBORw==", "type": "image/png"}})");
  EXPECT_EQ(inputs_of({.inputs = {"image=@" + png}}),
            R"({"image": {"b64": "iVBORw==", "type": "image/png"}})");
  EXPECT_THAT(inputs_of({.audio = png}), HasSubstr("0 inputs of kind audio"));
}

TEST(Inputs, NumbersTakeTypeAndShapeFromTheManifest) {
  EXPECT_EQ(inputs_of({.inputs = {"x=[1, 2.5, 3]"}}),
            R"({"x": {"dtype": "f32", "shape": [1, 3], "data": [1, 2.5, 3]}})");
  EXPECT_EQ(inputs_of({.inputs = {"x=[[1,2,3],[4,5,6]]"}}),
            R"({"x": {"dtype": "f32", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}})");
  EXPECT_EQ(inputs_of({.inputs = {"x=7"}}), R"({"x": {"dtype": "f32", "shape": [], "data": [7]}})")
      << "what does not fit is sent as it is, for the controller to say what would";
}

TEST(Inputs, FilesHoldJsonOrRawElements) {
  const TemporaryFolder folder;
  const std::string raw = folder.write("x.bin", std::string(24, '\0'));
  EXPECT_EQ(
      inputs_of({.inputs = {"x=@" + raw}}),
      R"({"x": {"dtype": "f32", "shape": [2, 3], "b64": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}})");
  const std::string json_file =
      folder.write("x.json", R"({"dtype": "f64", "shape": [1], "data": [1]})");
  EXPECT_EQ(inputs_of({.inputs = {"x=@" + json_file}}),
            R"({"x": {"dtype": "f64", "shape": [1], "data": [1]}})");
  EXPECT_THAT(inputs_of({.inputs = {"x=@" + folder.write("odd.bin", "12345")}}),
              HasSubstr("5 bytes are not a whole f32"));
  EXPECT_THAT(inputs_of({.inputs = {"x=@" + folder.path("none")}}), HasSubstr("cannot open"));
}

TEST(Inputs, WhatIsWrongIsSaidByName) {
  EXPECT_THAT(inputs_of({.inputs = {"y=1"}}), HasSubstr("no input 'y'; its inputs are: image, x"));
  EXPECT_THAT(inputs_of({.inputs = {"rate=1"}}), HasSubstr("no input 'rate'"));
  EXPECT_THAT(inputs_of({.inputs = {"x=1", "x=2"}}), HasSubstr("'x' is given twice"));
  EXPECT_THAT(inputs_of({.inputs = {"x=seven"}}), HasSubstr("'seven' is no number"));
  EXPECT_THAT(inputs_of({.inputs = {"x=[[1],[2,3]]"}}), HasSubstr("equal lengths"));
  EXPECT_THAT(inputs_of({.inputs = {"x=[\"a\"]"}}), HasSubstr("hold numbers"));
  EXPECT_THAT(inputs_of({.inputs = {"x"}}), HasSubstr("must be NAME=VALUE"));
  EXPECT_THAT(inputs_of({.inputs = {"@file"}}), HasSubstr("has 2 inputs; name one"));
}

std::string body_of(const JobFlags& flags, const std::string& ns = "") {
  const auto body = job_body(flags, ns);
  return body ? compact_json(*body) : "error: " + body.error().message;
}

TEST(JobBody, HoldsWhatWasSaidAndNothingElse) {
  EXPECT_EQ(body_of({.model = "digits"}), R"({"model": "digits"})");
  EXPECT_EQ(
      body_of({.model = "digits",
               .preference = "green",
               .deadline = milliseconds(500),
               .tiers = {"edge,cloud", "device"},
               .site = "shop-17",
               .node_labels = {"zone=a,rack=2"},
               .variants = {"small"},
               .min_accuracy = 0.95,
               .max_energy_j = 2,
               .max_cost_usd = 0.001,
               .priority = "batch",
               .job_labels = {"team=vision"}},
              "shop"),
      R"({"model": "digits", "namespace": "shop", "priority": "batch", "preference": "green", )"
      R"("constraints": {"deadline_ms": 500, "tiers": ["edge", "cloud", "device"], "site": "shop-17", )"
      R"("variants": ["small"], "min_accuracy": 0.95, "max_energy_j": 2.0, "max_cost_usd": 0.001, )"
      R"("labels": {"zone": "a", "rack": "2"}}, "labels": {"team": "vision"}})");
}

TEST(JobBody, OptionsWinOverTheFileConstraintByConstraint) {
  const TemporaryFolder folder;
  const std::string file = folder.write(
      "job.yaml", "model: digits\npriority: batch\nconstraints: {site: a, max_energy_j: 2}\n");
  EXPECT_EQ(
      body_of({.file = file, .site = "b"}),
      R"({"model": "digits", "priority": "batch", "constraints": {"site": "b", "max_energy_j": 2}})");
  EXPECT_THAT(body_of({.file = folder.write("two.yaml", "a: 1\n---\nb: 2\n")}),
              HasSubstr("must hold one job"));
  EXPECT_THAT(body_of({.file = folder.path("none.json")}), HasSubstr("cannot open"));
}

TEST(JobBody, APreferenceIsAPresetOrWeights) {
  EXPECT_EQ(compact_json(*parse_preference("green")), R"("green")");
  EXPECT_EQ(compact_json(*parse_preference("latency=.5,energy=2")),
            R"({"latency": 0.5, "energy": 2.0})");
  EXPECT_FALSE(parse_preference("latency=fast"));
  EXPECT_FALSE(parse_preference("latency=.5,energy"));
  EXPECT_THAT(body_of({.node_labels = {"zone"}}),
              HasSubstr("--label: 'zone' is not of the form key=value"));
}

constexpr std::string_view kManifest = R"(apiVersion: skerry/v1
kind: Model
metadata: {name: digits}
spec:
  inputs: [{name: image, kind: image, image: {width: 20, height: 20, channels: 1}}]
  outputs: [{name: digit, kind: labels, labels: ["0", "1"]}]
  variants:
    - {name: small, file: weights/small.pt, accuracy: 0.93}
    - {name: copy, file: weights/copy.pt}
)";

TEST(ModelFiles, AreFoundBesideTheManifestAndBecomeDigests) {
  const TemporaryFolder folder;
  folder.write("models/weights/small.pt", "abc");
  folder.write("models/weights/copy.pt", "abc");
  const auto models = prepare_models(folder.write("models/model.yaml", kManifest));
  ASSERT_TRUE(models) << models.error().message;
  ASSERT_THAT(*models, SizeIs(1));
  const VariantSpec& small = models->front().manifest.variants[0];
  EXPECT_EQ(small.digest, sha256_digest("abc"));
  EXPECT_EQ(small.artifact_bytes, 3U);
  EXPECT_EQ(small.file, "");
  ASSERT_THAT(models->front().artifacts, SizeIs(1)) << "equal files are one blob";
  EXPECT_EQ(models->front().artifacts[0].path, folder.path("models/weights/small.pt"));
}

TEST(ModelFiles, WhatIsWrongIsSaidWithTheFile) {
  const TemporaryFolder folder;
  const auto said = [&](std::string_view name, std::string_view text) {
    const auto models = prepare_models(folder.write(name, text));
    return models ? std::string("nothing") : models.error().message;
  };
  EXPECT_THAT(said("a.yaml", kManifest), HasSubstr("weights/small.pt': No such file"));
  EXPECT_THAT(said("b.yaml", "kind: Job\n"), HasSubstr("b.yaml: kind 'Job' cannot be applied"));
  EXPECT_THAT(
      said("c.yaml",
           "apiVersion: skerry/v1\nkind: Model\nmetadata: {name: x}\nspec: {varients: []}\n"),
      HasSubstr("c.yaml: the model manifest is refused"));
  EXPECT_THAT(said("d.yaml", ""), HasSubstr("holds no document"));
  folder.write("weights/small.pt", "abc");
  std::string wrong_digest(kManifest);
  wrong_digest.replace(wrong_digest.find("accuracy"), 8,
                       "digest: 'sha256:" + std::string(64, '0') + "', accuracy");
  EXPECT_THAT(said("e.yaml", wrong_digest), HasSubstr("variant 'small': "));
}

// The blocks ```yaml ... ``` of a page.
std::vector<std::string> yaml_blocks(const std::string& page) {
  constexpr std::string_view kOpening = "```yaml\n";
  std::vector<std::string> blocks;
  for (std::size_t at = page.find(kOpening); at != std::string::npos;
       at = page.find(kOpening, at)) {
    at += kOpening.size();
    blocks.push_back(page.substr(at, page.find("```", at) - at));
  }
  return blocks;
}

TEST(ModelFiles, EveryExampleOfTheDocumentationIsAManifest) {
  const auto page = read_file(SKERRY_SOURCE_DIR "/docs/models.md");
  ASSERT_TRUE(page);
  const auto blocks = yaml_blocks(*page);
  ASSERT_THAT(blocks, SizeIs(3));
  for (const std::string& block : blocks) {
    const auto documents = json_from_yaml(block, "docs/models.md");
    ASSERT_TRUE(documents) << documents.error().message;
    const auto manifest = manifest_from_json(documents->front());
    EXPECT_TRUE(manifest) << manifest.error().message;
  }
}

TEST(ModelFiles, TheDigitsOfTheRepositoryAreWellFormedAndTheirFilesAreTheOnesMeant) {
  const auto models = prepare_models(SKERRY_SOURCE_DIR "/models/digits/model.yaml");
  ASSERT_TRUE(models) << models.error().message;
  EXPECT_EQ(models->front().manifest.name, "digits");
}

Environment variables(std::map<std::string, std::string> values) {
  return [values](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(Settings, AFlagWinsOverAVariableWhichWinsOverTheFile) {
  const TemporaryFolder folder;
  folder.write(
      "skerry/config.yaml",
      "apiVersion: skerry/v1\nkind: ClientConfig\nserver: http://file:1\nnamespace: from-file\n");
  std::map<std::string, std::string> environment = {{"XDG_CONFIG_HOME", folder.path("")}};
  EXPECT_EQ(resolve_settings({}, variables(environment))->server.text(), "http://file:1");
  EXPECT_EQ(resolve_settings({}, variables(environment))->ns, "from-file");
  environment["SKERRY_SERVER"] = "http://variable:2";
  EXPECT_EQ(resolve_settings({}, variables(environment))->server.text(), "http://variable:2");
  EXPECT_EQ(resolve_settings({.server = "http://flag:3"}, variables(environment))->server.text(),
            "http://flag:3");
}

TEST(Settings, WithoutAnythingTheServerIsOnLoopback) {
  const auto settings = resolve_settings({}, variables({}));
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->server.text(), "http://127.0.0.1:8080");
  EXPECT_EQ(settings->ns, "");
}

TEST(Settings, MistakesInTheFileAreSaidWithTheirLine) {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("c.yaml", "apiVersion: skerry/v1\nkind: ClientConfig\nservr: x\n");
  const auto settings = resolve_settings({.config = path}, variables({}));
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().message, HasSubstr("c.yaml:3: servr is not a known setting"));
  EXPECT_FALSE(resolve_settings({.config = folder.path("none.yaml")}, variables({})));
  EXPECT_FALSE(resolve_settings({.ns = "Not A Name"}, variables({})));
}

}  // namespace
}  // namespace skerry::cli
