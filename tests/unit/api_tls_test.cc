// Tests of the API over TLS: what is served, who is turned away and how, what a handshake may cost, and
// certificates that change.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api_recorded_server.h"

namespace skerry::api {
namespace {

using testing::HasSubstr;
using enum RecordedServer::Speaks;

std::string get(std::string_view path) { return request_text("GET", path, "", {}); }

TEST(ApiTls, ServesManyRequestsOverOneConnection) {
  RecordedServer server(kTls);
  Client client = server.client();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.call("POST", "/a", "body").body, "handled\n");
  }
  client.send(get("/b") + get("/c"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(server.handled().size(), 22u);
  EXPECT_EQ(server.handshakes(Handshake::kDone), 1u);
}

TEST(ApiTls, BodiesOfSeveralRecordsArriveWhole) {
  RecordedServer server(kTls);
  Client client = server.client();
  const std::string body(60'000, 'x');
  EXPECT_EQ(client.call("POST", "/a", body).status, 200);
  EXPECT_EQ(server.handled().back(), "POST /a " + body);
  EXPECT_EQ(client.call("POST", "/a", body + body).status, 413);
  EXPECT_TRUE(client.closed());
}

TEST(ApiTls, WhoSpeaksHttpInsteadIsToldSo) {
  RecordedServer server(kTls);
  Client client = server.plain_client();
  client.send(get("/a"));
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "tls_required");
  EXPECT_THAT(reply.body, HasSubstr("https://"));
  EXPECT_TRUE(client.closed());
  EXPECT_THAT(server.handled(), testing::IsEmpty());
}

TEST(ApiTls, JunkEndsTheConnection) {
  RecordedServer server(kTls);
  Client client = server.plain_client();
  client.send(std::string("\x16\x03\x01\x00\x05junk!", 10));
  EXPECT_EQ(client.receive().status, 0);  // an alert, then the end
  while (server.handshakes(Handshake::kFailed) != 1) {
  }
  EXPECT_EQ(server.client().call("GET", "/a").status, 200);
}

TEST(ApiTls, AClientThatDoesNotTrustTheServerGetsNothing) {
  RecordedServer server(kTls);
  const tls::Context before = server.trust();
  server.use_another_certificate();
  Client client = server.plain_client();
  EXPECT_FALSE(client.secure(before));
  while (server.handshakes(Handshake::kFailed) != 1) {
  }
}

TEST(ApiTls, AnUnfinishedHandshakeIsCutWhenItsTimeIsUp) {
  RecordedServer server(kTls, {.handshake = milliseconds(200)});
  Client silent = server.plain_client();
  Client half = server.plain_client();
  half.send("\x16\x03\x01");
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(half.closed());
  EXPECT_EQ(server.handshakes(Handshake::kTimedOut), 2u);
}

TEST(ApiTls, UnfinishedHandshakesOfAnAddressAreBoundedAndNobodyElseWaits) {
  RecordedServer server(kTls, {.max_handshakes_per_address = 2});
  std::vector<Client> silent;
  for (int i = 0; i < 2; ++i) {
    silent.push_back(server.plain_client());
  }
  while (server.gate().open() != 2) {
  }
  Client third = server.plain_client();
  while (server.gate().waiting() != 1) {
  }
  Client elsewhere(server.port(), "127.0.0.2");
  ASSERT_TRUE(elsewhere.secure(server.trust()));
  EXPECT_EQ(elsewhere.call("GET", "/a").status, 200);
  EXPECT_EQ(server.gate().waiting(), 1u);
  silent.pop_back();
  ASSERT_TRUE(third.secure(server.trust()));  // its turn
  EXPECT_EQ(third.call("GET", "/b").status, 200);
}

TEST(ApiTls, WhereAnAddressMayBeAProxysItsHandshakesAreNotBounded) {
  RecordedServer server(kTls, {.max_handshakes_per_address = 1, .max_per_address = 0});
  std::vector<Client> silent;
  for (int i = 0; i < 5; ++i) {
    silent.push_back(server.plain_client());
  }
  while (server.gate().open() != 5) {
  }
  EXPECT_EQ(server.client().call("GET", "/a").status, 200);
}

TEST(ApiTls, WhoseTurnDoesNotComeUpInTimeIsCut) {
  RecordedServer server(kTls, {.handshake = milliseconds(400), .max_handshakes_per_address = 1});
  // Each holds the only place for as long as it may, and the last waits behind them for longer than that.
  std::vector<Client> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(server.plain_client());
  }
  EXPECT_TRUE(silent.back().closed());
  EXPECT_GE(server.gate().overdue(), 1u);
}

TEST(ApiTls, ConnectionsOverTheirLimitAreToldOverTlsToo) {
  RecordedServer server(kTls, {.max_per_address = 1});
  Client first = server.client();
  ASSERT_EQ(first.call("GET", "/a").status, 200);
  Client second = server.client();
  const Reply reply = second.receive();
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.header("retry-after"), "1");
  EXPECT_TRUE(second.closed());
}

TEST(ApiTls, BeyondTheReserveNoHandshakeIsBegun) {
  RecordedServer server(kTls, {.max_connections = 1});
  std::vector<Client> held;
  for (int i = 0; i < 65; ++i) {  // one that is served, 64 that would be told
    held.push_back(server.plain_client());
  }
  while (server.connections() != 65) {
  }
  Client client = server.plain_client();
  EXPECT_FALSE(client.secure(server.trust()));
}

TEST(ApiTls, NewConnectionsTakeTheNewestCertificateAndOldOnesGoOn) {
  RecordedServer server(kTls);
  const tls::Context before = server.trust();
  Client old = server.client();
  server.use_another_certificate();
  EXPECT_EQ(old.call("GET", "/a").status, 200);
  EXPECT_FALSE(server.plain_client().secure(before));
  EXPECT_EQ(server.client().call("GET", "/b").status, 200);
}

TEST(ApiTls, AStopEndsHandshakesAndThoseThatWaitForTheirs) {
  RecordedServer server(kTls, {.max_handshakes_per_address = 1});
  Client begun = server.plain_client();
  while (server.gate().open() != 1) {
  }
  Client waiting = server.plain_client();
  while (server.gate().waiting() != 1) {
  }
  server.stop();
  EXPECT_TRUE(begun.closed());
  EXPECT_TRUE(waiting.closed());
}

// ---- with the real routes

struct SecureApi {
  SecureApi() : api({.tls = [context = identity.server] { return context; }}) {
    api.use_tls(identity.client);
  }

  Identity identity;
  TestApi api;
};

TEST(ApiTls, ALongAnswerArrivesWhole) {
  const SecureApi secure;
  const Reply reply = secure.api.client().call("GET", "/openapi.json");
  EXPECT_EQ(reply.status, 200);
  EXPECT_GT(reply.body.size(), 20'000u);
  EXPECT_TRUE(reply.json().is_object());
}

TEST(ApiTls, ABearerTokenIsNoObstacle) {
  const SecureApi secure;
  EXPECT_EQ(secure.api.client().call("GET", "/version", "", {"Authorization: Bearer x"}).status,
            200);
}

TEST(ApiTls, AWaitingCallIsAnsweredAndTheConnectionGoesOn) {
  SecureApi secure;
  secure.api.put_noop_model();
  secure.api.agent_joins("edge-1");
  secure.api.echo();
  Client client = secure.api.client();
  for (int i = 0; i < 10; ++i) {
    const Reply reply = client.call("POST", "/api/v1/jobs",
                                    R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})",
                                    {"Prefer: wait=10"});
    EXPECT_EQ(reply.status, 200) << reply.body;
  }
}

TEST(ApiTls, AClientThatGoesAwayGivesItsWaitUp) {
  SecureApi secure;
  secure.api.put_noop_model();
  Client client = secure.api.client();
  client.send(request_text("POST", "/api/v1/jobs",
                           R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})",
                           {"Prefer: wait=60"}));
  secure.api.await_waiters(2);  // the model, the job
  client.close();
  secure.api.await_abandoned(1);
  EXPECT_EQ(secure.api.abandoned(), 1u);
}

TEST(ApiTls, EventsAreStreamed) {
  SecureApi secure;
  Client watcher = secure.api.client();
  watcher.send(request_text("GET", "/api/v1/events", "", {"Accept: text/event-stream"}));
  watcher.read_until("\r\n\r\n");
  secure.api.put_noop_model();
  EXPECT_THAT(watcher.read_until("echo"), HasSubstr("event: model"));
}

TEST(ApiTls, HandshakesAreCounted) {
  SecureApi secure;
  Client plain = secure.api.plain_client();
  plain.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(plain.receive().status, 400);
  plain.close();
  Client client = secure.api.client();
  std::string metrics;
  do {
    metrics = client.call("GET", "/metrics").body;
  } while (metrics.find("skerry_tls_handshakes_total{result=\"plain_text\"} 1") == metrics.npos);
  EXPECT_THAT(metrics, HasSubstr("skerry_tls_handshakes_total{result=\"ok\"} 1"));
}

}  // namespace
}  // namespace skerry::api
