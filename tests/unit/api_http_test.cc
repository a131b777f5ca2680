// Tests of the HTTP server: framing, limits, timeouts and negotiation, with the real routes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "common/digest.h"
#include "tests/unit/api_fixture.h"

namespace skerry::api {
namespace {

using testing::HasSubstr;

TEST(Http, KeepsAConnectionForManyRequests) {
  TestApi api;
  Client client = api.client();
  for (int i = 0; i < 20; ++i) {
    const Reply reply = client.call("GET", "/livez");
    ASSERT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "ok\n");
  }
}

TEST(Http, AnswersPipelinedRequestsInOrder) {
  TestApi api;
  Client client = api.client();
  std::string requests;
  for (const char* target : {"/livez", "/version", "/nowhere", "/livez"}) {
    requests += request_text("GET", target, "", {});
  }
  client.send(requests);
  EXPECT_EQ(client.receive().body, "ok\n");
  EXPECT_EQ(client.receive().header("content-type"), "application/json");
  EXPECT_EQ(client.receive().status, 404);
  EXPECT_EQ(client.receive().body, "ok\n");
}

TEST(Http, SplitAnywhereARequestIsTheSame) {
  TestApi api;
  const std::string request =
      request_text("PUT", "/api/v1/policies/active", R"({"name":"nobody"})", {"X-A: b"});
  Client client = api.client();
  for (const char byte : request) {
    client.send({&byte, 1});
  }
  EXPECT_EQ(client.receive().status, 404);
}

TEST(Http, HeadHasTheHeadersAndNoBody) {
  TestApi api;
  Client client = api.client();
  const Reply reply = client.call("HEAD", "/livez");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-length"), "3");
  EXPECT_EQ(client.call("GET", "/livez").body, "ok\n") << "the connection is still in step";
}

TEST(Http, OptionsAndWrongMethodsNameWhatIsAllowed) {
  TestApi api;
  const Reply options = api.call("OPTIONS", "/api/v1/jobs");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("allow"), "POST, GET, HEAD, OPTIONS");
  const Reply wrong = api.call("DELETE", "/api/v1/nodes/edge-1:drain");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("allow"), "POST, OPTIONS");
  EXPECT_EQ(wrong.code(), "method_not_allowed");
}

TEST(Http, RefusesMediaTypesThatItDoesNotSpeak) {
  TestApi api;
  const Reply form = api.call("POST", "/api/v1/jobs", "model=x",
                              {"Content-Type: application/x-www-form-urlencoded"});
  EXPECT_EQ(form.status, 415);
  EXPECT_EQ(form.code(), "unsupported_media_type");
  EXPECT_EQ(api.call("POST", "/api/v1/jobs", "x", {"Content-Encoding: gzip"}).status, 415);
  EXPECT_EQ(api.call("GET", "/version", "", {"Accept: text/html, image/*;q=0.5"}).status, 406);
  EXPECT_EQ(api.call("GET", "/version", "", {"Accept: application/json;q=0"}).status, 406);
  EXPECT_EQ(api.call("GET", "/version", "", {"Accept: text/html, */*;q=0.1"}).status, 200);
  EXPECT_EQ(api.call("GET", "/metrics", "",
                     {"Accept: application/openmetrics-text, text/plain;version=0.0.4;q=0.3"})
                .status,
            200);
}

TEST(Http, UnknownPathsAndQueriesAreProblems) {
  TestApi api;
  const Reply path = api.call("GET", "/api/v1/jbos");
  EXPECT_EQ(path.status, 404);
  EXPECT_EQ(path.code(), "not_found");
  const Reply query = api.call("GET", "/api/v1/jobs?stat=READY");
  EXPECT_EQ(query.status, 400);
  EXPECT_THAT(
      query.body,
      HasSubstr(
          "unknown query parameter 'stat'; known are state, model, namespace, limit, cursor"));
  EXPECT_EQ(api.call("GET", "/api/v1/jobs?state=%zz").status, 400);
}

TEST(Http, MalformedRequestsAreRefusedAndTheConnectionEnds) {
  TestApi api;
  for (const char* request :
       {"NONSENSE\r\n\r\n", "GET /livez HTTP/3.7\r\n\r\n", "GET livez HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /api/v1/jobs HTTP/1.1\r\nContent-Length: minus one\r\n\r\n"}) {
    Client client = api.client();
    client.send("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");  // whose answer has no body
    EXPECT_EQ(client.receive(/*head=*/true).status, 200);
    client.send(request);
    const Reply reply = client.receive();
    EXPECT_EQ(reply.status, 400) << request;
    EXPECT_EQ(reply.code(), "bad_request") << request;
  }
}

TEST(Http, ALongHeaderIsRefused) {
  TestApi api;
  Client client = api.client();
  client.send("GET /livez HTTP/1.1\r\nX-Long: " + std::string(20'000, 'x'));
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 431);
  EXPECT_EQ(reply.header("connection"), "close");
  std::string headers;  // each is short, but costs 64 bytes
  for (int i = 0; i < 101; ++i) {
    headers += "a:\r\n";
  }
  EXPECT_EQ(api.call("GET", "/livez", "", {headers + "b:"}).status, 431);
}

TEST(Http, ABodyOverItsRoutesLimitIsRefusedBeforeItIsRead) {
  TestApi api;
  Client client = api.client();
  client.send("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{");
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.code(), "too_large");
  EXPECT_TRUE(client.closed());
}

TEST(Http, BodiesShareABudgetAndWhatIsOverItIsToldWhenToComeBack) {
  TestApi api(ApiOptions{.limits = {.body_bytes = 100'000}});
  api.put_noop_model();
  Client slow = api.client();
  slow.send("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n");
  slow.send(std::string(80'000, ' '));
  const std::string large = std::string(40'000, ' ') + R"({"model":"echo"})";
  Reply refused;
  do {  // until the server has read what was sent
    refused = api.call("POST", "/api/v1/jobs", large);
  } while (refused.status == 400);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.code(), "overloaded");
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(api.call("GET", "/api/v1/models").status, 200) << "what has no body goes on";

  Client chunked = api.client();
  chunked.send("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    chunked.send(fmt::format("1000\r\n{}\r\n", std::string(0x1000, ' ')));
  }
  EXPECT_EQ(chunked.receive().status, 503);

  slow.close();
  do {  // until the server has seen that
    refused = api.call("POST", "/api/v1/jobs", large);
  } while (refused.status == 503);
  EXPECT_EQ(refused.status, 400) << "it is read again, and has no inputs";
}

TEST(Http, AWaitingCallHoldsNothingOfTheBodyBudget) {
  TestApi api(ApiOptions{.limits = {.body_bytes = 100'000}});
  api.put_noop_model();
  api.agent_joins("edge-1");
  const std::string body =
      std::string(60'000, ' ') +
      R"({"model":"echo","inputs":{"x":{"dtype":"f32","shape":[1,1],"data":[1]}}})";
  Client waiting = api.client();
  waiting.send(request_text("POST", "/api/v1/jobs", body, {"Prefer: wait=60"}));
  const auto attempt = api.assignment();
  EXPECT_EQ(api.call("POST", "/api/v1/jobs", body).status, 202);
  api.succeed(attempt, attempt.input);
  EXPECT_EQ(waiting.receive().status, 200);
}

TEST(Http, ChunkedBodiesAreReadAndLimited) {
  TestApi api;
  Client client = api.client();
  client.send(
      "PUT /api/v1/policies/active HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "9\r\n{\"name\": \r\n6;note=hello\r\n\"jsq\"}\r\n0\r\nTrailer-Field: y\r\n\r\n");
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 200) << reply.body;

  client.send(
      "PUT /api/v1/policies/active HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) {  // the route takes 64 KiB
    client.send(fmt::format("1000\r\n{}\r\n", std::string(0x1000, ' ')));
  }
  EXPECT_EQ(client.receive().status, 413);
}

TEST(Http, AFloodOfChunkExtensionIsBounded) {
  TestApi api;
  Client client = api.client();
  client.send(
      "PUT /api/v1/policies/active HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;x=");
  client.send(std::string(200'000, 'e'));
  EXPECT_EQ(client.receive().status, 400);
}

TEST(Http, AFloodOfTrailerIsBounded) {
  TestApi api;
  Client client = api.client();
  client.send(
      "PUT /api/v1/policies/active HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\nX: ");
  client.send(std::string(200'000, 't'));
  EXPECT_EQ(client.receive().status, 400);
}

TEST(Http, ASlowHeaderTimesOut) {
  TestApi api({.limits = {.header = milliseconds(50), .idle = seconds(30)}});
  Client client = api.client();
  client.send("GET /livez HTT");
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.code(), "request_timeout");
}

TEST(Http, AStalledBodyTimesOut) {
  TestApi api({.limits = {.header = seconds(30), .idle = milliseconds(50)}});
  Client client = api.client();
  client.send("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  EXPECT_EQ(client.receive().status, 408);
}

TEST(Http, AnIdleConnectionIsClosedWithoutAWord) {
  TestApi api({.limits = {.header = seconds(30), .idle = milliseconds(50)}});
  Client client = api.client();
  EXPECT_EQ(client.call("GET", "/livez").status, 200);
  EXPECT_TRUE(client.closed());
}

TEST(Http, AWaitingCallIsNotCutByTheIdleLimit) {
  TestApi api({.limits = {.header = seconds(30), .idle = milliseconds(50)}});
  api.put_noop_model();
  Client client = api.client();
  client.send(request_text("POST", "/api/v1/jobs",
                           R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})",
                           {"Prefer: wait=5"}));
  api.await_waiters(2);
  EXPECT_TRUE(api.client().closed()) << "an idle connection opened later went first";
  api.advance(seconds(6));
  EXPECT_EQ(client.receive().status, 202);
}

TEST(Http, ContinuesAClientThatAsksFirst) {
  TestApi api;
  Client client = api.client();
  const std::string body = R"({"name":"jsq"})";
  client.send(
      fmt::format("PUT /api/v1/policies/active HTTP/1.1\r\nHost: x\r\nExpect: "
                  "100-continue\r\nContent-Length: {}\r\n\r\n",
                  body.size()));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(body);
  EXPECT_EQ(client.receive().status, 200);
}

TEST(Http, SpeaksHttp10) {
  TestApi api;
  Client client = api.client();
  client.send("GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.receive().header("connection"), "keep-alive");
  client.send("GET /livez HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.receive().header("connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST(Http, ConnectionsOverTheLimitGetA503) {
  TestApi api({.limits = {.max_connections = 2}});
  Client first = api.client();
  Client second = api.client();
  ASSERT_EQ(first.call("GET", "/livez").status, 200);
  ASSERT_EQ(second.call("GET", "/livez").status, 200);
  Client third = api.client();
  const Reply refused = third.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(refused.code(), "overloaded");
}

TEST(Http, StoppingClosesIdleConnectionsAndFinishesBusyOnes) {
  TestApi api;
  api.put_noop_model();
  Client idle = api.client();
  ASSERT_EQ(idle.call("GET", "/livez").status, 200);
  Client busy = api.client();
  busy.send(request_text("POST", "/api/v1/jobs",
                         R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})",
                         {"Prefer: wait=5"}));
  api.await_waiters(2);
  api.begin_stop(seconds(30));
  EXPECT_TRUE(idle.closed());
  api.advance(seconds(6));
  const Reply reply = busy.receive();
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.header("connection"), "close");
}

TEST(Http, StoppingCutsWhatOutlivesItsGrace) {
  TestApi api;
  api.put_noop_model();
  Client busy = api.client();
  busy.send(request_text("POST", "/api/v1/jobs",
                         R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})",
                         {"Prefer: wait=5"}));
  api.await_waiters(2);
  api.stop();
  EXPECT_TRUE(busy.closed());
}

TEST(Http, CuttingEndsItsGraceNow) {
  TestApi api;
  api.put_noop_model();
  Client busy = api.client();
  busy.send(request_text("POST", "/api/v1/jobs",
                         R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})",
                         {"Prefer: wait=5"}));
  api.await_waiters(2);
  api.begin_stop(hours(1));
  api.cut();
  EXPECT_TRUE(busy.closed());
  EXPECT_TRUE(api.has_stopped(seconds(10)));
}

// Whoever destroys the store waits for this.
TEST(Http, HasNotStoppedWhileAReadOfTheStoreIsUnderWay) {
  TestApi api;
  std::promise<void> reading;
  std::promise<void> released;
  api.on_archive_read([&] {
    reading.set_value();
    released.get_future().wait();
  });
  api.put_noop_model();
  api.agent_joins("n");
  const std::string job =
      api.submit(R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})");
  Client client = api.client();
  client.send(request_text("GET", "/api/v1/jobs/" + job + "/decisions", "", {}));
  reading.get_future().wait();
  api.begin_stop(hours(1));
  api.cut();
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(api.has_stopped(milliseconds(0)));
  released.set_value();
  EXPECT_TRUE(api.has_stopped(seconds(10)));
}

TEST(Http, ReadinessNamesTheChecksAndWhy) {
  bool open = false;
  TestApi api({}, {{.name = "core", .check = [] { return Status(); }},
                   {.name = "store", .check = [&open] {
                      return open ? Status() : fail(ErrorCode::kUnavailable, "still opening");
                    }}});
  const Reply closed = api.call("GET", "/readyz");
  EXPECT_EQ(closed.status, 503);
  EXPECT_EQ(closed.header("retry-after"), "1");
  EXPECT_EQ(closed.body, "[+] core ok\n[-] store: still opening\nnot ready\n");
  open = true;
  EXPECT_EQ(api.call("GET", "/readyz").body, "ok\n");
  EXPECT_EQ(api.call("GET", "/healthz?verbose").body, "[+] core ok\n[+] store ok\nok\n");
}

TEST(Http, CountsItsRequestsByRoute) {
  TestApi api;
  Client client =
      api.client();  // a request is counted before the next one of its connection is read
  client.call("GET", "/api/v1/jobs/j0000000000000");
  client.call("GET", "/nowhere/at/all");
  const std::string text = client.call("GET", "/metrics").body;
  EXPECT_THAT(text, HasSubstr("skerry_http_requests_total{method=\"GET\",route=\"/api/v1/jobs/"
                              "{id}\",status=\"404\"} 1"));
  EXPECT_THAT(
      text,
      HasSubstr("skerry_http_requests_total{method=\"none\",route=\"none\",status=\"404\"} 1"));
}

}  // namespace
}  // namespace skerry::api
