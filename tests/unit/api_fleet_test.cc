// Tests of nodes, models, blobs, placements and policies over REST.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/digest.h"
#include "tests/unit/api_fixture.h"

namespace skerry::api {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string digits_manifest(const std::string& digest, const std::string& name = "digits") {
  return R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":")" + name + R"("},"spec":{
    "inputs":[{"name":"image","kind":"image","image":{"width":28,"height":28,"channels":1}}],
    "outputs":[{"name":"digit","kind":"labels","labels":["0","1"]}],
    "variants":[{"name":"small","accuracy":0.96,"reference_ms":1,"digest":")" +
         digest + R"("}]}})";
}

TEST(Nodes, AreListedAndShown) {
  TestApi api;
  api.agent_joins("edge-1");
  api.agent_joins("cloud-1");
  const auto list = api.call("GET", "/api/v1/nodes").json();
  EXPECT_EQ(list.at_pointer("/items/0/name"), "cloud-1");
  const auto node = api.call("GET", "/api/v1/nodes/edge-1").json();
  EXPECT_EQ(node.at("state"), "READY");
  EXPECT_EQ(node.at("connected"), true);
  EXPECT_EQ(node.at_pointer("/labels/zone"), "a");
  EXPECT_EQ(node.at("slots"), 4);
  EXPECT_EQ(node.at("software_version"), "1.2.3");
  EXPECT_EQ(api.call("GET", "/api/v1/nodes/edge-9").code(), "not_found");
}

TEST(Nodes, AreCordonedDrainedAndForgotten) {
  TestApi api;
  api.agent_joins("edge-1");
  const auto state = [&] {
    return std::string(api.call("GET", "/api/v1/nodes/edge-1").json().at("state").as_string());
  };
  EXPECT_EQ(api.call("POST", "/api/v1/nodes/edge-1:cordon").body, R"({"changed":true})");
  EXPECT_EQ(api.call("POST", "/api/v1/nodes/edge-1:cordon").body, R"({"changed":false})");
  EXPECT_EQ(state(), "CORDONED");
  EXPECT_EQ(api.call("POST", "/api/v1/nodes/edge-1:drain").status, 200);
  EXPECT_EQ(state(), "DRAINED");
  EXPECT_EQ(api.call("POST", "/api/v1/nodes/edge-1:uncordon").status, 200);
  EXPECT_EQ(state(), "READY");
  EXPECT_EQ(api.call("POST", "/api/v1/nodes/edge-9:drain").status, 404);

  const Reply connected = api.call("DELETE", "/api/v1/nodes/edge-1");
  EXPECT_EQ(connected.status, 409);
  EXPECT_EQ(connected.code(), "conflict");
  api.agent_leaves("edge-1");
  api.advance(seconds(1));
  EXPECT_EQ(api.call("DELETE", "/api/v1/nodes/edge-1").body, R"({"changed":true})");
  EXPECT_EQ(api.call("GET", "/api/v1/nodes/edge-1").status, 404);
}

TEST(Models, NeedTheirArtifactsFirst) {
  TestApi api;
  const std::string bytes = "a TorchScript file";
  const std::string digest = sha256_digest(bytes);
  const Reply missing = api.call("PUT", "/api/v1/models/digits", digits_manifest(digest));
  EXPECT_EQ(missing.status, 400);
  EXPECT_THAT(missing.fields(),
              ElementsAre(StartsWith(
                  "/spec/variants/0/digest: is not here yet: PUT /api/v1/blobs/sha256:")));

  EXPECT_EQ(api.call("PUT", "/api/v1/blobs/" + digest, bytes).status, 201);
  EXPECT_EQ(api.call("PUT", "/api/v1/models/digits", digits_manifest(digest)).body,
            R"({"changed":true})");
  EXPECT_EQ(api.call("PUT", "/api/v1/models/digits", digits_manifest(digest)).body,
            R"({"changed":false})");

  api.agent_joins("edge-1");
  const auto model = api.call("GET", "/api/v1/models/digits").json();
  EXPECT_EQ(model.at("revision"), 1);
  EXPECT_EQ(model.at_pointer("/manifest/spec/variants/0/artifact_bytes"), 18)
      << "measured, not believed";
  EXPECT_EQ(model.at_pointer("/estimates/0/node"), "edge-1");
  EXPECT_EQ(api.call("GET", "/api/v1/models").json().at("items").as_array().size(), 1u);
}

TEST(Models, AnArtifactThatIsGivenUpWhileItsModelIsAppliedStays) {
  TestApi api;
  const std::string digest = sha256_digest("m");
  api.call("PUT", "/api/v1/blobs/" + digest, "m");
  api.before_ask([&](const core::Event& event) {
    if (std::holds_alternative<core::PutModel>(event)) {
      api.blobs().abandon(digest);  // as when the last job with these bytes is forgotten
      EXPECT_TRUE(api.blobs().reap());
    }
  });
  EXPECT_EQ(api.call("PUT", "/api/v1/models/digits", digits_manifest(digest)).status, 200);
  EXPECT_EQ(api.call("GET", "/api/v1/blobs/" + digest).body, "m");
  EXPECT_EQ(api.call("DELETE", "/api/v1/models/digits").status, 200);
  EXPECT_EQ(api.call("GET", "/api/v1/blobs/" + digest).status, 404) << "it went with its model";
}

TEST(Models, BadManifestsAreRefusedByField) {
  TestApi api;
  const std::string digest = sha256_digest("x");
  const Reply other = api.call("PUT", "/api/v1/models/digits", digits_manifest(digest, "numbers"));
  EXPECT_EQ(other.status, 400);
  EXPECT_THAT(other.fields(), ElementsAre("/metadata/name: must be the name in the path"));
  const Reply broken = api.call(
      "PUT", "/api/v1/models/digits",
      R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"digits"},"spec":{"colour":1}})");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.fields(), Contains(StartsWith("/spec/colour: ")));
  const Reply bare = api.call("PUT", "/api/v1/models/digits", digits_manifest(""));
  EXPECT_EQ(bare.status, 400);
}

TEST(Models, AreSignedWhereTheControllerAsksForIt) {
  const PrivateKey key = PrivateKey::generate();
  TestApi api({}, {}, auth::Mode::kOpen,
              {.required = true, .keys = {{"release", key.public_key(), {"*"}}}});
  const std::string digest = sha256_digest("m");
  api.call("PUT", "/api/v1/blobs/" + digest, "m");
  const auto apply = [&](const std::string& signature, const std::string& by) {
    auto document = boost::json::parse(digits_manifest(digest));
    auto& variant = document.at_pointer("/spec/variants/0").as_object();
    if (!signature.empty()) {
      variant["signature"] = signature;
      variant["signed_by"] = by;
    }
    return api.call("PUT", "/api/v1/models/digits", boost::json::serialize(document));
  };
  const auto signature = [&](const std::string& ns) {
    return key.sign(to_signed_text({digest, "digits", "small", ns}));
  };
  EXPECT_THAT(apply("", "").fields(),
              ElementsAre(StartsWith("/spec/variants/0/signature: is missing")));
  EXPECT_THAT(apply(signature("vision"), "release").fields(),
              ElementsAre(StartsWith("/spec/variants/0/signature: is not that of key 'release'")));
  EXPECT_THAT(apply(signature(""), "other").fields(),
              ElementsAre(StartsWith("/spec/variants/0/signed_by: 'other' is none of the keys")));
  EXPECT_THAT(apply("AAAA", "release").fields(),
              ElementsAre(StartsWith("/spec/variants/0/signature: must be 64 bytes")));
  EXPECT_EQ(api.call("GET", "/api/v1/models/digits").status, 404);
  EXPECT_EQ(apply(signature(""), "release").status, 200);
  const auto model = api.call("GET", "/api/v1/models/digits").json();
  EXPECT_EQ(model.at_pointer("/manifest/spec/variants/0/signed_by"), "release");
}

TEST(Models, TakeMediaOfTheirKind) {
  TestApi api;
  api.call("PUT", "/api/v1/blobs/" + sha256_digest("m"), "m");
  ASSERT_EQ(api.call("PUT", "/api/v1/models/digits", digits_manifest(sha256_digest("m"))).status,
            200);
  const auto issues = [&](const std::string& image) {
    return api
        .call("POST", "/api/v1/jobs", R"({"model":"digits","inputs":{"image":)" + image + "}}")
        .fields();
  };
  EXPECT_THAT(issues(R"({"b64":"aGk=","type":"image/gif"})"),
              ElementsAre("/inputs/image/type: must be image/png or image/jpeg"));
  EXPECT_THAT(issues(R"({"type":"image/png"})"), Contains("/inputs/image/b64: is missing"));
  EXPECT_THAT(issues(R"({"b64":"aGk=","shape":[1]})"),
              ElementsAre("/inputs/image/shape: is not a known field"));
  api.submit(R"({"model":"digits","inputs":{"image":{"b64":"aGk=","type":"image/png"}}})");
}

TEST(Models, AreDeletedOnlyWithoutOpenJobs) {
  TestApi api;
  api.put_noop_model();
  const std::string id =
      api.submit(R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})");
  EXPECT_EQ(api.call("DELETE", "/api/v1/models/echo").status, 409);
  api.call("POST", "/api/v1/jobs/" + id + ":cancel");
  EXPECT_EQ(api.call("DELETE", "/api/v1/models/echo").body, R"({"changed":true})");
  EXPECT_EQ(api.call("DELETE", "/api/v1/models/echo").status, 404);
  EXPECT_EQ(api.call("GET", "/api/v1/models/echo").status, 404);
  EXPECT_EQ(api.call("POST", "/api/v1/jobs",
                     R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})")
                .status,
            404);
}

TEST(Blobs, GoUpAndComeDown) {
  TestApi api;
  std::string bytes(3'000'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 31 % 251);
  }
  const std::string path = "/api/v1/blobs/" + sha256_digest(bytes);
  EXPECT_EQ(api.call("HEAD", path).status, 404);
  Client client = api.client();
  const Reply put = client.call("PUT", path, bytes);
  EXPECT_EQ(put.status, 201);
  EXPECT_EQ(put.json().at("size_bytes"), 3'000'000);
  EXPECT_EQ(client.call("PUT", path, bytes).status, 200) << "it was there";
  EXPECT_EQ(client.call("GET", path).status, 404) << "nobody's artifact might be somebody's input";
  ASSERT_EQ(
      client.call("PUT", "/api/v1/models/digits", digits_manifest(sha256_digest(bytes))).status,
      200);
  const Reply head = client.call("HEAD", path);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "3000000");
  const Reply get = client.call("GET", path);
  EXPECT_TRUE(get.body == bytes);
  EXPECT_EQ(get.header("content-type"), "application/octet-stream");
  EXPECT_EQ(client.call("GET", "/livez").status, 200) << "the connection is still in step";
}

TEST(Blobs, ChunkedUploadsAndEmptyOnesWork) {
  TestApi api;
  Client client = api.client();
  client.send("PUT /api/v1/blobs/" + sha256_digest("hello world") +
              " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 201);
  client.send("PUT /api/v1/blobs/" + sha256_digest("") +
              " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 201);
}

TEST(Blobs, BytesThatAreNotTheDigestsAreRefused) {
  TestApi api;
  const Reply wrong = api.call("PUT", "/api/v1/blobs/" + sha256_digest("right"), "wrong");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.code(), "invalid_argument");
  EXPECT_FALSE(api.blobs().size_bytes(sha256_digest("right")));
  EXPECT_FALSE(api.blobs().size_bytes(sha256_digest("wrong")));
  EXPECT_EQ(api.call("PUT", "/api/v1/blobs/sha256:abc", "x").status, 400);
  EXPECT_EQ(api.call("GET", "/api/v1/blobs/..%2F..%2Fetc%2Fpasswd").status, 404);
  EXPECT_EQ(api.call("GET", "/api/v1/blobs/" + sha256_digest("never")).status, 404);
}

TEST(Blobs, AnUploadThatStallsTimesOut) {
  TestApi api({.limits = {.header = seconds(30), .idle = milliseconds(50)}});
  Client client = api.client();
  client.send("PUT /api/v1/blobs/" + sha256_digest("x") +
              " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx");
  EXPECT_EQ(client.receive().status, 408);
}

TEST(Blobs, AnUploadThatBreaksOffLeavesNothing) {
  TestApi api;
  {
    Client client = api.client();
    client.send("PUT /api/v1/blobs/" + sha256_digest("x") +
                " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx");
  }
  api.stop();  // after which nothing is under way
  EXPECT_FALSE(api.blobs().size_bytes(sha256_digest("x")));
}

TEST(Placements, ShowEveryCandidateAndTheChoice) {
  TestApi api;
  api.put_noop_model();
  api.agent_joins("edge-1");
  api.agent_joins("edge-2");
  api.call("POST", "/api/v1/nodes/edge-2:cordon");
  const auto plan = api.call("POST", "/api/v1/placements",
                             R"({"model":"echo","input_bytes":1000000,"preference":"fast"})")
                        .json();
  EXPECT_EQ(plan.at_pointer("/choice"),
            boost::json::value({{"node", "edge-1"}, {"variant", "small"}}));
  ASSERT_EQ(plan.at("candidates").as_array().size(), 2u);
  EXPECT_EQ(plan.at_pointer("/candidates/0/eligible"), true);
  EXPECT_GT(plan.at_pointer("/candidates/0/predicted/transfer_ms").to_number<double>(), 1);
  EXPECT_EQ(plan.at_pointer("/candidates/1/eligible"), false);
  EXPECT_EQ(plan.at_pointer("/candidates/1/reason"), "cordoned");
  EXPECT_EQ(api.call("GET", "/api/v1/jobs").json().at("items").as_array().size(), 0u)
      << "nothing was submitted";
}

TEST(Placements, CheckTheirInputToo) {
  TestApi api;
  api.put_noop_model();
  EXPECT_EQ(api.call("POST", "/api/v1/placements", R"({"model":"nothing"})").status, 404);
  EXPECT_THAT(api.call("POST", "/api/v1/placements", R"({"model":"echo","inputs":{}})").fields(),
              ElementsAre(StartsWith("/inputs/x: is missing")));
  EXPECT_THAT(
      api.call("POST", "/api/v1/placements", R"({"model":"echo","inputs":{},"input_bytes":3})")
          .fields(),
      ElementsAre("/input_bytes: is for requests without inputs"));
  const auto nowhere = api.call("POST", "/api/v1/placements", R"({"model":"echo"})").json();
  EXPECT_TRUE(nowhere.at("choice").is_null());
}

TEST(Policies, AreShownAndChosen) {
  TestApi api;
  const auto policies = api.call("GET", "/api/v1/policies").json();
  EXPECT_EQ(policies.at("active"), "greedy");
  EXPECT_THAT(boost::json::serialize(policies.at("available")), HasSubstr("round-robin"));
  EXPECT_EQ(api.call("PUT", "/api/v1/policies/active", R"({"name":"jsq"})").body,
            R"({"changed":true})");
  EXPECT_EQ(api.call("GET", "/api/v1/policies").json().at("active"), "jsq");
  const Reply unknown = api.call("PUT", "/api/v1/policies/active", R"({"name":"magic"})");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("jsq"));
  EXPECT_EQ(api.call("PUT", "/api/v1/policies/active", R"({"policy":"jsq"})").status, 400);
}

TEST(Metrics, ShowTheFleetAndTheQueue) {
  TestApi api;
  api.put_noop_model();
  api.agent_joins("edge-1");
  api.submit(
      R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}},"constraints":{"node":"edge-9"}})");
  const Reply metrics = api.call("GET", "/metrics");
  EXPECT_THAT(metrics.header("content-type"), StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.body, HasSubstr("skerry_queue_jobs{state=\"READY\"} 1"));
  EXPECT_THAT(metrics.body, HasSubstr("skerry_node_state{node=\"edge-1\",state=\"READY\"} 1"));
  EXPECT_THAT(metrics.body, testing::ContainsRegex("skerry_http_connections [1-9]"));
}

}  // namespace
}  // namespace skerry::api
