// Tests of what a client can do to the HTTP server on purpose, and of what that costs.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>

#include "controller/api/peer_counts.h"
#include "tests/unit/api_fixture.h"

namespace skerry::api {
namespace {

using testing::HasSubstr;

constexpr std::string_view kPost = "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\n";

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

TEST(Abuse, AMillionTinyHeadersAreRefusedAtTheLimit) {
  TestApi api;
  Client client = api.client();
  client.send("GET /livez HTTP/1.1\r\n" + repeated("a:\r\n", 1'000'000));
  EXPECT_EQ(client.receive().status, 431);
}

TEST(Abuse, ATrickledHeaderTimesOutThoughBytesKeepComing) {
  TestApi api({.limits = {.header = milliseconds(200), .idle = seconds(30)}});
  Client client = api.client();
  client.send("GET /livez HTTP/1.1\r\n");
  Reply reply;
  // Each read gives up when there is nothing yet, so this sends as often as it can.
  while (reply.status == 0) {
    client.send("a: b\r\n");
    reply = client.try_receive();
  }
  EXPECT_EQ(reply.status, 408);
}

TEST(Abuse, ATrickledBodyTimesOutThoughBytesKeepComing) {
  TestApi api;
  for (const std::string_view target : {"POST /api/v1/jobs", "PUT /api/v1/blobs/sha256:"}) {
    Client client = api.client();
    const std::string digest = target.ends_with(':') ? std::string(64, '0') : "";
    client.send(
        fmt::format("{}{} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", target, digest));
    Reply reply;
    for (int i = 0; i < 1000 && reply.status == 0; ++i) {
      client.send(" ");
      api.advance(seconds(10));
      reply = client.try_receive();
    }
    EXPECT_EQ(reply.status, 408) << target;
  }
}

TEST(Abuse, WhoOnlyPromisesAnUploadTakesNoRoomFromOthers) {
  TestApi api(ApiOptions{.limits = {.body_bytes = 1 << 20}});
  api.put_noop_model();
  std::vector<Client> promising;
  for (int i = 0; i < 20; ++i) {
    promising.push_back(api.client());
    promising.back().send(
        fmt::format("PUT /api/v1/blobs/sha256:{} HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n",
                    std::string(64, '0')));
    promising.back().read_until("100 Continue\r\n\r\n");  // its handler reads
  }
  const std::string body = std::string(100'000, ' ') + R"({"model":"echo"})";
  EXPECT_EQ(api.call("POST", "/api/v1/jobs", body).status, 400) << "it is read, and has no inputs";
}

TEST(Abuse, AnAnswerThatThereIsNoRoomForIsRefusedInsteadOfHeld) {
  TestApi api(ApiOptions{.limits = {.body_bytes = 100'000}});
  api.put_noop_model();
  Client holding = api.client();
  holding.send(fmt::format("{}Content-Length: 99000\r\n\r\n{}", kPost, std::string(98'000, ' ')));
  for (int i = 0; i < 300; ++i) {
    api.submit(R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})");
  }
  const Reply reply = api.call("GET", "/api/v1/jobs?limit=1000");
  EXPECT_EQ(reply.status, 503) << reply.body.size();
  EXPECT_EQ(reply.code(), "overloaded");
  EXPECT_EQ(api.call("GET", "/api/v1/jobs?limit=1").status, 200);
}

TEST(Abuse, OneByteChunksAreReadAndLimited) {
  TestApi api;
  Client client = api.client();
  client.send(
      "PUT /api/v1/policies/active HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
      repeated("1\r\n \r\n", 70'000));  // the route takes 64 KiB
  EXPECT_EQ(client.receive().status, 413);
}

TEST(Abuse, WhoDoesNotReadItsAnswersIsNotServedOnForEver) {
  TestApi api({.limits = {.header = seconds(30), .idle = milliseconds(100)}});
  Client client = api.client();
  client.send(repeated(request_text("GET", "/openapi.json", "", {}), 2000));  // 100 MB of answers
  while (api.call("GET", "/metrics").body.find("skerry_http_connections 1\n") ==
         std::string::npos) {
  }
  SUCCEED() << "only ours is left: it was cut";
}

TEST(Abuse, ConnectionsOfAnAddressAreBoundedAndCounted) {
  TestApi api({.limits = {.max_per_address = 2}});
  Client first = api.client();
  Client second = api.client();
  ASSERT_EQ(first.call("GET", "/livez").status, 200);
  ASSERT_EQ(second.call("GET", "/livez").status, 200);
  Client third = api.client();
  const Reply refused = third.receive();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.code(), "too_many_connections");
  EXPECT_EQ(refused.header("retry-after"), "1");
  Client elsewhere(api.port(), "127.0.0.2");
  EXPECT_THAT(elsewhere.call("GET", "/metrics").body,
              HasSubstr("skerry_http_connections_refused_total{reason=\"address\"} 1"));
  third.close();
  second.close();
  while (Client(api.port()).call("GET", "/livez").status != 200) {  // until both have been seen off
  }
}

TEST(Abuse, ZeroMeansNoLimitOfConnectionsOfAnAddress) {
  TestApi api({.limits = {.max_per_address = 0}});
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(api.client());
    ASSERT_EQ(clients.back().call("GET", "/livez").status, 200);
  }
}

TEST(Abuse, AddressesOfOneNetworkOfIPv6CountTogether) {
  const auto peer = [](const char* text) {
    return controller::peer_of(boost::asio::ip::make_address(text));
  };
  EXPECT_EQ(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
  EXPECT_NE(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
  EXPECT_NE(peer("10.0.0.1"), peer("10.0.0.2"));
  EXPECT_EQ(peer("10.0.0.1"), peer("::ffff:10.0.0.1"));
  PeerCounts counts;
  EXPECT_EQ(counts.enter(peer("10.0.0.1")), 0u);
  EXPECT_EQ(counts.enter(peer("10.0.0.1")), 1u);
  counts.leave(peer("10.0.0.1"));
  counts.leave(peer("10.0.0.1"));
  EXPECT_EQ(counts.peers(), 0u);
}

}  // namespace
}  // namespace skerry::api
