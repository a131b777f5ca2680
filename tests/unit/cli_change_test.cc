// Tests of the commands that change the cluster, and of errors: apply, delete, drain, policy,
// version.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "common/digest.h"
#include "tests/unit/cli_answers.h"

namespace skerry::cli {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// ---- apply, delete, nodes, policies, version

TEST(Apply, UploadsOnlyWhatIsMissingBeforeItRegistersTheModel) {
  const TemporaryFolder folder;
  folder.write("a.pt", "first");
  folder.write("b.pt", std::string(300'000, 'b'));
  const std::string manifest = folder.write("model.yaml", R"(apiVersion: skerry/v1
kind: Model
metadata: {name: mine}
spec:
  inputs: [{name: x, shape: [1, 3]}]
  outputs: [{name: y}]
  variants: [{name: a, file: a.pt}, {name: b, file: b.pt}]
)");
  const std::string first = sha256_digest("first");
  const std::string second = sha256_digest(std::string(300'000, 'b'));
  const ScriptedServer server([&](const ServedRequest& request) {
    if (request.method == "HEAD") {
      return request.target.ends_with(first) ? ok("") : ServedAnswer{.status = 404};
    }
    return request.target.starts_with("/api/v1/blobs/") ? ServedAnswer{.status = 201, .body = "{}"}
                                                        : ok(R"({"changed": true})");
  });
  const Finished applied = run(server, {"apply", "-f", manifest});
  EXPECT_EQ(applied.out, "model/mine applied\n") << applied.err;
  EXPECT_THAT(server.request_lines(),
              ElementsAre("HEAD /api/v1/blobs/" + first, "HEAD /api/v1/blobs/" + second,
                          "PUT /api/v1/blobs/" + second, "PUT /api/v1/models/mine"));
  EXPECT_EQ(server.requests()[2].body, std::string(300'000, 'b'));
  const json::value sent = json::parse(server.requests()[3].body);
  EXPECT_EQ(sent.at_pointer("/spec/variants/1/digest"), json::value(second));
  EXPECT_EQ(sent.at_pointer("/spec/variants/1/artifact_bytes"), json::value(300'000));
  EXPECT_FALSE(sent.at_pointer("/spec/variants/1").as_object().contains("file"));
  EXPECT_EQ(run(server, {"model", "apply", "-f", manifest, "-o", "name"}).out, "model/mine\n");
}

TEST(Apply, ADryRunSendsNothingAndAMistakeNamesItsFields) {
  const TemporaryFolder folder;
  folder.write("a.pt", "first");
  const ScriptedServer server(std::map<std::string, ServedAnswer>{});
  const std::string good =
      folder.write("good.yaml",
                   "apiVersion: skerry/v1\nkind: Model\nmetadata: {name: mine}\n"
                   "spec: {variants: [{name: a, file: a.pt}]}\n");
  EXPECT_EQ(run(server, {"apply", "--dry-run", "-f", good}).out, "model/mine is well formed\n");
  const std::string bad = folder.write(
      "bad.yaml",
      "apiVersion: skerry/v1\nkind: Model\nmetadata: {name: mine}\n"
      "spec: {variants: [{name: a, file: a.pt, accuracy: 2}], inputs: [{kind: imaeg}]}\n");
  const Finished refused = run(server, {"apply", "-f", good, "-f", bad});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("\n  /spec/variants/0/accuracy: "),
                                 HasSubstr("\n  /spec/inputs/0/kind: ")));
  EXPECT_THAT(server.requests(), IsEmpty()) << "nothing of the good file either";
}

TEST(Apply, AnUploadThatIsRefusedSaysWhy) {
  const TemporaryFolder folder;
  folder.write("a.pt", "first");
  const std::string manifest =
      folder.write("m.yaml",
                   "apiVersion: skerry/v1\nkind: Model\nmetadata: {name: mine}\n"
                   "spec: {variants: [{name: a, file: a.pt}]}\n");
  const ScriptedServer server([](const ServedRequest& request) {
    return request.method == "HEAD" ? ServedAnswer{.status = 404}
                                    : problem(413, "too_large", "a blob has at most 4 GiB");
  });
  const Finished refused = run(server, {"apply", "-f", manifest});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, StartsWith("error: a blob has at most 4 GiB\n"));
}

TEST(Apply, AModelOfANamespaceGoesByItsBareName) {
  const TemporaryFolder folder;
  const std::string manifest = folder.write("model.yaml", R"(apiVersion: skerry/v1
kind: Model
metadata: {name: mine, namespace: shop}
spec:
  engine: noop
  inputs: [{name: x, shape: [1, 3]}]
  outputs: [{name: y}]
  variants: [{name: a}]
)");
  const ScriptedServer server({{"PUT /api/v1/models/mine", ok(R"({"changed": true})")}});
  const Finished applied = run(server, {"apply", "-f", manifest});
  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_THAT(server.requests()[0].body, HasSubstr(R"("namespace":"shop")"));
}

TEST(Models, ANamespacesOwnComesBeforeEverybodys) {
  const ScriptedServer server(
      {{"GET /api/v1/models/mine?namespace=shop", ok(R"({"name": "shop/mine"})")},
       {"GET /api/v1/models/digits", ok(R"({"name": "digits"})")},
       {"DELETE /api/v1/models/mine?namespace=shop", ok(R"({"changed": true})")}});
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"get", "models", "mine", "-n", "shop", "-o", "json"},
        {"get", "models", "shop/mine", "-o", "json"},
        {"describe", "model", "model/shop/mine", "-o", "json"}}) {
    const Finished shown = run(server, words);
    EXPECT_THAT(shown.out, HasSubstr("shop/mine")) << shown.err;
  }
  EXPECT_THAT(run(server, {"get", "models", "digits", "-n", "shop", "-o", "json"}).out,
              HasSubstr("digits"));
  EXPECT_EQ(run(server, {"get", "models", "other", "-n", "shop"}).exit_code, 3);
  EXPECT_EQ(run(server, {"delete", "model", "digits", "-n", "shop"}).exit_code, 3)
      << "everybody's is not deleted by who names a namespace";
  EXPECT_EQ(run(server, {"delete", "model", "shop/mine"}).exit_code, 0);
}

TEST(Delete, ForgetsModelsAndNodes) {
  const ScriptedServer server(
      {{"DELETE /api/v1/models/digits", ok(R"({"changed": true})")},
       {"DELETE /api/v1/nodes/edge-1", problem(409, "conflict", "node edge-1 is connected")}});
  EXPECT_EQ(run(server, {"delete", "model", "digits"}).out, "model/digits deleted\n");
  EXPECT_EQ(run(server, {"delete", "node", "edge-1"}).exit_code, 4);
}

TEST(Nodes, AreCordonedUncordonedAndDrained) {
  const ScriptedServer server(
      {{"POST /api/v1/nodes/edge-1:cordon", ok(R"({"changed": true})")},
       {"POST /api/v1/nodes/edge-1:uncordon", ok(R"({"changed": false})")},
       {"POST /api/v1/nodes/edge-1:drain", ok(R"({"changed": true})")},
       {"GET /api/v1/nodes/edge-1", ok(R"({"name": "edge-1", "state": "DRAINED"})")}});
  EXPECT_EQ(run(server, {"cordon", "edge-1"}).out, "node/edge-1 cordoned\n");
  EXPECT_EQ(run(server, {"uncordon", "node/edge-1"}).out,
            "node/edge-1 unchanged: uncordoned already\n");
  EXPECT_EQ(run(server, {"drain", "edge-1"}).out, "node/edge-1 draining\n");
  EXPECT_EQ(run(server, {"drain", "edge-1", "--wait"}).out, "node/edge-1 drained\n");
}

TEST(Nodes, ADrainThatTakesTooLongIsExitCodeFive) {
  const ScriptedServer server(
      {{"POST /api/v1/nodes/edge-1:drain", ok(R"({"changed": true})")},
       {"GET /api/v1/nodes/edge-1",
        ok(R"({"name": "edge-1", "state": "DRAINING", "outstanding": 2})")}});
  const Finished drained = run(server, {"drain", "edge-1", "--wait", "--timeout", "10ms"});
  EXPECT_EQ(drained.exit_code, 5);
  EXPECT_THAT(drained.err, HasSubstr("node edge-1 is DRAINING with 2 attempts outstanding"));
}

TEST(Policies, AreChosenByName) {
  const ScriptedServer server({{"POST /api/v1/policies/jsq:promote", ok(R"({"changed": true})")}});
  EXPECT_EQ(run(server, {"policy", "promote", "jsq"}).out, "policy/jsq promoted\n");
  EXPECT_EQ(run(server, {"policy", "use", "policy/jsq"}).out, "policy/jsq promoted\n");
}

TEST(Version, IsToldOfBothSides) {
  const ScriptedServer server({{"GET /version", ok(R"({"version": "9.9", "commit": "abc"})")}});
  EXPECT_THAT(run(server, {"version"}).out, HasSubstr("server  9.9 (abc)\n"));
  EXPECT_THAT(run_skerryctl({"version", "--client"}).out, StartsWith("client  "));
}

// ---- errors and the connection

TEST(Errors, AServerThatIsNotThereIsNamedWithAWayOut) {
  std::string gone;
  {
    const ScriptedServer server(std::map<std::string, ServedAnswer>{});
    gone = server.url();
  }
  const Finished refused = run_skerryctl({"get", "nodes", "--server", gone});
  EXPECT_EQ(refused.exit_code, 5);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("cannot reach " + gone + ": Connection refused"),
                                 HasSubstr("SKERRY_SERVER")));
  EXPECT_EQ(run_skerryctl({"events", "-w", "--server", gone}).exit_code, 5)
      << "a watch that never began does not wait for ever";
}

TEST(Errors, FieldsOfAProblemAreLinesOfTheirOwn) {
  const ScriptedServer server(
      {{"POST /api/v1/jobs",
        {.status = 400,
         .body = R"({"detail": "2 fields are wrong", "code": "invalid_argument", "fields": [
                                     {"field": "/constraints/tiers/0", "message": "must be one of device, edge, cloud"},
                                     {"field": "/model", "message": "is missing"}]})"}}});
  const Finished refused = run(server, {"submit", "digits"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.err,
            "error: 2 fields are wrong\n"
            "  /constraints/tiers/0: must be one of device, edge, cloud\n"
            "  /model: is missing\n");
}

TEST(Errors, FieldsThatTheSentenceTellsOfAreSaidOnce) {
  const ScriptedServer server({
      {"GET /api/v1/nodes",
       {.status = 400,
        .body = R"({"detail": "a field is wrong: /a is bad", "code": "invalid_argument",
                    "fields": [{"field": "/a", "message": "is bad"}]})"}},
      {"GET /api/v1/models",
       {.status = 400,
        .body =
            R"({"detail": "2 fields are wrong: /a is bad; /b is worse", "code": "invalid_argument",
                    "fields": [{"field": "/a", "message": "is bad"}, {"field": "/b", "message": "is worse"}]})"}},
  });
  EXPECT_EQ(run(server, {"get", "nodes"}).err, "error: a field is wrong: /a is bad\n");
  EXPECT_EQ(run(server, {"get", "models"}).err,
            "error: 2 fields are wrong\n  /a: is bad\n  /b: is worse\n");
}

TEST(Errors, EachKindOfRefusalHasItsExitCode) {
  const std::tuple<int, const char*, int> cases[] = {
      {400, "invalid_argument", 1}, {403, "permission_denied", 1}, {404, "not_found", 3},
      {409, "conflict", 4},         {429, "quota_open_jobs", 5},   {503, "no_capacity", 5},
      {409, "cancelled", 6},        {418, "brand_new", 1},         {504, "brand_new", 5},
      {500, "internal", 1},         {422, "unsatisfiable", 1}};
  for (const auto& [status, code, exit_code] : cases) {
    const ScriptedServer server({{"GET /api/v1/nodes", problem(status, code, "because")}});
    EXPECT_EQ(run(server, {"get", "nodes"}).exit_code, exit_code) << status << " " << code;
  }
}

TEST(Errors, RetryAfterIsPassedOnAndAnswersThatAreNoProblemStillSaySomething) {
  const ScriptedServer server({{"GET /api/v1/nodes",
                                {.status = 503,
                                 .body = R"({"detail": "starting", "code": "unavailable"})",
                                 .headers = {{"Retry-After", "2"}}}},
                               {"GET /api/v1/models", {.status = 502, .body = "<html>"}},
                               {"GET /api/v1/policies", ok("not json")}});
  EXPECT_EQ(run(server, {"get", "nodes"}).err, "error: starting (try again in 2 s)\n");
  EXPECT_THAT(run(server, {"get", "models"}).err, HasSubstr("the server answered 502"));
  EXPECT_THAT(run(server, {"get", "policies"}).err, HasSubstr("the answer is not JSON"));
}

TEST(Errors, AServerThatSaysNothingIsGivenUpInTime) {
  const ScriptedServer server([](const ServedRequest&) { return ServedAnswer{.silent = true}; });
  const Finished lost = run(server, {"get", "nodes"});
  EXPECT_EQ(lost.exit_code, 5);
  EXPECT_THAT(lost.err, HasSubstr("cannot reach"));
}

TEST(Errors, AConnectionThatWentStaleIsReplacedWithoutAWord) {
  const ScriptedServer server([](const ServedRequest& request) {
    ServedAnswer answer = ok(request.target == "/api/v1/models/digits" ? kModel : kDone);
    answer.hang_up = true;
    return answer;
  });
  const TemporaryFolder folder;
  const Finished done = run(server, {"infer", "digits", "--image", folder.write("a.png", "x")});
  EXPECT_EQ(done.out, "7\n") << done.err;
  EXPECT_THAT(server.request_lines(),
              ElementsAre("GET /api/v1/models/digits", "POST /api/v1/jobs"));
}

TEST(Usage, MistakesAreExitCodeTwoWithTheHelpToRead) {
  EXPECT_EQ(run_skerryctl({}).exit_code, 2);
  EXPECT_EQ(run_skerryctl({"get"}).exit_code, 2);
  EXPECT_EQ(run_skerryctl({"get", "nodes", "-o", "xml"}).exit_code, 2);
  EXPECT_THAT(run_skerryctl({"submit", "m", "--deadline", "soon"}).err,
              AllOf(HasSubstr("--deadline: 'soon' is no duration"),
                    HasSubstr("see `skerryctl submit --help`")));
  EXPECT_EQ(run_skerryctl({"get", "nodes", "--server", "ftp://x"}).exit_code, 2);
  const Finished help = run_skerryctl({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("Exit codes:"), HasSubstr("explain")));
}

}  // namespace
}  // namespace skerry::cli
