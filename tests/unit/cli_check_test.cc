// Tests of `skerryctl check`: it waits for a node, runs what answers with its input, and believes no other answer.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "tests/unit/cli_answers.h"

namespace skerry::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kModelPath = "PUT /api/v1/models/skerry-check";

// A controller whose node becomes READY at the second look, and whose job ends like this.
ScriptedServer::Handler controller(const std::string& ended, int ready_after = 1) {
  return [ended, ready_after, looks = 0](const ServedRequest& request) mutable {
    if (request.line() == "GET /api/v1/nodes") {
      const bool ready = looks++ >= ready_after;
      return ok(fmt::format(R"({{"items": [{{"name": "n", "state": "{}"}}]}})",
                            ready ? "READY" : "DISCONNECTED"));
    }
    if (request.line() == kModelPath) {
      return ok(R"({"changed": true})");
    }
    if (request.method == "POST") {
      return ServedAnswer{.status = 202, .body = std::string(kReady)};
    }
    return ok(ended);
  };
}

std::string ended_with(const std::string& data) {
  return fmt::format(
      R"({{"id": "j0000100000001", "state": "SUCCEEDED", "ended_at": "2026-11-28T00:00:00Z",
           "result": {{"node": "n", "variant": "only", "outputs": {{"x": {{"dtype": "f32", "shape": [5], "data": {}}}}}}}}})",
      data);
}

TEST(Check, WaitsForANodeAndBelievesTheAnswerThatWasSent) {
  const ScriptedServer server(controller(ended_with("[3.0, 1, 4, 1, 5]")));
  const Finished done = run(server, {"check", "-n", "shop"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("1 node is READY"));
  EXPECT_THAT(done.out, HasSubstr("the answer is what was sent"));
  EXPECT_THAT(server.request_lines(),
              ElementsAre("GET /api/v1/nodes", "GET /api/v1/nodes", kModelPath, "POST /api/v1/jobs",
                          "GET /api/v1/jobs/j0000100000001?wait=20"));
  EXPECT_THAT(server.requests()[3].body, HasSubstr(R"("namespace":"shop")"));
}

TEST(Check, AnotherAnswerIsAFailure) {
  for (const char* data : {"[3, 1, 4, 1, 6]", "[3, 1, 4, 1]", "[]", R"(["3", 1, 4, 1, 5])"}) {
    const ScriptedServer server(controller(ended_with(data), 0));
    const Finished done = run(server, {"check", "-n", "shop"});
    EXPECT_EQ(done.exit_code, 6) << data;
    EXPECT_THAT(done.out, HasSubstr("not what was sent")) << data;
  }
}

TEST(Check, AJobThatFailsIsAFailureAndSaysWhy) {
  const ScriptedServer server(controller(
      R"({"id": "j0000100000001", "state": "FAILED", "ended_at": "2026-11-28T00:00:00Z", "error": {"code": "x", "message": "no such engine"}})",
      0));
  const Finished done = run(server, {"check", "-n", "shop"});
  EXPECT_EQ(done.exit_code, 6);
  EXPECT_THAT(done.out, HasSubstr("FAILED"));
}

TEST(Check, WithoutANodeItsTimeIsUp) {
  const ScriptedServer server(controller("", 1'000'000));
  const Finished done = run(server, {"check", "-n", "shop", "--timeout", "600ms"});
  EXPECT_EQ(done.exit_code, 5);
  EXPECT_THAT(done.err, HasSubstr("no node was READY in time"));
}

}  // namespace
}  // namespace skerry::cli
