// What the outbound client takes from a server, and what it lets no server or environment do.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "controller/outbound/client.h"
#include "tests/unit/http_double.h"
#include "tests/unit/outbound_names.h"

namespace skerry::outbound {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OutboundClient : public ::testing::Test {
 protected:
  static Policy policy_for(const HttpDouble& server) {
    return {.hosts = {"*"},
            .schemes = {"http"},
            .ports = {server.port()},
            .networks = {*Network::parse("127.0.0.0/8")},
            .timeout = seconds(30),
            .most_body_bytes = 10'000,
            .most_header_bytes = 2000};
  }
  Result<Response> fetch(const HttpDouble& server, Request request = {}) {
    return fetch(server, std::move(request), policy_for(server));
  }
  Result<Response> fetch(const HttpDouble& server, Request request, const Policy& policy) {
    request.url = fmt::format("http://server.example:{}/a?b=c", server.port());
    return Client(policy, names_).fetch(request, {});
  }

  NameServer names_{{}};
};

std::string why(const Result<Response>& answer) { return answer ? "" : answer.error().message; }

TEST_F(OutboundClient, TellsStatusTypeAndBody) {
  HttpDouble server(
      [](const std::string&) { return http_answer(R"({"keys":[]})", "404 Not Found"); });
  const auto answer = fetch(server);
  ASSERT_TRUE(answer) << why(answer);
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, R"({"keys":[]})");
}

TEST_F(OutboundClient, AsksForThePathWithTheHostsNameAndNoSecretOfOurs) {
  HttpDouble server([](const std::string&) { return http_answer(""); });
  ASSERT_TRUE(fetch(server));
  const std::string request = server.requests().at(0);
  EXPECT_THAT(request, StartsWith("GET /a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr(fmt::format("Host: server.example:{}\r\n", server.port())));
  EXPECT_THAT(request, AllOf(Not(HasSubstr("Authorization")), Not(HasSubstr("Cookie")),
                             Not(HasSubstr("Accept-Encoding"))));
}

TEST_F(OutboundClient, PostsABodyWhoseTypeCannotAddHeaders) {
  HttpDouble server([](const std::string&) { return http_answer(""); });
  ASSERT_TRUE(fetch(
      server, {.post_body = "{\"a\":1}", .content_type = "application/json\r\nX-Injected: 1"}));
  const std::string request = server.requests().at(0);
  EXPECT_THAT(request, StartsWith("POST /a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Content-Type: application/json??X-Injected: 1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\n\r\n{\"a\":1}"));
}

TEST_F(OutboundClient, NoProxyOfTheEnvironmentIsAsked) {
  HttpDouble proxy([](const std::string&) { return http_answer("from the proxy"); });
  HttpDouble server([](const std::string&) { return http_answer("from the server"); });
  const std::string url = fmt::format("http://127.0.0.1:{}", proxy.port());
  for (const char* variable :
       {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    setenv(variable, url.c_str(), 1);
  }
  const auto answer = fetch(server);
  for (const char* variable :
       {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    unsetenv(variable);
  }
  ASSERT_TRUE(answer) << why(answer);
  EXPECT_EQ(answer->body, "from the server");
  EXPECT_EQ(proxy.connections(), 0u);
}

TEST_F(OutboundClient, AnAnswerOfJustTheLimitIsTakenAndOneByteMoreIsNot) {
  std::size_t bytes = 10'000;
  HttpDouble server([&](const std::string&) { return http_answer(std::string(bytes, 'x')); });
  ASSERT_TRUE(fetch(server));
  bytes = 10'001;
  const auto answer = fetch(server);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(why(answer), HasSubstr("'size'"));
}

TEST_F(OutboundClient, AnAnswerThatDoesNotSayItsLengthIsCutAtTheLimit) {
  HttpDouble until_closed(
      [](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\n" + std::string(200'000, 'x'); });
  HttpDouble chunked([](const std::string&) {
    std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 200; ++i) {
      chunks += fmt::format("3e8\r\n{}\r\n", std::string(1000, 'x'));
    }
    return chunks + "0\r\n\r\n";
  });
  for (const HttpDouble* server : {&until_closed, &chunked}) {
    const auto answer = fetch(*server);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kTooLarge);
    EXPECT_THAT(why(answer), HasSubstr("'size'"));
  }
}

TEST_F(OutboundClient, HeadersAreBoundedInterimOnesAndTrailersToo) {
  const std::string many = [] {
    std::string lines;
    for (int i = 0; i < 100; ++i) {
      lines += fmt::format("X-{}: {}\r\n", i, std::string(40, 'x'));
    }
    return lines;
  }();
  std::string interim;
  for (int i = 0; i < 100; ++i) {
    interim += "HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n";
  }
  const std::vector<std::string> answers = {
      http_answer("", "200 OK", many),
      http_answer("", "200 OK", fmt::format("X-Long: {}\r\n", std::string(5000, 'x'))),
      interim + http_answer(""),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\n" + many +
          "\r\n",
  };
  for (const std::string& bytes : answers) {
    HttpDouble server([&](const std::string&) { return bytes; });
    const auto answer = fetch(server);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kTooLarge);
    EXPECT_THAT(why(answer), HasSubstr("'headers'"));
  }
}

TEST_F(OutboundClient, ASilentServerIsGivenUp) {
  HttpDouble server([](const std::string&) { return ""; });
  Policy policy = policy_for(server);
  policy.timeout = milliseconds(50);
  const auto answer = fetch(server, {}, policy);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(why(answer), HasSubstr("'time'"));
}

TEST_F(OutboundClient, AStopEndsAFetchThatWaits) {
  std::stop_source stop;
  HttpDouble server([&](const std::string&) {
    stop.request_stop();
    return "";
  });
  const auto answer =
      Client(policy_for(server), names_)
          .fetch({.url = fmt::format("http://127.0.0.1:{}/", server.port())}, stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kCancelled);
}

TEST_F(OutboundClient, WhatIsNoHttpIsUnavailable) {
  for (const char* bytes : {"SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01",
                            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"}) {
    HttpDouble server([&](const std::string&) { return bytes; });
    const auto answer = fetch(server);
    ASSERT_FALSE(answer) << bytes;
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable) << bytes;
  }
}

TEST_F(OutboundClient, FailuresNameTheHostAndNotThePath) {
  std::uint16_t closed = 0;
  {
    HttpDouble gone([](const std::string&) { return ""; });
    closed = gone.port();
  }
  const Policy policy{.hosts = {"*"},
                      .schemes = {"http"},
                      .ports = {closed},
                      .networks = {*Network::parse("127.0.0.0/8")}};
  const auto answer =
      Client(policy, names_)
          .fetch({.url = fmt::format("http://server.example:{}/hook/secret", closed)}, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(why(answer), AllOf(HasSubstr("server.example"), Not(HasSubstr("secret"))));
}

TEST_F(OutboundClient, ManyThreadsFetchAtOnce) {
  HttpDouble server([](const std::string&) { return http_answer("x"); });
  Client client(policy_for(server), names_);
  std::atomic<unsigned> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        good += client.fetch({.url = fmt::format("http://server.example:{}/", server.port())}, {})
                        .has_value()
                    ? 1
                    : 0;
      });
    }
  }
  EXPECT_EQ(good, 8u);
}

TEST(OutboundResolver, KnowsWhatTheSystemKnows) {
  const auto found = SystemResolver().resolve("localhost", seconds(30), {});
  ASSERT_TRUE(found) << found.error().message;
  for (const IpAddress& address : *found) {
    EXPECT_EQ(special_purpose(address), "loopback");
  }
}

TEST(OutboundResolver, SaysWhichNameIsNone) {
  const auto none = SystemResolver().resolve("no-such-host.invalid", seconds(30), {});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("no-such-host.invalid"));
}

TEST(OutboundResolver, AStopEndsIt) {
  std::stop_source stop;
  stop.request_stop();
  const auto stopped =
      SystemResolver().resolve("no-such-host.invalid", seconds(30), stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace skerry::outbound
