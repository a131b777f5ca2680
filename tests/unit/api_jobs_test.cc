// Tests of waiting for jobs and asking about them, against the real core.
#include "tests/unit/api_jobs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "common/digest.h"

namespace skerry::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Jobs, WaitingAnswersWithTheResult) {
  api_.agent_joins("edge-1");
  Client client = api_.client();
  client.send(request_text("POST", "/api/v1/jobs", kJob, {"Prefer: respond-async, wait=30"}));
  api_.succeed(api_.assignment(), labels_output());
  const Reply reply = client.receive();
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto job = reply.json();
  EXPECT_EQ(text_at(job, "/state"), "SUCCEEDED");
  EXPECT_EQ(text_at(job, "/result/node"), "edge-1");
  EXPECT_EQ(
      boost::json::serialize(job.at_pointer("/result/outputs")),
      R"({"digit":{"labels":[{"label":"7","score":5E-1}]},"raw":{"dtype":"i32","shape":[2],"data":[1,-1]}})");
  EXPECT_EQ(job.at_pointer("/result/usage/service_ms").to_number<double>(), 2);
  EXPECT_EQ(job.at_pointer("/result/actual/energy_j"), 0.5);

  const std::string id = text_at(job, "/id");
  const Reply result = api_.call("GET", "/api/v1/jobs/" + id + "/result");
  EXPECT_EQ(result.json().at("outputs"), job.at_pointer("/result/outputs"));
  const auto listed = api_.call("GET", "/api/v1/jobs").json();
  EXPECT_FALSE(listed.at_pointer("/items/0/result").as_object().contains("outputs"));
}

TEST_F(Jobs, WaitingInVainIsAccepted) {
  Client client = api_.client();
  client.send(request_text("POST", "/api/v1/jobs", kJob, {"Prefer: wait=2"}));
  api_.await_waiters(2);
  api_.advance(seconds(3));
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 202);
  const std::string id = text_at(reply.json(), "/id");

  client.send(request_text("GET", "/api/v1/jobs/" + id + "?wait=2", "", {}));
  api_.await_waiters(3);
  api_.advance(seconds(3));
  EXPECT_EQ(text_at(client.receive().json(), "/state"), "READY");
}

TEST_F(Jobs, WaitingForAJobBySubmittersAndOthersEndsWithIt) {
  const std::string id = api_.submit(kJob);
  Client client = api_.client();
  client.send(request_text("GET", "/api/v1/jobs/" + id + "?wait=30", "", {}));
  api_.await_waiters(3);
  api_.agent_joins("edge-1");
  api_.succeed(api_.assignment(), labels_output());
  EXPECT_EQ(text_at(client.receive().json(), "/state"), "SUCCEEDED");
}

TEST_F(Jobs, WaitsAreBounded) {
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs", kJob, {"Prefer: wait=301"}).status, 400);
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs", kJob, {"Prefer: wait=soon"}).status, 400);
  EXPECT_EQ(api_.call("GET", "/api/v1/jobs/j0000000000000?wait=-1").status, 400);
}

TEST_F(Jobs, PipelinedRequestsSurviveAWaitingCall) {
  Client client = api_.client();
  client.send(request_text("POST", "/api/v1/jobs", kJob, {"Prefer: wait=2"}) +
              request_text("GET", "/livez", "", {}));
  api_.await_waiters(2);
  client.send(request_text("GET", "/version", "", {}));
  api_.advance(seconds(3));
  EXPECT_EQ(client.receive().status, 202);
  EXPECT_EQ(client.receive().body, "ok\n");
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(Jobs, DurabilityNoneAnswersWithTheResultOrTheError) {
  api_.agent_joins("edge-1");
  const std::string body =
      R"({"model":"echo","durability":"none","inputs":{"x":{"shape":[1,1],"data":[1]}}})";
  EXPECT_THAT(issues_of(body),
              ElementsAre(StartsWith("/durability: none is for a caller that waits")));

  Client client = api_.client();
  client.send(request_text("POST", "/api/v1/jobs", body, {"Prefer: wait=30"}));
  const auto attempt = api_.assignment();
  api_.succeed(attempt, attempt.input);
  EXPECT_EQ(text_at(client.receive().json(), "/result/outputs/x/dtype"), "f32");

  client.send(request_text("POST", "/api/v1/jobs", body, {"Prefer: wait=30"}));
  api_.fail(api_.assignment(), core::AttemptOutcome::kModelFailed, "shapes do not match");
  const Reply failed = client.receive();
  EXPECT_EQ(failed.status, 422);
  EXPECT_EQ(failed.code(), "model_failed");
  EXPECT_THAT(failed.body, HasSubstr("shapes do not match"));

  client.send(request_text("POST", "/api/v1/jobs", body, {"Prefer: wait=2"}));
  api_.assignment();
  api_.advance(seconds(3));
  const Reply late = client.receive();
  EXPECT_EQ(late.status, 504);
  EXPECT_EQ(late.code(), "deadline_exceeded");
}

TEST_F(Jobs, AClientThatGoesAwayAbandonsItsWait) {
  api_.agent_joins("edge-1");
  {
    Client client = api_.client();
    client.send(request_text(
        "POST", "/api/v1/jobs",
        R"({"model":"echo","durability":"none","inputs":{"x":{"shape":[1,1],"data":[1]}}})",
        {"Prefer: wait=30"}));
    api_.assignment();
    EXPECT_EQ(api_.call("GET", "/api/v1/jobs").json().at("items").as_array().size(), 1u);
  }
  api_.await_abandoned(1);
  const auto items = api_.call("GET", "/api/v1/jobs").json();
  EXPECT_EQ(items.at("items").as_array().size(), 0u)
      << "nobody wants a job of durability none any more";
}

TEST_F(Jobs, AnAnsweredWaitIsNotAbandoned) {
  api_.agent_joins("edge-1");
  api_.echo();
  {
    Client client = api_.client();
    EXPECT_EQ(client.call("POST", "/api/v1/jobs", kJob, {"Prefer: wait=30"}).status, 200);
  }
  EXPECT_EQ(api_.call("GET", "/livez").status, 200);
  EXPECT_EQ(api_.abandoned(), 0u);
}

TEST_F(Jobs, PagesGoThroughAllJobsNewestFirst) {
  std::vector<std::string> submitted;
  for (int i = 0; i < 5; ++i) {
    submitted.insert(submitted.begin(), api_.submit(kJob));
  }
  std::vector<std::string> listed;
  std::string cursor;
  int pages = 0;
  do {
    const auto page =
        api_.call("GET", "/api/v1/jobs?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor))
            .json();
    for (const auto& job : page.at("items").as_array()) {
      listed.push_back(text_at(job, "/id"));
    }
    const auto* next = page.as_object().if_contains("next_cursor");
    cursor = next == nullptr ? "" : std::string(next->as_string());
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(listed, submitted);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(api_.call("GET", "/api/v1/jobs?cursor=page2").status, 400);
  EXPECT_EQ(api_.call("GET", "/api/v1/jobs?limit=0").status, 400);
  EXPECT_EQ(api_.call("GET", "/api/v1/jobs?limit=ten").status, 400);
}

TEST_F(Jobs, ListsFilter) {
  api_.put_noop_model("other");
  const std::string id = api_.submit(
      R"({"model":"other","namespace":"shop","inputs":{"x":{"shape":[1,1],"data":[1]}}})");
  api_.submit(kJob);
  const auto count = [&](const std::string& query) {
    return api_.call("GET", "/api/v1/jobs?" + query).json().at("items").as_array().size();
  };
  EXPECT_EQ(count("model=other"), 1u);
  EXPECT_EQ(count("namespace=shop"), 1u);
  EXPECT_EQ(count("state=READY"), 2u);
  EXPECT_EQ(count("state=RUNNING"), 0u);
  EXPECT_THAT(api_.call("GET", "/api/v1/jobs?state=ready").body,
              HasSubstr("must be one of READY, LEASED"));
}

TEST_F(Jobs, UnknownAndMalformedIdsAreToldApart) {
  for (const char* call :
       {"GET /api/v1/jobs/{}", "GET /api/v1/jobs/{}?wait=1", "GET /api/v1/jobs/{}/result",
        "GET /api/v1/jobs/{}/decisions", "POST /api/v1/jobs/{}:cancel"}) {
    const std::string_view text = call;
    const std::string_view method = text.substr(0, text.find(' '));
    const auto target = [&](std::string_view id) {
      return fmt::format(fmt::runtime(text.substr(text.find(' ') + 1)), id);
    };
    const Reply unknown = api_.call(method, target("j0000000000001"));
    EXPECT_EQ(unknown.status, 404) << call;
    EXPECT_EQ(unknown.code(), "not_found");
    EXPECT_EQ(api_.call(method, target("job-1")).status, 400) << call;
  }
}

TEST_F(Jobs, CancellingEndsAJobOnce) {
  const std::string id = api_.submit(kJob);
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs/" + id + ":cancel").body, R"({"changed":true})");
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs/" + id + ":cancel").body, R"({"changed":false})");
  const auto job = api_.call("GET", "/api/v1/jobs/" + id).json();
  EXPECT_EQ(text_at(job, "/state"), "CANCELLED");
  EXPECT_EQ(text_at(job, "/error/code"), "cancelled");
  EXPECT_EQ(api_.call("GET", "/api/v1/jobs/" + id + "/result").status, 409);

  api_.agent_joins("edge-1");
  const std::string done = api_.submit(kJob);
  EXPECT_EQ(api_.call("GET", "/api/v1/jobs/" + done + "/result").code(), "conflict")
      << "no result yet";
  api_.succeed(api_.assignment(), labels_output());
  EXPECT_EQ(api_.call("POST", "/api/v1/jobs/" + done + ":cancel").status, 409);
}

TEST_F(Jobs, DecisionsExplainEveryAttempt) {
  api_.agent_joins("edge-1");
  const std::string id = api_.submit(kJob);
  api_.succeed(api_.assignment(), labels_output());
  const auto decisions = api_.call("GET", "/api/v1/jobs/" + id + "/decisions").json();
  EXPECT_EQ(text_at(decisions, "/items/0/policy"), "greedy");
  EXPECT_EQ(text_at(decisions, "/items/0/choice/node"), "edge-1");
  EXPECT_EQ(decisions.at_pointer("/items/0/attempt"), 1);
  EXPECT_GT(decisions.at_pointer("/items/0/candidates/0/predicted/service_ms").to_number<double>(),
            0);
}

}  // namespace
}  // namespace skerry::api
