// Tests of requests that a proxy and we could read differently, against the real server over a socket:
// each is refused with one well-formed answer, the connection is closed, and what follows is not served.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api_recorded_server.h"
#include "tests/unit/api_smuggling_vectors.h"

namespace skerry::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kSecond = "GET /second HTTP/1.1\r\nHost: x\r\n\r\n";

class Smuggling : public testing::TestWithParam<RecordedServer::Speaks> {
 protected:
  // The one answer to these bytes and a request behind them, after which the server closes.
  Reply only_answer(std::string_view bytes, std::size_t piece_bytes) {
    Client client = server.client();
    const std::string all = std::string(bytes) + std::string(kSecond);
    for (std::size_t sent = 0; sent < all.size(); sent += piece_bytes) {
      client.send(std::string_view(all).substr(sent, piece_bytes));
    }
    Reply reply = client.receive();
    EXPECT_EQ(reply.header("connection"), "close");
    EXPECT_EQ(reply.header("content-type"), "application/problem+json");
    EXPECT_EQ(reply.header("content-length"), std::to_string(reply.body.size()));
    EXPECT_TRUE(reply.json().is_object());
    EXPECT_TRUE(client.closed());
    return reply;
  }

  RecordedServer server{GetParam()};
};

TEST_P(Smuggling, EveryVectorIsRefusedOnceAndNothingBehindItIsServed) {
  const auto vectors = smuggling_vectors();
  ASSERT_GE(vectors.size(), 40u);
  RecordProperty("vectors", static_cast<int>(vectors.size()));
  for (const SmugglingVector& vector : vectors) {
    SCOPED_TRACE(vector.name);
    const Reply reply = only_answer(vector.bytes, vector.bytes.size() + kSecond.size());
    EXPECT_EQ(reply.status, vector.status) << reply.body;
    EXPECT_THAT(server.handled(), IsEmpty());
  }
}

TEST_P(Smuggling, HoweverTheyAreCutIntoPieces) {
  for (const std::size_t piece_bytes : {1u, 7u}) {
    for (const SmugglingVector& vector : smuggling_vectors()) {
      if (vector.bytes.size() > 1000) {
        continue;  // a thousand records of TLS would say nothing more
      }
      SCOPED_TRACE(vector.name);
      EXPECT_EQ(only_answer(vector.bytes, piece_bytes).status, vector.status);
      EXPECT_THAT(server.handled(), IsEmpty());
    }
  }
}

TEST_P(Smuggling, WhoStopsInTheMiddleIsToldSo) {
  for (const std::string& bytes :
       {chunked("5\r\nhello\r\n"), chunked("5\r\nhel"), chunked("5\r\nhello\r\n0\r\n"),
        post("Content-Length: 5\r\n", "hell"), std::string("GET /first HTTP/1.1\r\nHost: x\r\n")}) {
    SCOPED_TRACE(bytes);
    Client client = server.client();
    client.send(bytes);
    client.end();
    EXPECT_EQ(client.receive().status, 400);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_THAT(server.handled(), IsEmpty());
}

TEST_P(Smuggling, ABodyThatIsReadInPiecesEndsAsStrictly) {
  for (const std::string_view body :
       {"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", "5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n",
        "5\r\nhello\r\n0x0\r\n\r\n", "5\r\nhello\r\n"}) {
    SCOPED_TRACE(body);
    std::string bytes = chunked(body);
    bytes.replace(bytes.find("/first"), 6, "/streamed");
    EXPECT_EQ(only_answer(bytes, bytes.size() + kSecond.size()).status, 400);
  }
  EXPECT_THAT(server.handled(), IsEmpty());
}

// An upgrade may be ignored (RFC 9110, 7.8), and clients ask for h2c by default. Nothing of another
// protocol that follows is taken for a request.
TEST_P(Smuggling, AnUpgradeIsNotTakenAndEndsTheConnection) {
  Client client = server.client();
  client.send(
      get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"));
  client.send(kSecond);
  const Reply reply = client.receive();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_EQ(reply.header("upgrade"), "");
  EXPECT_TRUE(client.closed());
  EXPECT_THAT(server.handled(), ElementsAre("GET /first"));
}

// The table would be worth nothing if the server refused everything.
TEST_P(Smuggling, WhatIsPlainIsServedAndSoIsWhatFollows) {
  const std::vector<std::string> plain = {
      get(""),
      post("Content-Length: 5\r\n", "hello"),
      post("content-length:5\r\n", "hello"),
      chunked("5\r\nhello\r\n0\r\n\r\n"),
      chunked("005;a=b;c=\"d\"\r\nhello\r\n0\r\n\r\n"),
      chunked("5\r\nhello\r\n0\r\nDigest: x\r\n\r\n"),
      post("Transfer-Encoding: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"),
      post("Connection: keep-alive, TE\r\nTE: trailers\r\nContent-Length: 5\r\n", "hello"),
      "POST /first HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
      "GET /first HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
      "GET /first HTTP/1.1\r\nHost: skerry.example:8080\r\nX:\t y \r\n\r\n",
      chunked("A\r\n0123456789\r\n0\r\n\r\n")};
  for (const std::string& bytes : plain) {
    SCOPED_TRACE(bytes);
    const std::size_t before = server.handled().size();
    Client client = server.client();
    client.send(bytes + std::string(kSecond));
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_EQ(server.handled().size(), before + 2);
    EXPECT_EQ(server.handled().back(), "GET /second");
  }
}

INSTANTIATE_TEST_SUITE_P(Over, Smuggling,
                         testing::Values(RecordedServer::Speaks::kPlainText,
                                         RecordedServer::Speaks::kTls),
                         [](const auto& info) {
                           return info.param == RecordedServer::Speaks::kTls ? "Tls" : "PlainText";
                         });

}  // namespace
}  // namespace skerry::api
