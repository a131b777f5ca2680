// Callers by their tokens: several issuers, keys from files, URLs and discovery, over the real client too.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>

#include "controller/oidc/verifier.h"
#include "controller/outbound/client.h"
#include "tests/unit/http_double.h"
#include "tests/unit/oidc_key_sources.h"
#include "tests/unit/outbound_names.h"

namespace skerry::oidc {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kIssuerUrl = "https://idp.example/realm";
constexpr const char* kConfigurationUrl =
    "https://idp.example/realm/.well-known/openid-configuration";
constexpr const char* kKeysUrl = "https://idp.example/keys";

const TestIssuer& issuer() { return TestIssuer::get(); }

std::string all_keys() {
  return key_set_text(
      {issuer().rsa.jwk("rsa-1"), issuer().p256.jwk("p256-1"), issuer().ed25519.jwk("ed25519-1")});
}

std::string configuration(std::string_view of, std::string_view keys_url) {
  return json::serialize(json::object{
      {"issuer", of}, {"jwks_uri", keys_url}, {"scopes_supported", json::array{"openid"}}});
}

IssuerSettings corp() {
  return {.name = "corp",
          .rules = issuer().rules,
          .jwks_url = kKeysUrl,
          .roles = {{.claim = "groups",
                     .value = "vision-team",
                     .role = Role::kSubmitter,
                     .namespaces = {"vision"}}}};
}

class Oidc : public ::testing::Test {
 protected:
  // With every first fetch done.
  std::unique_ptr<Verifier> make(std::vector<IssuerSettings> issuers) {
    return make(std::move(issuers), [this](const outbound::Policy&) { return web_.fetcher(); });
  }
  std::unique_ptr<Verifier> make(std::vector<IssuerSettings> issuers,
                                 const Verifier::MakeFetcher& make_fetcher) {
    auto verifier = std::make_unique<Verifier>(
        Settings{.times = {.retry = milliseconds(1)}, .issuers = std::move(issuers)}, make_fetcher,
        clock_, *log_);
    await([&] {
      return std::ranges::all_of(
          verifier->state(), [](const auto& state) { return state.problem != "not fetched yet"; });
    });
    return verifier;
  }
  static Result<KnownCaller> verify(Verifier& verifier, const std::string& token) {
    return verifier.verify(token, TestIssuer::kNow);
  }
  static std::string why(const Result<KnownCaller>& caller) {
    return caller ? "" : caller.error().message;
  }

  Web web_;
  HandClock clock_;
  std::shared_ptr<Log> log_ =
      make_log({.part = "test"}, std::make_shared<spdlog::sinks::null_sink_mt>(), false);
};

TEST_F(Oidc, ACallerHasTheGrantsThatTheRulesGive) {
  web_.put(kKeysUrl, all_keys());
  const auto verifier = make({corp()});
  const auto caller = verify(*verifier, issuer().token());
  ASSERT_TRUE(caller) << why(caller);
  EXPECT_EQ(caller->issuer, "corp");
  EXPECT_EQ(caller->subject, "4711");
  EXPECT_EQ(caller->id(), "oidc:corp:4711");
  EXPECT_THAT(caller->grants, ElementsAre(Grant{Role::kSubmitter, "vision"}));
  EXPECT_EQ(caller->expires_at, TestIssuer::kNow + seconds(600));
  const auto stranger = verify(*verifier, issuer().token({{"groups", json::array{"sales"}}}));
  ASSERT_TRUE(stranger);
  EXPECT_THAT(stranger->grants, IsEmpty());
}

TEST_F(Oidc, WithoutIssuersNobodyIsBelieved) {
  const auto verifier = make({});
  const auto caller = verify(*verifier, issuer().token());
  ASSERT_FALSE(caller);
  EXPECT_EQ(caller.error().code, ErrorCode::kUnauthenticated);
}

TEST_F(Oidc, DiscoveryLeadsToTheKeys) {
  web_.put(kConfigurationUrl, configuration(kIssuerUrl, kKeysUrl));
  web_.put(kKeysUrl, all_keys());
  IssuerSettings discovered = corp();
  discovered.jwks_url.clear();
  EXPECT_TRUE(verify(*make({discovered}), issuer().token()));
}

TEST_F(Oidc, DiscoveryKeepsASlashOfTheIssuerAndAsksWithoutIt) {
  web_.put(kConfigurationUrl, configuration("https://idp.example/realm/", kKeysUrl));
  web_.put(kKeysUrl, all_keys());
  IssuerSettings discovered = corp();
  discovered.jwks_url.clear();
  discovered.rules.issuer = "https://idp.example/realm/";
  EXPECT_TRUE(verify(*make({discovered}), issuer().token({{"iss", "https://idp.example/realm/"}})));
}

TEST_F(Oidc, DiscoveryOfAnotherIssuerGivesNoKeys) {
  IssuerSettings discovered = corp();
  discovered.jwks_url.clear();
  web_.put(kKeysUrl, all_keys());
  const std::vector<std::pair<std::string, const char*>> rows = {
      {configuration("https://idp.example/realm/", kKeysUrl), "of another issuer"},
      {configuration("https://evil.example/realm", kKeysUrl), "of another issuer"},
      {configuration("", kKeysUrl), "of another issuer"},
      {R"({"jwks_uri":"https://idp.example/keys"})", "of another issuer"},
      {R"({"issuer":["https://idp.example/realm"],"jwks_uri":"https://idp.example/keys"})",
       "of another issuer"},
      {R"({"issuer":"https://idp.example/realm"})", "no text 'jwks_uri'"},
      {R"({"issuer":"https://idp.example/realm","jwks_uri":["https://idp.example/keys"]})",
       "no text 'jwks_uri'"},
      {R"({"issuer":"https://evil.example","issuer":"https://idp.example/realm","jwks_uri":"https://idp.example/keys"})",
       "a member twice"},
      {"<html>", "is not valid JSON"},
      {configuration(kIssuerUrl, "https://nowhere.example/"), "the set of keys: nobody is there"}};
  for (const auto& [text, problem] : rows) {
    web_.put(kConfigurationUrl, text);
    const auto verifier = make({discovered});
    EXPECT_THAT(verifier->state()[0].problem, HasSubstr(problem)) << text;
    const auto caller = verify(*verifier, issuer().token());
    ASSERT_FALSE(caller) << text;
    EXPECT_EQ(caller.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(why(caller), HasSubstr(problem));
  }
}

TEST_F(Oidc, AnAnswerOtherThan200GivesNoKeys) {
  web_.put(kKeysUrl, all_keys(), 404);
  EXPECT_THAT(make({corp()})->state()[0].problem,
              HasSubstr("the set of keys: the server answers 404"));
}

TEST_F(Oidc, KeysMayBeAFile) {
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("skerry-keys-{}.json", getpid());
  std::ofstream(path) << all_keys();
  IssuerSettings local = corp();
  local.jwks_url.clear();
  local.key_file = path.string();
  EXPECT_TRUE(verify(*make({local}), issuer().token()));
  std::filesystem::remove(path);
  EXPECT_THAT(make({local})->state()[0].problem, HasSubstr(path.string()));
}

TEST_F(Oidc, EachIssuerSpeaksForItselfEvenWithKeysOfOneId) {
  const SigningKey other_key = SigningKey::ed25519();
  IssuerSettings other = corp();
  other.name = "other";
  other.rules.issuer = "https://other.example";
  other.jwks_url = "https://other.example/keys";
  web_.put(kKeysUrl, all_keys());
  web_.put(other.jwks_url, key_set_text({other_key.jwk("ed25519-1")}));
  const auto verifier = make({corp(), other});
  const auto token_of = [&](std::string_view claims_issuer) {
    json::object payload = issuer().payload();
    payload["iss"] = claims_issuer;
    return sign_texts(json::serialize(TestIssuer::header("EdDSA", "ed25519-1")),
                      json::serialize(payload), other_key);
  };
  EXPECT_EQ(verify(*verifier, issuer().token())->issuer, "corp");
  const auto by_other = verify(*verifier, token_of("https://other.example"));
  ASSERT_TRUE(by_other) << why(by_other);
  EXPECT_EQ(by_other->issuer, "other");
  EXPECT_FALSE(verify(*verifier, token_of(kIssuerUrl)))
      << "the other issuer's key speaks for the first";
}

TEST_F(Oidc, AnUnknownKeyIsRefusedNowAndKnownSoon) {
  web_.put(kKeysUrl, key_set_text({issuer().rsa.jwk("rsa-1")}));
  const auto verifier = make({corp()});
  const auto refused = verify(*verifier, issuer().token());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(why(refused), HasSubstr("come again in a minute"));
  web_.put(kKeysUrl, all_keys());
  clock_.move(milliseconds(1));
  await([&] { return verify(*verifier, issuer().token()).has_value(); });
}

TEST_F(Oidc, WithoutKeysTheAnswerIsToComeAgain) {
  const auto verifier = make({corp()});
  const auto caller = verify(*verifier, issuer().token());
  ASSERT_FALSE(caller);
  EXPECT_EQ(caller.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(
      why(caller),
      HasSubstr("the keys of the issuer 'corp' are not known: the set of keys: nobody is there"));
  EXPECT_EQ(verifier->state()[0].keys, 0u);
}

TEST_F(Oidc, WhatIsNoTokenIsRefusedEvenWithoutKeys) {
  const auto verifier = make({corp()});
  for (const char* token : {"", "x", "a.b.c", "sk_abc"}) {
    EXPECT_EQ(verify(*verifier, token).error().code, ErrorCode::kUnauthenticated) << token;
  }
  EXPECT_TRUE(Verifier::is_jwt(issuer().token()));
  EXPECT_FALSE(Verifier::is_jwt("skerry_0123"));
}

TEST_F(Oidc, ManyThreadsVerifyWhileKeysChange) {
  web_.put(kKeysUrl, all_keys());
  const auto verifier = make({corp()});
  const std::string good = issuer().token();
  const std::string unknown = issuer().token_with_header(R"({"alg":"EdDSA","kid":"unknown"})");
  std::atomic<unsigned> accepted = 0;
  std::atomic<unsigned> refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 50; ++round) {
          accepted += verify(*verifier, good).has_value() ? 1 : 0;
          refused += verify(*verifier, unknown).has_value() ? 0 : 1;
          clock_.move(seconds(10));
          (void)verifier->state();
        }
      });
    }
  }
  EXPECT_EQ(accepted, 200u);
  EXPECT_EQ(refused, 200u);
}

// ---- over the real client, by HTTP on loopback

class OidcOverHttp : public Oidc {
 protected:
  OidcOverHttp() : server_([this](const std::string& request) { return answer(request); }) {}

  std::string answer(const std::string& request) {
    if (request.starts_with("GET /realm/.well-known/openid-configuration ")) {
      return http_answer(configuration(url("/realm"), keys_url_));
    }
    return request.starts_with("GET /keys ") ? http_answer(all_keys())
                                             : http_answer("", "404 Not Found");
  }
  std::string url(std::string_view path) const {
    return fmt::format("http://127.0.0.1:{}{}", server_.port(), path);
  }
  // As the configuration has it.
  IssuerSettings read(const std::string& more) {
    ConfigReader reader(
        {.kind = "DemoConfig",
         .text = fmt::format(
             "apiVersion: skerry/v1\nkind: DemoConfig\nissuers:\n- name: corp\n  issuer: {}\n"
             "  audiences: [skerry]\n  allow_http: true\n{}",
             url("/realm"), more),
         .origin = "c.yaml"});
    const Settings settings = read_settings(reader.root());
    const Status status = reader.finish();
    EXPECT_TRUE(status) << status.error().message;
    return settings.issuers.at(0);
  }
  std::unique_ptr<Verifier> make_real(IssuerSettings issuer) {
    return make({std::move(issuer)}, [this](const outbound::Policy& policy) {
      return std::make_unique<outbound::Client>(policy, names_);
    });
  }

  std::string keys_url_;
  HttpDouble server_;
  outbound::NameServer names_{{}};
};

TEST_F(OidcOverHttp, DiscoveryWorksWhereTheNetworkIsAllowed) {
  keys_url_ = url("/keys");
  const auto verifier = make_real(read("  networks: [127.0.0.0/8]\n"));
  const auto caller = verify(*verifier, issuer().token({{"iss", url("/realm")}}));
  ASSERT_TRUE(caller) << why(caller);
  EXPECT_EQ(server_.requests().size(), 2u);
}

TEST_F(OidcOverHttp, NothingIsFetchedFromANetworkThatIsNot) {
  const auto verifier = make_real(read(""));
  EXPECT_THAT(verifier->state()[0].problem, HasSubstr("'networks': 127.0.0.1 is loopback"));
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(OidcOverHttp, WhereDiscoveryLeadsIsGuardedToo) {
  for (const auto& [target, rule] :
       {std::pair<std::string, const char*>{"http://127.0.0.2/keys", "'hosts'"},
        {"http://169.254.169.254/keys", "'hosts'"},
        {"file:///etc/passwd", "'schemes'"},
        {"http://127.0.0.1:22/keys", "'ports'"},
        {"http://evil.example/keys", "'hosts'"}}) {
    keys_url_ = target;
    const auto verifier = make_real(read("  networks: [127.0.0.0/8]\n"));
    EXPECT_THAT(verifier->state()[0].problem, HasSubstr(rule)) << target;
  }
}

}  // namespace
}  // namespace skerry::oidc
