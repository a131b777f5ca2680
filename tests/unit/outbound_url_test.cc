// URLs in their one form, and the rules of a policy that need no network.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/outbound/policy.h"

namespace skerry::outbound {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string why(const Result<Target>& refused) { return refused ? "" : refused.error().message; }

TEST(OutboundUrl, IsReadIntoItsParts) {
  struct Row {
    const char* url;
    const char* again;
    const char* host;
    std::uint16_t port;
    const char* path;
  };
  for (const Row& row : std::vector<Row>{
           {"https://idp.example", "https://idp.example:443/", "idp.example", 443, "/"},
           {"HTTPS://IdP.Example:8443/a/../b?x=1&y=%23",
            "https://idp.example:8443/a/../b?x=1&y=%23", "idp.example", 8443, "/a/../b?x=1&y=%23"},
           {"http://idp.example?x", "http://idp.example:80/?x", "idp.example", 80, "/?x"},
           {"https://192.0.2.1/", "https://192.0.2.1:443/", "192.0.2.1", 443, "/"},
           {"https://[2001:DB8::1]:444/k", "https://[2001:db8::1]:444/k", "2001:db8::1", 444, "/k"},
           {"https://xn--bcher-kva.example/@me:1", "https://xn--bcher-kva.example:443/@me:1",
            "xn--bcher-kva.example", 443, "/@me:1"},
           {"https://1.example/", "https://1.example:443/", "1.example", 443, "/"},
           {"https://a--b.0x7g/", "https://a--b.0x7g:443/", "a--b.0x7g", 443, "/"}}) {
    const Result<Target> target = parse_url(row.url);
    ASSERT_TRUE(target) << row.url << ": " << why(target);
    EXPECT_EQ(target->url(), row.again);
    EXPECT_EQ(target->host, row.host);
    EXPECT_EQ(target->port, row.port);
    EXPECT_EQ(target->path, row.path);
    const Result<Target> again = parse_url(target->url());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->url(), row.again);
  }
}

TEST(OutboundUrl, RefusalsNameTheRuleAndNotThePath) {
  const std::vector<std::pair<std::string, const char*>> rows = {
      {"", "'length'"},
      {"https://idp.example/secret" + std::string(kMostUrlBytes, 'x'), "'length'"},
      {"https://idp.example/secret path", "'characters'"},
      {"https://idp.example\\secret", "'characters'"},
      {"https://idp.example/secret\x7f", "'characters'"},
      {std::string("https://idp.example\0/secret", 27), "'characters'"},
      {"https://idp.example/#secret", "'fragment'"},
      {"idp.example/secret", "'form'"},
      {"//idp.example/secret", "'form'"},
      {"mailto:secret@idp.example", "'form'"},
      {"ftp://idp.example/secret", "'schemes'"},
      {"://idp.example/secret", "'schemes'"},
      {"https:///secret", "'host'"},
      {"https://user:secret@idp.example/", "'credentials'"},
      {"https://.idp.example/secret", "'host'"},
      {"https://idp.example./secret", "'host'"},
      {"https://idp..example/secret", "'host'"},
      {"https://-idp.example/secret", "'host'"},
      {"https://idp-.example/secret", "'host'"},
      {"https://idp_1.example/secret", "'host'"},
      {"https://idp%2eexample/secret", "'host'"},
      {"https://" + std::string(64, 'a') + ".example/secret", "'host'"},
      {"https://idp.example:/secret", "'port'"},
      {"https://idp.example:0/secret", "'port'"},
      {"https://idp.example:0443/secret", "'port'"},
      {"https://idp.example:65536/secret", "'port'"},
      {"https://idp.example:443:443/secret", "'port'"},
      {"https://idp.example:-1/secret", "'port'"},
      {"https://idp.example:+1/secret", "'port'"},
      {"https://[::1/secret", "'host'"},
      {"https://[::1]443/secret", "'host'"},
      {"https://[127.0.0.1]/secret", "'host'"},
      {"https://[]/secret", "'host'"},
      {"https://::1/secret", "'host'"},
      {"https://1.2.3/secret", "'host'"},
      {"https://idp.0x7f/secret", "'host'"},
      {"https://idp.0X/secret", "'host'"},
      {"https://0x7f000001/secret", "'host'"},
  };
  for (const auto& [url, rule] : rows) {
    const Result<Target> refused = parse_url(url);
    ASSERT_FALSE(refused) << url;
    EXPECT_THAT(why(refused), HasSubstr(rule)) << url;
    EXPECT_THAT(why(refused), Not(HasSubstr("secret"))) << url;
  }
}

TEST(OutboundPolicy, WithoutHostsLetsNothingPass) {
  EXPECT_THAT(why(check_url("https://idp.example/", {})), HasSubstr("'hosts'"));
  EXPECT_THAT(why(check_url("https://8.8.8.8/", {})), HasSubstr("'hosts'"));
}

TEST(OutboundPolicy, HostsMatchExactlyOrBelowASuffix) {
  const Policy policy{.hosts = {"IdP.example", "*.Keys.example", "8.8.8.8", "2600::1"}};
  for (const char* url :
       {"https://idp.example/", "https://IDP.EXAMPLE/", "https://a.keys.example/",
        "https://a.b.keys.example/", "https://8.8.8.8/", "https://[2600:0::1]/"}) {
    EXPECT_TRUE(check_url(url, policy)) << url << ": " << why(check_url(url, policy));
  }
  for (const char* url :
       {"https://keys.example/", "https://a.idp.example/", "https://evilkeys.example/",
        "https://keys.example.evil.example/", "https://idp.example.evil/", "https://xidp.example/",
        "https://8.8.4.4/", "https://[2600::2]/", "https://idp/"}) {
    EXPECT_THAT(why(check_url(url, policy)), HasSubstr("'hosts'")) << url;
  }
}

TEST(OutboundPolicy, ASuffixNeverMatchesAnAddress) {
  const Policy policy{.hosts = {"*.8.8.8"}};
  EXPECT_THAT(why(check_url("https://8.8.8.8/", policy)), HasSubstr("'hosts'"));
}

TEST(OutboundPolicy, SchemesAndPortsAreThoseThatAreNamed) {
  const Policy policy{.hosts = {"*"}};
  EXPECT_TRUE(check_url("https://idp.example/", policy));
  EXPECT_THAT(why(check_url("http://idp.example/", policy)), HasSubstr("'schemes'"));
  EXPECT_THAT(why(check_url("https://idp.example:22/", policy)), HasSubstr("'ports'"));
  const Policy open{.hosts = {"*"}, .schemes = {"http"}, .ports = {80}};
  EXPECT_TRUE(check_url("http://idp.example/", open));
  EXPECT_THAT(why(check_url("https://idp.example/", open)), HasSubstr("'schemes'"));
}

TEST(OutboundPolicy, AnAddressInTheUrlIsHeldAgainstTheNetworks) {
  const Policy policy{.hosts = {"*", "10.0.0.1"}};
  EXPECT_THAT(why(check_url("https://10.0.0.1/", policy)), HasSubstr("'networks'"))
      << "named as a host is not enough";
}

TEST(OutboundPolicy, PatternsOfHostsAreChecked) {
  for (const char* pattern :
       {"idp.example", "*.idp.example", "*", "192.0.2.1", "2001:db8::1", "localhost"}) {
    EXPECT_TRUE(check_host_pattern(pattern)) << pattern;
  }
  for (const char* pattern : {"", "*.", "**", "*idp.example", "a.*.example", "idp.example.",
                              "https://idp.example", "idp.example:443", "[2001:db8::1]", "idp_1"}) {
    const Status refused = check_host_pattern(pattern);
    ASSERT_FALSE(refused) << pattern;
    EXPECT_THAT(refused.error().message, HasSubstr("such as idp.example"));
  }
}

}  // namespace
}  // namespace skerry::outbound
