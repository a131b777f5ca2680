// Tests of submitting jobs: what is read, what is refused and how, against the real core.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "common/digest.h"
#include "tests/unit/api_jobs.h"

namespace skerry::api {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Jobs, ASubmittedJobIsAcceptedAndCanBeFound) {
  const Reply reply = api_.call("POST", "/api/v1/jobs", kJob);
  EXPECT_EQ(reply.status, 202);
  const std::string id = text_at(reply.json(), "/id");
  EXPECT_EQ(text_at(reply.json(), "/state"), "READY");
  EXPECT_EQ(reply.header("location"), "/api/v1/jobs/" + id);

  const Reply job = api_.call("GET", "/api/v1/jobs/" + id);
  EXPECT_EQ(job.status, 200);
  EXPECT_EQ(text_at(job.json(), "/state"), "READY");
  EXPECT_EQ(text_at(job.json(), "/preference/name"), "balanced");
  EXPECT_EQ(text_at(job.json(), "/submitted_at"), "2026-01-31T12:00:00.000000Z");
  EXPECT_EQ(job.header("etag"), "\"1-0\"") << "epoch and version";
  EXPECT_EQ(api_.call("GET", "/api/v1/jobs/" + id, "", {"If-None-Match: \"1-0\""}).status, 304);
}

TEST_F(Jobs, EverythingThatIsSubmittedComesBack) {
  const std::string id = api_.submit(R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}},
    "preference":{"latency":1,"energy":3},"priority":"interactive","namespace":"shop","sequence":"s1","labels":{"team":"vision"},
    "constraints":{"deadline_ms":5000,"tiers":["edge","cloud"],"site":"shop-17","labels":{"zone":"a"},"node":"edge-1",
      "variants":["small"],"max_energy_j":2.5,"max_cost_usd":0.001,"min_accuracy":0.85}})");
  const auto job = api_.call("GET", "/api/v1/jobs/" + id).json();
  EXPECT_EQ(job.at("namespace"), "shop");
  EXPECT_EQ(job.at("priority"), "interactive");
  EXPECT_EQ(job.at("sequence"), "s1");
  EXPECT_EQ(job.at_pointer("/labels/team"), "vision");
  EXPECT_EQ(boost::json::serialize(job.at_pointer("/preference/weights")),
            R"({"latency":2.5E-1,"energy":7.5E-1,"cost":0,"error":0})");
  EXPECT_EQ(
      boost::json::serialize(job.at("constraints")),
      R"({"deadline_ms":5000,"tiers":["edge","cloud"],"site":"shop-17","labels":{"zone":"a"},"node":"edge-1",)"
      R"("variants":["small"],"max_energy_j":2.5E0,"max_cost_usd":1E-3,"min_accuracy":8.5E-1})");
}

TEST_F(Jobs, AnIdleFleetSaysWhatAJobWaitsFor) {
  api_.agent_joins("cloud-1");
  const std::string id = api_.submit(
      R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}},"constraints":{"node":"edge-9"}})");
  const auto job = api_.call("GET", "/api/v1/jobs/" + id).json();
  EXPECT_EQ(job.at("waiting_for"), boost::json::value({{"node", 1}}));
}

TEST_F(Jobs, BadJsonIsRefusedWithItsPosition) {
  const Reply reply =
      api_.call("POST", "/api/v1/jobs", "{\"model\": \"echo\",\n  \"inputs\": nope}");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("not valid JSON at line 2, column 13"));
  EXPECT_THAT(api_.call("POST", "/api/v1/jobs").body, HasSubstr("the body is empty"));
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs", "{} {}").status, 400);
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs", std::string(100, '[') + std::string(100, ']')).status,
            400)
      << "too deep";
}

TEST_F(Jobs, WhatIsWrongIsSaidByPointerAllAtOnce) {
  EXPECT_THAT(
      issues_of(
          R"({"mode":"echo","preference":"fastest","priority":"urgent","durability":1,"namespace":"A!",
    "labels":{"a":1},"constraints":{"tiers":["edge","moon"],"min_accuracy":1.5,"deadline":5}})"),
      testing::UnorderedElementsAre(
          "/model: is missing",
          "/preference: must be weights or one of balanced, fast, green, cheap, accurate",
          "/constraints/tiers/1: must be one of device, edge, cloud",
          "/constraints/min_accuracy: must be a number from 0 to 1",
          "/constraints/deadline: is not a known field",
          "/priority: must be one of interactive, normal, batch", "/durability: must be a text",
          "/durability: must be one of durable, none", StartsWith("/namespace: "),
          StartsWith("/labels: 'a': names have"), "/mode: is not a known field"));
  EXPECT_THAT(issues_of("[]"), ElementsAre(": must be an object"));
}

TEST_F(Jobs, WeightsMustMakeAPreference) {
  EXPECT_THAT(issues_of(R"({"model":"echo","preference":{"latency":-1}})"),
              ElementsAre(StartsWith("/preference/latency: must be a number from 0")));
  EXPECT_THAT(issues_of(R"({"model":"echo","preference":{"latency":0}})"),
              ElementsAre(StartsWith("/preference: ")));
  EXPECT_THAT(issues_of(R"({"model":"echo","preference":{"speed":1}})"),
              ElementsAre("/preference/speed: is not a known field"));
}

TEST_F(Jobs, InputsAreHeldAgainstTheManifest) {
  const auto issues = [&](const std::string& inputs) {
    return issues_of(R"({"model":"echo","inputs":)" + inputs + "}");
  };
  EXPECT_THAT(issues("{}"), ElementsAre("/inputs/x: is missing: model 'echo' needs it"));
  EXPECT_THAT(issues("7"), ElementsAre("/inputs: must be an object"));
  EXPECT_THAT(issues(R"({"x":{"shape":[1,1],"data":[1]},"y":{}})"),
              ElementsAre("/inputs/y: is no input of model 'echo': it takes x"));
  EXPECT_THAT(issues(R"({"x":{"dtype":"i64","shape":[1,1],"data":[1]}})"),
              ElementsAre("/inputs/x/dtype: is i64, but the model takes f32"));
  EXPECT_THAT(issues(R"({"x":{"shape":[2,1],"data":[1,2]}})"),
              ElementsAre("/inputs/x/shape: is [2, 1], but the model takes [1, -1]"));
  EXPECT_THAT(issues(R"({"x":{"shape":[1,3],"data":[1,2]}})"),
              ElementsAre(StartsWith("/inputs/x: has 8 bytes of elements")));
  EXPECT_THAT(issues(R"({"x":{"shape":[1,2],"data":[1,"2"]}})"),
              ElementsAre("/inputs/x/data/1: is not a value of f32"));
  EXPECT_THAT(issues(R"({"x":{"shape":[1,2]}})"),
              ElementsAre("/inputs/x: must have exactly one of data and b64"));
  EXPECT_THAT(issues(R"({"x":{"data":[1]}})"), Contains(StartsWith("/inputs/x/shape: is missing")));
  EXPECT_THAT(issues(R"({"x":{"shape":[1,1],"b64":"!!!"}})"),
              Contains(StartsWith("/inputs/x/b64: is not base64")));
}

TEST_F(Jobs, AnUnknownModelIsNotFound) {
  const Reply reply = api_.call("POST", "/api/v1/jobs", R"({"model":"nothing"})");
  EXPECT_EQ(reply.status, 404);
  EXPECT_THAT(reply.fields(), ElementsAre("/model: GET /api/v1/models lists the models"));
}

TEST_F(Jobs, AModelThatChangedIsReadAnew) {
  api_.submit(kJob);  // the manifest is known now
  const Reply put =
      api_.call("PUT", "/api/v1/models/echo",
                R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"echo"},"spec":{
      "engine":"noop","inputs":[{"name":"y","kind":"tensor","dtype":"f32","shape":[1]}],
      "outputs":[{"name":"y","kind":"tensor"}],"variants":[{"name":"small","accuracy":0.9,"reference_ms":1}]}})");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs", kJob).status, 400);
  api_.submit(R"({"model":"echo","inputs":{"y":{"data":[1]}}})");  // the shape is the manifest's
}

TEST_F(Jobs, TensorsAsBase64AreTheSameAsLists) {
  api_.agent_joins("edge-1");
  api_.submit(kJob);
  const Payload listed = api_.assignment().input;
  api_.submit(
      R"({"model":"echo","inputs":{"x":{"dtype":"f32","shape":[1,2],"b64":"AACAPwAAIEA="}}})");
  EXPECT_EQ(*api_.assignment().input.bytes, *listed.bytes);
}

TEST_F(Jobs, TheSameKeyAnswersWithTheSameJob) {
  const std::vector<std::string> key = {"Idempotency-Key: abc"};
  const Reply first = api_.call("POST", "/api/v1/jobs", kJob, key);
  const Reply again = api_.call("POST", "/api/v1/jobs", kJob, key);
  ASSERT_EQ(first.status, 202);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.json().at("id"), first.json().at("id"));

  const Reply other = api_.call(
      "POST", "/api/v1/jobs", R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[9]}}})", key);
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(other.code(), "idempotency_mismatch");
  EXPECT_EQ(
      api_.call("POST", "/api/v1/jobs", kJob, {"Idempotency-Key: " + std::string(300, 'k')}).status,
      400);
}

TEST_F(Jobs, AKeyIsNotForDurabilityNone) {
  const std::string body =
      R"({"model":"echo","durability":"none","inputs":{"x":{"shape":[1,1],"data":[1]}}})";
  EXPECT_THAT(issues_of(body, {"Prefer: wait=5", "Idempotency-Key: k"}),
              ElementsAre(HasSubstr("/durability: none remembers nothing")));
}

TEST_F(Jobs, BatchesAreAcceptedOrRefusedAsOne) {
  const Reply accepted =
      api_.call("POST", "/api/v1/jobs:batch", fmt::format(R"({{"jobs":[{0},{0},{0}]}})", kJob));
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_EQ(accepted.json().at("ids").as_array().size(), 3u);

  const Reply refused =
      api_.call("POST", "/api/v1/jobs:batch",
                fmt::format(R"({{"jobs":[{},{{"model":"echo","inputs":{{}}}}]}})", kJob));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.fields(), ElementsAre("/jobs/1/inputs/x: is missing: model 'echo' needs it"));
  const Reply unknown = api_.call("POST", "/api/v1/jobs:batch",
                                  fmt::format(R"({{"jobs":[{},{{"model":"no"}}]}})", kJob));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.fields(), ElementsAre(StartsWith("/jobs/1/model: ")));
  EXPECT_EQ(api_.call("GET", "/api/v1/jobs").json().at("items").as_array().size(), 3u);

  EXPECT_EQ(api_.call("POST", "/api/v1/jobs:batch", R"({"jobs":[]})").status, 400);
  std::string many;
  for (int i = 0; i < 1001; ++i) {
    many += i == 0 ? "{}" : ",{}";
  }
  EXPECT_THAT(api_.call("POST", "/api/v1/jobs:batch", R"({"jobs":[)" + many + "]}").fields(),
              Contains("/jobs: must be a list of at most 1000"));
}

// Each wrong job costs many times its bytes: whoever sends many is told of so many.
TEST_F(Jobs, ABatchOfWrongJobsIsNotReadToItsEnd) {
  for (const std::string_view job : {R"({"model":"echo"})", "0"}) {
    std::string jobs(job);
    for (int i = 1; i < 300; ++i) {
      jobs += "," + std::string(job);
    }
    const Reply reply = api_.call("POST", "/api/v1/jobs:batch", R"({"jobs":[)" + jobs + "]}");
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, testing::HasSubstr("100 fields are wrong"));
  }
}

TEST_F(Jobs, ABatchHasOneNamespaceAndIsDurable) {
  const Reply reply = api_.call(
      "POST", "/api/v1/jobs:batch",
      R"({"jobs":[{"model":"echo","namespace":"a"},{"model":"echo","namespace":"b","durability":"none"}]})");
  EXPECT_THAT(reply.fields(), ElementsAre(StartsWith("/jobs/1/durability: "),
                                          StartsWith("/jobs/1/namespace: must be the same")));
}

TEST_F(Jobs, LargeInputsTravelAsBlobsAndGoWithTheirJob) {
  api_.agent_joins("edge-1");
  const std::string bytes(400'000, 'a');
  const std::string body =
      R"({"model":"echo","inputs":{"x":{"shape":[1,100000],"b64":")" + to_base64(bytes) + R"("}}})";
  const std::string id = api_.submit(body);
  const auto attempt = api_.assignment();
  EXPECT_EQ(attempt.input.bytes, nullptr);
  const auto stored = api_.blobs().read_all(attempt.input.blob);
  ASSERT_TRUE(stored);
  const auto values = decode_values(*stored);
  ASSERT_TRUE(values);
  EXPECT_EQ(std::get<Tensor>(values->front().value).data, bytes);

  const auto output = api_.blobs().put(*stored);  // the result is large too
  api_.succeed(attempt, Payload::stored(output->digest(), output->size_bytes()));
  const auto result = api_.call("GET", "/api/v1/jobs/" + id + "/result").json();
  EXPECT_EQ(text_at(result, "/outputs/x/b64"), to_base64(bytes)) << "too long to be listed";
}

TEST_F(Jobs, ABlobOfARefusedOrEndedJobIsNotKept) {
  const std::string bytes(400'000, 'b');
  const std::string body =
      R"({"model":"echo","inputs":{"x":{"shape":[1,100000],"b64":")" + to_base64(bytes) + R"("}}})";
  const std::string digest = sha256_digest(encode_values(
      {{.name = "x", .value = Tensor{.dtype = DType::kF32, .shape = {1, 100000}, .data = bytes}}}));
  api_.call("POST", "/api/v1/jobs", kJob, {"Idempotency-Key: k"});
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs", body, {"Idempotency-Key: k"}).status, 409);
  EXPECT_FALSE(api_.blobs().size_bytes(digest));

  const std::string id = api_.submit(body);
  EXPECT_TRUE(api_.blobs().size_bytes(digest));
  api_.call("POST", "/api/v1/jobs/" + id + ":cancel");
  EXPECT_FALSE(api_.blobs().size_bytes(digest));

  Client client = api_.client();  // the job ends while its submission still holds the blob
  client.send(request_text("POST", "/api/v1/jobs", body, {"Prefer: wait=2"}));
  api_.await_waiters(6);
  const auto open = api_.call("GET", "/api/v1/jobs?limit=1").json();
  api_.call("POST", "/api/v1/jobs/" + text_at(open, "/items/0/id") + ":cancel");
  EXPECT_EQ(text_at(client.receive().json(), "/state"), "CANCELLED");
  EXPECT_FALSE(api_.blobs().size_bytes(digest));
}

}  // namespace
}  // namespace skerry::api
