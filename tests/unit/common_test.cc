// Tests of common/: the text forms of ids, the generator's known values, manifests,
// digests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>
#include <set>

#include "common/bytes.h"
#include "common/digest.h"
#include "common/ids.h"
#include "common/json_fields.h"
#include "common/manifest.h"
#include "common/random.h"
#include "common/time.h"

namespace skerry {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::SizeIs;

JobId job(std::uint64_t value) {
  JobId id;
  id.value = value;
  return id;
}

TEST(Ids, JobIdsReadAsThirteenLettersOfBase32Hex) {
  EXPECT_EQ(to_string(JobId::make(Epoch{1}, 1)), "j0000100000001");
  EXPECT_EQ(to_string(JobId::make(Epoch{3}, 12345)), "j0000300000c1p");
  EXPECT_EQ(to_string(job(std::numeric_limits<std::uint64_t>::max())), "jfvvvvvvvvvvvv");
}

// An issue costs many times the few bytes of a key.
TEST(JsonFields, UnknownKeysAreTakenExceptionToOnlySoOften) {
  boost::json::object object;
  for (std::size_t i = 0; i < 2 * kEnoughIssues; ++i) {
    object["k" + std::to_string(i)] = 0;
  }
  const boost::json::value json = std::move(object);
  std::vector<FieldIssue> issues;
  JsonFields(&json, "", issues).finish();
  EXPECT_EQ(issues.size(), kEnoughIssues);
}

TEST(Ids, JobIdsSortAlikeAsNumbersAndAsTextsAndReadBack) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const JobId a = job(random.next_u64() >> random.below(64));
    const JobId b = job(random.next_u64() >> random.below(64));
    EXPECT_EQ(a < b, to_string(a) < to_string(b));
    EXPECT_EQ(parse_job_id(to_string(a)), a);
  }
}

TEST(Ids, WhatIsNoJobIdIsRefused) {
  for (const char* text :
       {"", "j", "0000100000001", "j000010000000", "j00001000000011", "J0000100000001",
        "j000010000000w", "jg000000000000", "j00001 0000001"}) {
    const auto parsed = parse_job_id(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Ids, AttemptUidsReadAsThirtyTwoHexDigits) {
  const AttemptUid uid{0x0123456789abcdefULL, 0xfULL};
  EXPECT_EQ(to_string(uid), "0123456789abcdef000000000000000f");
  EXPECT_EQ(parse_attempt_uid(to_string(uid)), uid);
  EXPECT_FALSE(parse_attempt_uid("0123456789ABCDEF000000000000000f"));
  EXPECT_FALSE(parse_attempt_uid("0123456789abcdef000000000000000"));
  EXPECT_FALSE(parse_attempt_uid("0123456789abcdef00000000000000g0"));
}

TEST(Ids, NamesFitDnsLabelsAndFileNames) {
  for (const std::string& name :
       {std::string("a"), std::string("edge-1.lab_2"), std::string(63, 'x')}) {
    EXPECT_TRUE(validate_name("node name", name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("A"), std::string("-a"), std::string("a-"), std::string("a/b"),
        std::string("a b"), std::string(64, 'x'), std::string("..")}) {
    const auto status = validate_name("node name", name);
    ASSERT_FALSE(status) << name;
    EXPECT_THAT(status.error().message, HasSubstr("node name '" + name));
  }
}

TEST(RandomNumbers,
     FollowTheReferenceAlgorithm) {  // values from an independent implementation of xoshiro256++
  Random random(42);
  EXPECT_EQ(random.next_u64(), 0xd0764d4f4476689fULL);
  EXPECT_EQ(random.next_u64(), 0x519e4174576f3791ULL);
  EXPECT_EQ(random.next_u64(), 0xfbe07cfb0c24ed8cULL);
  EXPECT_EQ(Random(42).fork("retries").next_u64(), 0xc13aefd732754045ULL);
}

TEST(RandomNumbers, ForkingDoesNotAdvanceTheParentAndDependsOnThePurpose) {
  Random a(7);
  Random b(7);
  EXPECT_NE(a.fork("one").next_u64(), a.fork("two").next_u64());
  EXPECT_EQ(a.next_u64(), b.next_u64());
}

TEST(RandomNumbers, DrawsStayInTheirRangeAndHaveTheirMean) {
  constexpr int kDraws = 20'000;
  Random random(3);
  double uniform = 0;
  double exponential = 0;
  double normal = 0;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform(-1, 3);
    ASSERT_GE(u, -1);
    ASSERT_LT(u, 3);
    uniform += u / kDraws;
    exponential += random.exponential(5) / kDraws;
    normal += random.normal(2, 3) / kDraws;
    seen.insert(random.below(7));
  }
  EXPECT_NEAR(uniform, 1, 0.05);
  EXPECT_NEAR(exponential, 5, 0.2);
  EXPECT_NEAR(normal, 2, 0.1);
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(Time, SecondsRoundAndSaturate) {
  EXPECT_EQ(duration_from_seconds(1.4999996), Duration(1'500'000));
  EXPECT_EQ(duration_from_seconds(-0.0000006), Duration(-1));
  EXPECT_EQ(duration_from_seconds(1e300), duration_from_seconds(1e12));
  EXPECT_EQ(duration_from_seconds(-1e300), duration_from_seconds(-1e12));
  EXPECT_EQ(duration_from_seconds(NAN), duration_from_seconds(1e12));
  EXPECT_EQ(to_ms(Duration(1'500)), 1.5);
}

TEST(ByteReader, FailsForGoodAtTheFirstReadThatDoesNotFit) {
  ByteReader in(std::string_view("\1\0\2", 3));
  EXPECT_EQ(in.number<std::uint16_t>(), 1);
  EXPECT_EQ(in.number<std::uint32_t>(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.number<std::uint8_t>(), 0);
}

// Known answers: RFC 4648 section 10.
TEST(Digest, OnlyItsOwnFormIsADigest) {
  const std::string digest = "sha256:" + std::string(64, 'f');
  EXPECT_TRUE(is_digest(digest));
  EXPECT_FALSE(is_digest(digest.substr(7)));
  EXPECT_FALSE(is_digest(digest + "0"));
  EXPECT_FALSE(is_digest("sha256:" + std::string(64, 'A')));
}

TEST(Base64, KnownAnswers) {
  const std::pair<const char*, const char*> answers[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : answers) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  EXPECT_EQ(to_base64("\xfb\xff"), "+/8=");
  EXPECT_EQ(to_hex(std::string("\0\xff\x1a", 3)), "00ff1a");
}

TEST(Base64, WhatIsNotExactlyBase64IsRefused) {
  for (const char* text : {"Z", "Zg", "Zg=", "=", "====", "Z===", "Zh==", "Zm9=", "Zm9v\n", "Zm-_",
                           "Z=g=", "Zg==Zg=="}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

constexpr const char* kManifest = R"({
  "apiVersion": "skerry/v1", "kind": "Model", "metadata": {"name": "digits"},
  "spec": {
    "description": "handwritten digits", "stateful": true, "reset_method": "reset",
    "inputs": [
      {"name": "image", "kind": "image", "image": {"width": 20, "height": 24, "channels": 1, "invert": true, "mean": [0.5], "std": [0.25]}},
      {"name": "sound", "kind": "audio", "audio": {"sample_rate_hz": 8000, "window_samples": 256}},
      {"name": "x", "dtype": "f64", "shape": [-1, 4]},
      {"name": "rate", "kind": "constant", "constant": 16000}],
    "outputs": [{"name": "digit", "kind": "labels", "labels": ["0", "1"], "top": 2, "softmax": false}, {"name": "raw"}],
    "variants": [{"name": "small", "file": "small.pt", "accuracy": 0.97, "memory_bytes": 1000, "reference_ms": 0.5, "artifact_bytes": 4096,
      "digest": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]
  }})";

TEST(Manifest, ReadsEveryField) {
  const auto manifest = manifest_from_json(boost::json::parse(kManifest));
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->name, "digits");
  EXPECT_EQ(manifest->engine, "torch");
  EXPECT_EQ(manifest->reset_method, "reset");
  ASSERT_THAT(manifest->inputs, SizeIs(4));
  EXPECT_EQ(manifest->inputs[0].image, (ImageSpec{20, 24, 1, true, {0.5f}, {0.25f}}));
  EXPECT_EQ(manifest->inputs[1].audio, (AudioSpec{8000, 256}));
  EXPECT_EQ(manifest->inputs[2].dtype, DType::kF64);
  EXPECT_THAT(manifest->inputs[2].shape, ElementsAre(-1, 4));
  EXPECT_EQ(manifest->inputs[3].constant, 16000);
  EXPECT_EQ(manifest->inputs[3].dtype, DType::kI64);
  EXPECT_THAT(manifest->outputs[0].labels, ElementsAre("0", "1"));
  EXPECT_FALSE(manifest->outputs[0].softmax);
  EXPECT_EQ(manifest->variants[0].artifact_bytes, 4096u);
  EXPECT_EQ(manifest->variants[0].accuracy, 0.97);
}

TEST(Manifest, WritesWhatItReadsBack) {
  const auto manifest = manifest_from_json(boost::json::parse(kManifest));
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest_from_json(manifest_to_json(*manifest)), *manifest);
}

// The fields that a manifest is refused for after one change of the good one.
std::vector<std::string> refused_fields(std::string_view from, std::string_view to) {
  std::string text = kManifest;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  const auto manifest = manifest_from_json(boost::json::parse(text.replace(at, from.size(), to)));
  std::vector<std::string> fields;
  if (!manifest) {
    EXPECT_EQ(manifest.error().code, ErrorCode::kInvalidArgument);
    for (const FieldIssue& issue : manifest.error().fields) {
      EXPECT_THAT(manifest.error().fields, testing::Not(Contains(Field(&FieldIssue::message, ""))));
      fields.push_back(issue.field);
    }
  }
  return fields;
}

TEST(Manifest, NamesTheFieldOfWhatItRefuses) {
  const struct {
    const char* from;
    const char* to;
    const char* field;
  } cases[] = {
      {"skerry/v1", "skerry/v2", "/apiVersion"},
      {"\"Model\"", "\"Pod\"", "/kind"},
      {"\"kind\": \"Model\"", "\"kind\": \"Model\", \"extra/key\": 1", "/extra~1key"},
      {"{\"name\": \"digits\"}", "{\"name\": \"Digits\"}", "/metadata/name"},
      {"{\"name\": \"digits\"}", "{}", "/metadata/name"},
      {"{\"name\": \"digits\"}", "7", "/metadata"},
      {"\"stateful\": true", "\"stateful\": \"yes\"", "/spec/stateful"},
      {"\"stateful\": true", "\"stateful\": false", "/spec/reset_method"},
      {"\"stateful\": true", "\"engine\": \"onnx\", \"stateful\": true", "/spec/engine"},
      {"\"kind\": \"image\"", "\"kind\": \"picture\"", "/spec/inputs/0/kind"},
      {"\"width\": 20", "\"width\": 0", "/spec/inputs/0/image/width"},
      {"\"width\": 20, ", "", "/spec/inputs/0/image/width"},
      {"\"width\": 20", "\"width\": 20.5", "/spec/inputs/0/image/width"},
      {"\"channels\": 1", "\"channels\": 2", "/spec/inputs/0/image/channels"},
      {"\"mean\": [0.5]", "\"mean\": [0.5, 0.5]", "/spec/inputs/0/image/mean"},
      {"\"mean\": [0.5]", "\"mean\": [\"a\"]", "/spec/inputs/0/image/mean"},
      {"\"std\": [0.25]", "\"std\": [0]", "/spec/inputs/0/image/std"},
      {"\"sample_rate_hz\": 8000", "\"sample_rate_hz\": 1", "/spec/inputs/1/audio/sample_rate_hz"},
      {"\"sample_rate_hz\": 8000", "\"rate\": 1", "/spec/inputs/1/audio/rate"},
      {"\"f64\"", "\"double\"", "/spec/inputs/2/dtype"},
      {"[-1, 4]", "[-2, 4]", "/spec/inputs/2/shape"},
      {"[-1, 4]", "[1,1,1,1,1,1,1,1,1]", "/spec/inputs/2/shape"},
      {"\"name\": \"x\"", "\"name\": \"sound\"", "/spec/inputs/2/name"},
      {"\"name\": \"x\", ", "", "/spec/inputs/2/name"},
      {"\"name\": \"x\"", "\"name\": \"\"", "/spec/inputs/2/name"},
      {"\"name\": \"x\"", "\"name\": \"x\", \"constant\": 1", "/spec/inputs/2/constant"},
      {"\"kind\": \"constant\"", "\"kind\": \"audio\"", "/spec/inputs/3/constant"},
      {"\"constant\": 16000", "\"constant\": 1e30", "/spec/inputs/3/constant"},
      {"\"labels\": [\"0\", \"1\"]", "\"labels\": [0]", "/spec/outputs/0/labels"},
      {"\"labels\": [\"0\", \"1\"], ", "", "/spec/outputs/0/labels"},
      {"\"top\": 2", "\"top\": 0", "/spec/outputs/0/top"},
      {"\"name\": \"raw\"", "\"name\": \"digit\"", "/spec/outputs/1/name"},
      {"\"variants\": [{", "\"variants\": [], \"more\": [{", "/spec/variants"},
      {"\"name\": \"small\"", "\"name\": \"small!\"", "/spec/variants/0/name"},
      {"sha256:", "md5:", "/spec/variants/0/digest"},
      {"\"accuracy\": 0.97", "\"accuracy\": 97", "/spec/variants/0/accuracy"},
      {"\"memory_bytes\": 1000", "\"memory_bytes\": -1", "/spec/variants/0/memory_bytes"},
      {"\"reference_ms\": 0.5", "\"reference_ms\": \"fast\"", "/spec/variants/0/reference_ms"},
  };
  for (const auto& one : cases) {
    EXPECT_THAT(refused_fields(one.from, one.to), Contains(one.field)) << one.to;
  }
}

TEST(Manifest, AVariantWithoutArtifactIsRefusedUnlessItsEngineIsNoop) {
  const auto manifest = [](std::string_view engine) {
    return manifest_from_json(boost::json::parse(
        R"({"apiVersion": "skerry/v1", "kind": "Model", "metadata": {"name": "m"},
      "spec": {"engine": ")" +
        std::string(engine) + R"(", "variants": [{"name": "one"}]}})"));
  };
  EXPECT_TRUE(manifest("noop"));
  ASSERT_FALSE(manifest("torch"));
  EXPECT_EQ(manifest("torch").error().fields[0].field, "/spec/variants/0/digest");
}

TEST(Manifest, GathersEverythingThatIsWrong) {
  const auto manifest = manifest_from_json(boost::json::parse("{}"));
  ASSERT_FALSE(manifest);
  std::vector<std::string> fields;
  for (const FieldIssue& issue : manifest.error().fields) {
    fields.push_back(issue.field);
  }
  EXPECT_THAT(fields, testing::IsSupersetOf(
                          {"/apiVersion", "/kind", "/metadata", "/spec", "/spec/variants"}));
  EXPECT_FALSE(manifest_from_json(boost::json::parse("[]")));
}

}  // namespace
}  // namespace skerry
