// Tests of the commands about jobs and events: submit, infer, wait, cancel, events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "tests/unit/cli_answers.h"

namespace skerry::cli {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// ---- submit, infer, wait, cancel

TEST(Submit, SendsWhatWasSaidUnderAnIdempotencyKeyOfItsOwn) {
  const ScriptedServer server(
      {{"POST /api/v1/jobs", {.status = 202, .body = std::string(kReady)}}});
  const Finished submitted = run(
      server, {"submit", "digits", "-p", "latency=.5,energy=.5", "--deadline", "500ms", "--tier",
               "edge,cloud", "--label", "zone=a", "--priority", "interactive", "-n", "shop"});
  EXPECT_EQ(submitted.out, "job/j0000100000001 submitted\n") << submitted.err;
  ASSERT_THAT(server.requests(), SizeIs(1));
  const ServedRequest request = server.requests()[0];
  EXPECT_EQ(json::parse(request.body),
            json::parse(R"({"model": "digits", "namespace": "shop", "priority": "interactive",
                            "preference": {"latency": 0.5, "energy": 0.5},
                            "constraints": {"deadline_ms": 500, "tiers": ["edge", "cloud"], "labels": {"zone": "a"}}})"));
  EXPECT_THAT(request.headers.at("idempotency-key"), SizeIs(32));
  EXPECT_EQ(run(server, {"submit", "digits", "-o", "name"}).out, "job/j0000100000001\n");
  EXPECT_NE(server.requests()[1].headers.at("idempotency-key"),
            request.headers.at("idempotency-key"));
  run(server, {"submit", "digits", "--idempotency-key", "mine"});
  EXPECT_EQ(server.requests()[2].headers.at("idempotency-key"), "mine");
}

TEST(Submit, WithWaitPrintsTheAnswerWhenTheJobHasEnded) {
  const TemporaryFolder folder;
  const std::string image = folder.write("seven.png", "png");
  int asked = 0;
  const ScriptedServer server([&](const ServedRequest& request) {
    if (request.line() == "GET /api/v1/models/digits") {
      return ok(kModel);
    }
    if (request.method == "POST") {
      return ServedAnswer{.status = 202, .body = std::string(kReady)};
    }
    return ok(++asked < 2 ? kReady : kDone);
  });
  const Finished done = run(server, {"submit", "digits", "--image", image, "--wait"});
  EXPECT_EQ(done.out, "7\n") << done.err;
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_THAT(server.request_lines(), ElementsAre("GET /api/v1/models/digits", "POST /api/v1/jobs",
                                                  "GET /api/v1/jobs/j0000100000001?wait=20",
                                                  "GET /api/v1/jobs/j0000100000001?wait=20"));
  EXPECT_EQ(json::parse(server.requests()[1].body).at("inputs"),
            json::parse(R"({"image": {"b64": "cG5n", "type": "image/png"}})"));
}

TEST(Infer, AnswersPlainlyAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  const std::string image = folder.write("seven.png", "png");
  const ScriptedServer server(
      {{"GET /api/v1/models/digits", ok(kModel)}, {"POST /api/v1/jobs", ok(kDone)}});
  const Finished plain = run(server, {"infer", "digits", "--image", image});
  EXPECT_EQ(plain.out, "7\n");
  EXPECT_EQ(plain.err, "");
  EXPECT_EQ(plain.exit_code, 0);
  const ServedRequest request = server.requests()[1];
  EXPECT_EQ(request.headers.at("prefer"), "wait=300");
  EXPECT_EQ(json::parse(request.body).at("durability"), "none");
  EXPECT_EQ(json::parse(run(server, {"infer", "digits", "--image", image, "-o", "json"}).out),
            json::parse(kDone));
  EXPECT_THAT(
      run(server, {"infer", "digits", "--image", image, "-o", "wide"}).out,
      AllOf(HasSubstr("  7      0.9912\n"), HasSubstr("SUCCEEDED on edge-1 (small) in 2.90 ms\n"),
            HasSubstr("  energy         10 mJ     12 mJ    0.94\n")));
}

TEST(Infer, SeveralOutputsAndTensorsAreNamedAndCutShort) {
  std::string data = "0.5";
  for (int i = 1; i < 40; ++i) {
    data += ", " + std::to_string(i);
  }
  const ScriptedServer server(
      {{"POST /api/v1/jobs", ok(R"({"id": "j1", "state": "SUCCEEDED", "result": {"outputs": {
      "sum": {"dtype": "f32", "shape": [], "data": [6.5]}, "all": {"dtype": "f32", "shape": [40], "data": [)" +
                                data + "]}}}}")}});
  EXPECT_EQ(run(server, {"infer", "add"}).out,
            "sum: 6.5\nall: 0.5 1 2 3 4 5 ... (f32 [40]; -o json has all 40)\n");
}

TEST(Infer, AJobThatEndsWithoutAResultIsExitCodeSix) {
  const ScriptedServer server({{"POST /api/v1/jobs", ok(kFailed)}});
  const Finished failed = run(server, {"infer", "digits"});
  EXPECT_EQ(failed.exit_code, 6);
  EXPECT_EQ(failed.out, "");
  EXPECT_EQ(failed.err, "error: job j0000100000002 FAILED: the model raised: bad shape\n");
  const ScriptedServer refusing(
      {{"POST /api/v1/jobs", problem(422, "model_failed", "the model raised: bad shape")}});
  EXPECT_EQ(run(refusing, {"infer", "digits"}).exit_code, 6);
}

TEST(Wait, SaysHowEachJobEndedAndStopsWhenTheTimeIsUp) {
  const ScriptedServer server([](const ServedRequest& request) {
    return ok(request.target.starts_with("/api/v1/jobs/j0000100000002") ? kFailed
              : request.target.starts_with("/api/v1/jobs/j3")           ? kReady
                                                                        : kDone);
  });
  const Finished ended =
      run(server, {"wait", "job", "job/j0000100000001", "j0000100000002", "--for=end"});
  EXPECT_EQ(ended.out,
            "job/j0000100000001 SUCCEEDED on edge-1 (small) in 2.90 ms\n"
            "job/j0000100000002 FAILED: the model raised: bad shape\n");
  EXPECT_EQ(ended.exit_code, 6);
  const Finished late = run(server, {"wait", "job", "j3", "--timeout", "20ms"});
  EXPECT_EQ(late.exit_code, 5);
  EXPECT_THAT(late.err, AllOf(HasSubstr("job j3 is READY after 20 ms"),
                              HasSubstr("hint: `skerryctl wait job j3`")));
}

TEST(Cancel, SaysWhetherItChangedAnythingAndConflictIsExitCodeFour) {
  const ScriptedServer server(
      {{"POST /api/v1/jobs/j1:cancel", ok(R"({"changed": true})")},
       {"POST /api/v1/jobs/j2:cancel", problem(409, "conflict", "job j2 has SUCCEEDED")}});
  EXPECT_EQ(run(server, {"cancel", "j1"}).out, "job/j1 cancelled\n");
  EXPECT_EQ(run(server, {"cancel", "j2"}).exit_code, 4);
}

// ---- events

TEST(Events, GoOnWhereTheConnectionBroke) {
  int connections = 0;
  const ScriptedServer server([&](const ServedRequest& request) -> ServedAnswer {
    switch (++connections) {
      case 1:
        return {
            .pieces = {
                "retry: 1\n\n",
                "id: x-1\nevent: job\ndata: {\"type\":\"job\",\"at\":\"2026-01-31T12:00:00.000Z\","
                "\"job\":\"j1\",\"state\":\"LEASED\",\"attempt\":1,\"node\":\"edge-1\"}\n\n",
                "id: x-2\nevent: job\ndata: {\"half\":"}};
      case 2:
        return {.silent = true};
      default:
        EXPECT_EQ(request.headers.at("last-event-id"), "x-1") << "half an event does not count";
        return {.pieces = {"event: gap\ndata: {\"missed\":null}\n\n",
                           "id: x-2\nevent: node\ndata: "
                           "{\"at\":\"2026-01-31T12:00:01.000Z\",\"node\":\"edge-2\","
                           "\"state\":\"SUSPECT\",\"reason\":\"silent\"}\n\n"}};
    }
  });
  const Finished watched = run(server, {"events", "-w", "--count", "2", "--types", "job,node"});
  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  EXPECT_EQ(
      watched.out,
      "2026-01-31T12:00:00.000Z     job     j1              state=LEASED attempt=1 node=edge-1\n"
      "2026-01-31T12:00:01.000Z     node    edge-2          state=SUSPECT reason=silent\n");
  EXPECT_EQ(watched.err,
            "the connection is gone; trying again, and going on where it broke\n"
            "some events were missed here\n");
  EXPECT_THAT(server.request_lines(),
              ElementsAre("GET /api/v1/events?types=job,node", "GET /api/v1/events?types=job,node",
                          "GET /api/v1/events?types=job,node"));
  EXPECT_FALSE(server.requests()[0].headers.contains("last-event-id"));
}

TEST(Events, WithoutWatchShowWhatIsRememberedAndEnd) {
  const ScriptedServer server([](const ServedRequest&) -> ServedAnswer {
    return {.pieces = {"event: gap\ndata: {\"missed\":null}\n\nid: x-1\nevent: policy\ndata: "
                       "{\"at\":\"2026-01-31T12:00:00Z\","
                       "\"policy\":\"jsq\"}\n\nid: x-2\nevent: policy\ndata: "
                       "{\"at\":\"2999-01-31T12:00:00Z\",\"policy\":\"later\"}\n\n"}};
  });
  const Finished recent = run(server, {"events", "-o", "json"});
  EXPECT_EQ(recent.exit_code, 0) << recent.err;
  EXPECT_EQ(recent.err, "");
  EXPECT_EQ(
      json::parse(recent.out),
      json::parse(
          R"({"id": "x-1", "event": "policy", "data": {"at": "2026-01-31T12:00:00Z", "policy": "jsq"}})"));
  EXPECT_EQ(server.requests()[0].headers.at("last-event-id"), "0");
}

TEST(Events, ARefusalEndsTheWatch) {
  const ScriptedServer server(
      {{"GET /api/v1/events?types=x",
        problem(400, "invalid_argument", "types: 'x' must be one of job")}});
  const Finished refused = run(server, {"events", "-w", "--types", "x"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("types: 'x' must be one of job"));
}

}  // namespace
}  // namespace skerry::cli
