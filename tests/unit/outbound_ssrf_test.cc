// Server-side request forgery: URLs that would lead the controller into its own networks, against a server on
// loopback that counts. Nothing may reach it. That the vectors are real is shown by an unguarded libcurl, which does.

#include <curl/curl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "controller/outbound/client.h"
#include "controller/outbound/transfer.h"
#include "tests/unit/http_double.h"
#include "tests/unit/outbound_names.h"

namespace skerry::outbound {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

struct Vector {
  const char* name;
  std::string url;          // PORT is the server's
  const char* rule;         // that refuses it though every host is allowed
  bool reaches_us = false;  // unguarded
};

const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all = {
      // Forms of 127.0.0.1 as IPv4.
      {"plain loopback", "http://127.0.0.1:PORT/", "networks", true},
      {"decimal", "http://2130706433:PORT/", "host", true},
      {"octal", "http://0177.0.0.1:PORT/", "host", true},
      {"octal, one number", "http://017700000001:PORT/", "host", true},
      {"hexadecimal", "http://0x7f000001:PORT/", "host", true},
      {"hexadecimal, upper case", "http://0X7F000001:PORT/", "host", true},
      {"hexadecimal parts", "http://0x7f.0x0.0x0.0x1:PORT/", "host", true},
      {"two parts", "http://127.1:PORT/", "host", true},
      {"three parts", "http://127.0.1:PORT/", "host", true},
      {"mixed parts", "http://0x7f.1:PORT/", "host", true},
      {"leading zeros", "http://127.0.0.01:PORT/", "host", true},
      {"dot at the end", "http://127.0.0.1.:PORT/", "host"},
      {"overflowing number", "http://6425673729:PORT/", "host"},
      {"this host", "http://0.0.0.0:PORT/", "networks", true},
      {"this host, short", "http://0:PORT/", "host", true},
      {"another of loopback", "http://127.255.0.9:PORT/", "networks"},
      {"percent-encoded dots", "http://127%2e0%2e0%2e1:PORT/", "host", true},
      {"full-width digits", "http://１２７.0.0.1:PORT/", "characters"},
      {"circled digits", "http://①②⑦.0.0.1:PORT/", "characters"},
      {"ideographic dots", "http://127。0。0。1:PORT/", "characters"},
      {"half-width dots", "http://127｡0｡0｡1:PORT/", "characters"},
      // As IPv6, and carried by it.
      {"IPv6 loopback", "http://[::1]:PORT/", "networks"},
      {"IPv6 loopback in full", "http://[0:0:0:0:0:0:0:1]:PORT/", "networks"},
      {"IPv6 unspecified", "http://[::]:PORT/", "networks"},
      {"mapped", "http://[::ffff:127.0.0.1]:PORT/", "networks"},
      {"mapped, in hexadecimal", "http://[::ffff:7f00:1]:PORT/", "networks"},
      {"compatible", "http://[::127.0.0.1]:PORT/", "networks"},
      {"NAT64", "http://[64:ff9b::7f00:1]:PORT/", "networks"},
      {"6to4", "http://[2002:7f00:1::]:PORT/", "networks"},
      {"Teredo", "http://[2001:0:102:304::80ff:fffe]:PORT/", "networks"},
      {"zone", "http://[::1%25lo]:PORT/", "host"},
      {"zone, not encoded", "http://[fe80::1%lo]:PORT/", "host"},
      {"IPv4 in brackets", "http://[127.0.0.1]:PORT/", "host"},
      // Networks of ours.
      {"metadata of clouds", "http://169.254.169.254/latest/meta-data/", "networks"},
      {"metadata, IPv6", "http://[fd00:ec2::254]/latest/meta-data/", "networks"},
      {"metadata, decimal", "http://2852039166/latest/meta-data/", "host"},
      {"metadata of one cloud in CGNAT", "http://100.100.100.200/latest/meta-data/", "networks"},
      {"host of one cloud's machines", "http://168.63.129.16/machine?comp=goalstate", "networks"},
      {"private, class A", "http://10.0.0.1/", "networks"},
      {"private, class B", "http://172.31.255.254/", "networks"},
      {"private, class C", "http://192.168.1.1/", "networks"},
      {"ULA", "http://[fd12:3456::1]/", "networks"},
      {"link-local, IPv6", "http://[fe80::1]/", "networks"},
      {"multicast", "http://239.255.255.250:80/", "networks"},
      {"broadcast", "http://255.255.255.255/", "networks"},
      // What stands before and behind the host.
      {"another host as user", "http://idp.example@127.0.0.1:PORT/", "credentials", true},
      {"another host and port as user", "http://idp.example:443@127.0.0.1:PORT/", "credentials",
       true},
      {"two users", "http://a@idp.example@127.0.0.1:PORT/", "credentials"},
      {"empty user", "http://@127.0.0.1:PORT/", "credentials", true},
      {"backslash before the user", "http://idp.example\\@127.0.0.1:PORT/", "characters", true},
      {"backslashes for slashes", "http:\\\\127.0.0.1:PORT\\", "characters"},
      {"one slash", "http:/127.0.0.1:PORT/", "form", true},
      {"three slashes", "http:///127.0.0.1:PORT/", "host", true},
      {"another host as fragment", "http://127.0.0.1:PORT#@idp.example/", "fragment", true},
      {"us as fragment", "http://idp.example#@127.0.0.1:PORT/", "fragment"},
      {"question mark before the user", "http://127.0.0.1:PORT?@idp.example/", "networks", true},
      {"no scheme", "127.0.0.1:PORT/", "form", true},
      {"line break in the host", "http://127.0.0.1:PORT\r\n.idp.example/", "characters"},
      {"header in the path", "http://127.0.0.1:PORT/\r\nX-Injected: 1", "characters"},
      {"tab in the scheme", "ht\ttp://127.0.0.1:PORT/", "characters"},
      {"space before", " http://127.0.0.1:PORT/", "characters"},
      {"NUL behind the host", std::string("http://127.0.0.1:PORT/\0.idp.example", 35),
       "characters"},
      // Names.
      {"localhost", "http://localhost:PORT/", "networks", true},
      {"localhost, upper case", "http://LOCALHOST:PORT/", "networks", true},
      {"localhost with a dot", "http://localhost.:PORT/", "host"},
      {"below localhost", "http://a.localhost:PORT/", "networks", true},
      {"a name for loopback", "http://loopback.hostile.example:PORT/", "networks"},
      {"an address as a name's label", "http://127.0.0.1.hostile.example:PORT/", "networks"},
      {"punycode", "http://xn--lclhst-vxa3d.example:PORT/", "networks"},
      {"a name for the metadata", "http://metadata.google.internal/computeMetadata/v1/",
       "networks"},
      {"a name for a private address", "http://private.example:PORT/", "networks"},
      {"a name for a mapped address", "http://mapped.example:PORT/", "networks"},
      {"a name for a public and a private address", "http://mixed.example:PORT/", "networks"},
      // Other protocols, and ports.
      {"gopher", "gopher://127.0.0.1:PORT/_GET%20/%20HTTP/1.0%0d%0a%0d%0a", "schemes", true},
      {"file", "file:///etc/passwd", "schemes"},
      {"file on a host", "file://127.0.0.1/etc/passwd", "schemes"},
      {"ftp", "ftp://127.0.0.1:PORT/", "schemes"},
      {"dict", "dict://127.0.0.1:PORT/d:x", "schemes"},
      {"ldap", "ldap://127.0.0.1:PORT/", "schemes"},
      {"telnet", "telnet://127.0.0.1:PORT/", "schemes"},
      {"data", "data:text/plain,x", "form"},
      {"http with a prefix", "view-source:http://127.0.0.1:PORT/", "schemes"},
      {"ssh's port", "http://8.8.8.8:22/", "ports"},
      {"port that wraps around", "http://127.0.0.1:WRAPPED/", "port"},
      {"port with a sign", "http://127.0.0.1:+PORT/", "port"},
      {"empty port", "http://127.0.0.1:/", "port"},
  };
  return all;
}

std::string with_port(std::string url, std::uint16_t port) {
  for (const auto& [mark, number] :
       {std::pair<std::string_view, unsigned>{"PORT", port}, {"WRAPPED", 65536U + port}}) {
    if (const auto at = url.find(mark); at != url.npos) {
      url.replace(at, mark.size(), std::to_string(number));
    }
  }
  return url;
}

// What an application does that guards nothing.
void fetch_unguarded(const std::string& url) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  const auto drop = +[](char*, std::size_t size, std::size_t count, void*) { return size * count; };
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, drop);
  curl_easy_perform(curl.get());
}

class OutboundSsrf : public ::testing::Test {
 protected:
  // Every host and both schemes: only what is under test stands between a vector and the server.
  Policy wide() const {
    return {.hosts = {"*"}, .schemes = {"https", "http"}, .ports = {80, 443, server_.port()}};
  }
  Result<Response> fetch(const std::string& url, const Policy& policy) {
    return Client(policy, names_).fetch({.url = with_port(url, server_.port())}, {});
  }
  // How many have come to the server. It takes connections in their order, so one of our own that has been
  // answered has all earlier ones counted.
  unsigned fetched() {
    fetch_unguarded(with_port("http://127.0.0.1:PORT/", server_.port()));
    return server_.connections() - ++own_;
  }

  HttpDouble server_{[](const std::string&) { return http_answer("secret"); }};
  NameServer names_{{{"private.example", {{"10.1.2.3"}}},
                     {"metadata.google.internal", {{"169.254.169.254"}}},
                     {"mapped.example", {{"::ffff:127.0.0.1"}}},
                     {"mixed.example", {{"8.8.8.8", "127.0.0.1"}}}}};
  unsigned own_ = 0;
};

TEST_F(OutboundSsrf, NothingIsFetchedAndTheRuleIsNamed) {
  ASSERT_GE(vectors().size(), 80u);
  RecordProperty("vectors", static_cast<int>(vectors().size()));
  for (const Vector& vector : vectors()) {
    const auto answer = fetch(vector.url, wide());
    ASSERT_FALSE(answer) << vector.name;
    EXPECT_THAT(answer.error().message, HasSubstr(fmt::format("'{}'", vector.rule))) << vector.name;
    EXPECT_THAT(answer.error().code,
                AnyOf(ErrorCode::kInvalidArgument, ErrorCode::kPermissionDenied))
        << vector.name;
  }
  EXPECT_EQ(fetched(), 0u);
}

TEST_F(OutboundSsrf, NothingIsFetchedWithAListOfHosts) {
  const Policy narrow{.hosts = {"idp.example", "*.keys.example"}};
  for (const Vector& vector : vectors()) {
    EXPECT_FALSE(fetch(vector.url, narrow)) << vector.name;
  }
  EXPECT_EQ(fetched(), 0u);
  EXPECT_EQ(names_.asked(), 0u) << "a host that is not on the list is not even looked up";
}

TEST_F(OutboundSsrf, TheVectorsAreRealForWhoeverDoesNotGuard) {
  unsigned real = 0;
  for (const Vector& vector : vectors()) {
    if (vector.reaches_us) {
      const unsigned before = server_.connections();
      fetch_unguarded(with_port(vector.url, server_.port()));
      EXPECT_EQ(server_.connections(), before + 1) << vector.name;
      ++real;
    }
  }
  EXPECT_GE(real, 25u);
}

TEST_F(OutboundSsrf, TheServerIsReachedWhereTheOperatorAllowsItsNetwork) {
  Policy policy = wide();
  policy.networks = {*Network::parse("127.0.0.0/8")};
  for (const char* url : {"http://127.0.0.1:PORT/", "http://localhost:PORT/",
                          "http://loopback.hostile.example:PORT/"}) {
    const auto answer = fetch(url, policy);
    ASSERT_TRUE(answer) << url << ": " << answer.error().message;
    EXPECT_EQ(answer->body, "secret");
  }
}

TEST_F(OutboundSsrf, ANameIsResolvedOnceAndWhatItSaysLaterDoesNotCount) {
  // The first answer passes; whoever resolves again is led to the server.
  NameServer rebinding({{"rebinding.example", {{"127.0.0.2"}, {"127.0.0.1"}}}});
  Policy policy = wide();
  policy.networks = {*Network::parse("127.0.0.2/32")};
  const auto answer =
      Client(policy, rebinding)
          .fetch({.url = with_port("http://rebinding.example:PORT/", server_.port())}, {});
  EXPECT_FALSE(answer) << "nobody listens at the address that was checked";
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(rebinding.asked(), 1u);
  EXPECT_EQ(fetched(), 0u);
}

TEST_F(OutboundSsrf, TheConnectionGoesToTheAddressThatWasCheckedWhateverTheSystemSays) {
  // For the system, localhost is 127.0.0.1, where server_ listens at the same port.
  HttpDouble checked([](const std::string&) { return http_answer("checked"); },
                     {.address = "127.0.0.2", .port = server_.port()});
  NameServer names({{"localhost", {{"127.0.0.2"}}}});
  Policy policy = wide();
  policy.networks = {*Network::parse("127.0.0.2/32")};
  const auto answer =
      Client(policy, names).fetch({.url = with_port("http://localhost:PORT/", server_.port())}, {});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "checked");
  EXPECT_EQ(fetched(), 0u);
}

TEST_F(OutboundSsrf, NoSocketIsOpenedToAnAddressThatWasNotChecked) {
  // As if what pins the connection had been passed: the target says one address, another was checked.
  const Policy policy = wide();
  const Result<Target> target = parse_url(with_port("http://127.0.0.1:PORT/", server_.port()));
  ASSERT_TRUE(target);
  const auto answer =
      Transfer(policy, *target, {*IpAddress::parse("127.0.0.2")}, {}).run({}, seconds(30));
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("'networks': 127.0.0.1 was not checked"));
  EXPECT_EQ(fetched(), 0u);
}

TEST_F(OutboundSsrf, NoRedirectIsFollowed) {
  for (const char* status :
       {"300 Multiple Choices", "301 Moved Permanently", "302 Found", "303 See Other",
        "305 Use Proxy", "307 Temporary Redirect", "308 Permanent Redirect"}) {
    for (const char* location : {"http://127.0.0.1:PORT/", "//127.0.0.1:PORT/",
                                 "gopher://127.0.0.1:PORT/", "file:///etc/passwd"}) {
      HttpDouble front(
          [&](const std::string&) {
            return http_answer(
                "", status, fmt::format("Location: {}\r\n", with_port(location, server_.port())));
          },
          {.address = "127.0.0.2"});
      Policy policy = wide();
      policy.ports.push_back(front.port());
      policy.networks = {*Network::parse("127.0.0.2/32")};
      const auto answer =
          Client(policy, names_)
              .fetch({.url = fmt::format("http://127.0.0.2:{}/", front.port())}, {});
      ASSERT_FALSE(answer) << status;
      EXPECT_EQ(answer.error().code, ErrorCode::kPermissionDenied);
      EXPECT_THAT(answer.error().message, HasSubstr("'redirects'"));
      EXPECT_EQ(front.connections(), 1u);
    }
  }
  EXPECT_EQ(fetched(), 0u);
}

}  // namespace
}  // namespace skerry::outbound
