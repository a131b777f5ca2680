// Tests of skerryctl over TLS: which servers it trusts and what it says of the others, and where its token
// goes. Every test that starts the program starts it as a user does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <tuple>

#include "cli/access.h"
#include "tests/certificates/certificates.h"
#include "tests/unit/cli_harness.h"

namespace skerry::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::Authority;
using tests::Issued;

constexpr std::string_view kNoModels = R"({"items":[]})";

// What a user has: the authority's certificate, and a token.
struct Home {
  Home() : ca(folder.write("ca.pem", authority.pem())), token(secret("token", "sk_secret-1\n")) {}

  std::string secret(std::string_view name, std::string_view text, mode_t mode = 0600) const {
    const std::string path = folder.write(name, text);
    ::chmod(path.c_str(), mode);
    return path;
  }
  tls::Context context(const Issued& issued, std::string_view chain = "") const {
    const auto made =
        tls::server_context({.certificate_file = folder.write(
                                 "server.pem", issued.certificate_pem + std::string(chain)),
                             .key_file = secret("server.key", issued.key_pem)});
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }

  Authority authority;
  TemporaryFolder folder;
  std::string ca;
  std::string token;
};

ScriptedServer::Handler nothing_there() {
  return [](const ServedRequest&) { return ServedAnswer{.body = std::string(kNoModels)}; };
}
ScriptedServer::Handler sends_to(const std::string& url) {
  return [url](const ServedRequest& request) {
    return ServedAnswer{.status = 307, .headers = {{"Location", url + request.target}}};
  };
}

Finished get_models(const ScriptedServer& server, std::vector<std::string> flags = {},
                    const std::vector<std::string>& environment = {}) {
  flags.insert(flags.end(), {"--server", server.url(), "get", "models"});
  return run_skerryctl(flags, environment);
}

std::string token_of(const ServedRequest& request) {
  const auto found = request.headers.find("authorization");
  return found == request.headers.end() ? "" : found->second;
}

// ---- whom it trusts

TEST(CliTls, AServerOfTheNamedAuthorityIsAsked) {
  Home home;
  const ScriptedServer server(nothing_there(), home.context(home.authority.issue()));
  for (const Finished& done :
       {get_models(server, {"--ca-file", home.ca}),
        get_models(server, {}, {"SKERRY_CA_FILE=" + home.ca}),
        get_models(server, {"--config", home.folder.write("config.yaml",
                                                          "apiVersion: skerry/v1\n"
                                                          "kind: ClientConfig\n"
                                                          "ca_file: " +
                                                              home.ca + "\n")})}) {
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.err, "no models\n");
  }
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(CliTls, AStreamAndAConnectionThatWentStaleWorkAsOverPlainText) {
  Home home;
  const ScriptedServer server(
      [](const ServedRequest& request) -> ServedAnswer {
        if (request.target.starts_with("/api/v1/events")) {
          return {.pieces = {"id: x-1\nevent: policy\ndata: {\"at\":\"2026-01-31T12:00:00Z\",",
                             "\"policy\":\"jsq\"}\n\n"}};
        }
        return {.body = std::string(kNoModels), .hang_up = true};
      },
      home.context(home.authority.issue()));
  const std::vector<std::string> flags = {"--server", server.url(), "--ca-file", home.ca};
  std::vector<std::string> words = flags;
  words.insert(words.end(), {"events", "-w", "--count", "1"});
  EXPECT_THAT(run_skerryctl(words).out, HasSubstr("jsq"));
  words = flags;
  words.insert(words.end(), {"get", "models"});
  EXPECT_EQ(run_skerryctl(words).exit_code, 0);
}

TEST(CliTls, AnUnknownAuthorityIsToldWithTheWayToNameIt) {
  Home home;
  const ScriptedServer server(nothing_there(),
                              home.context(home.authority.issue(), home.authority.pem()));
  const Finished done = get_models(server);
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, AllOf(HasSubstr("of an authority that this machine does not know (CN = "
                                        "skerry test authority)"),
                              HasSubstr("--ca-file FILE, SKERRY_CA_FILE or `ca_file:`"),
                              HasSubstr("SHA-256 fingerprint ")));
  Authority other;
  const std::string wrong = home.folder.write("other.pem", other.pem());
  EXPECT_THAT(get_models(server, {"--ca-file", wrong}).err,
              HasSubstr("of an authority that '" + wrong + "' does not hold"));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST(CliTls, WhatElseIsWrongWithACertificateIsToldToo) {
  Home home;
  const auto complaint = [&](const tests::Wish& wish) {
    const ScriptedServer server(nothing_there(), home.context(home.authority.issue(wish)));
    const Finished done = get_models(server, {"--ca-file", home.ca});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(server.requests(), IsEmpty());
    return done.err;
  };
  EXPECT_THAT(complaint({.begins_s = -7200, .ends_s = -3600}),
              AllOf(HasSubstr("that expired on 20"), HasSubstr("hint: ")));
  EXPECT_THAT(complaint({.begins_s = 3600}), HasSubstr("that begins on 20"));
  EXPECT_THAT(complaint({.hosts = {"skerry.example", "10.0.0.5"}}),
              HasSubstr("of another host's: it is for skerry.example, 10.0.0.5"));
  EXPECT_THAT(complaint({.hosts = {}}), HasSubstr("it is for no name or address at all"));
  EXPECT_THAT(complaint({.for_client = true}), HasSubstr("cannot be trusted"));
}

TEST(CliTls, AServerThatSpeaksPlainTextIsTold) {
  const ScriptedServer server(nothing_there());
  const Finished done =
      run_skerryctl({"--server", "https://127.0.0.1:" + server.port(), "get", "models"});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, AllOf(HasSubstr("does not speak TLS"), HasSubstr("http:// instead")));
}

TEST(CliTls, AServerThatWantsACertificateGetsOurs) {
  Home home;
  Authority clients;
  const Issued own = clients.issue({.hosts = {}, .for_client = true});
  const Issued issued = home.authority.issue();
  const auto context = tls::server_context(
      {.certificate_file = home.folder.write("server.pem", issued.certificate_pem),
       .key_file = home.secret("server.key", issued.key_pem),
       .client_ca_file = home.folder.write("clients.pem", clients.pem())});
  ASSERT_TRUE(context);
  const ScriptedServer server(nothing_there(), *context);
  const std::string config = home.folder.write(
      "config.yaml",
      "apiVersion: skerry/v1\nkind: ClientConfig\nca_file: " + home.ca +
          "\ncertificate_file: " + home.folder.write("own.pem", own.certificate_pem) +
          "\nkey_file: " + home.secret("own.key", own.key_pem) + "\n");
  EXPECT_EQ(get_models(server, {"--config", config}).exit_code, 0);
  EXPECT_THAT(get_models(server, {"--ca-file", home.ca}).err,
              HasSubstr("name yours with certificate_file"));
}

TEST(CliTls, NotToVerifyIsAFlagOnlyAndIsShoutedAbout) {
  Home home;
  const ScriptedServer server(nothing_there(), home.context(home.authority.issue()));
  const Finished done = get_models(server, {"--insecure-skip-verify"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_THAT(done.err, HasSubstr("WARNING: nobody verifies"));
  EXPECT_EQ(get_models(server, {}, {"SKERRY_INSECURE_SKIP_VERIFY=true"}).exit_code, 1);
  const std::string config = home.folder.write("config.yaml",
                                               "apiVersion: skerry/v1\nkind: ClientConfig\n"
                                               "insecure_skip_verify: true\n");
  EXPECT_THAT(get_models(server, {"--config", config}).err, HasSubstr("insecure_skip_verify"));
  EXPECT_EQ(server.requests().size(), 1u);
}

// ---- where the token goes

TEST(CliToken, IsShownOverTlsAndOnThisMachine) {
  Home home;
  const ScriptedServer secure(nothing_there(), home.context(home.authority.issue()));
  EXPECT_EQ(get_models(secure, {"--ca-file", home.ca, "--token-file", home.token}).exit_code, 0);
  EXPECT_EQ(token_of(secure.requests().at(0)), "Bearer sk_secret-1");
  const ScriptedServer plain(nothing_there());
  EXPECT_EQ(get_models(plain, {}, {"SKERRY_TOKEN_FILE=" + home.token}).exit_code, 0);
  EXPECT_EQ(token_of(plain.requests().at(0)), "Bearer sk_secret-1");
  EXPECT_EQ(get_models(plain).exit_code, 0);
  EXPECT_EQ(token_of(plain.requests().at(1)), "");
}

TEST(CliToken, AFlagBeatsTheFile) {
  const Home home;
  const ScriptedServer server(nothing_there());
  const std::string config =
      home.folder.write("config.yaml", "apiVersion: skerry/v1\nkind: ClientConfig\ntoken_file: " +
                                           home.secret("other", "other") + "\n");
  EXPECT_EQ(get_models(server, {"--config", config}).exit_code, 0);
  EXPECT_EQ(get_models(server, {"--config", config, "--token-file", home.token}).exit_code, 0);
  EXPECT_EQ(token_of(server.requests().at(0)), "Bearer other");
  EXPECT_EQ(token_of(server.requests().at(1)), "Bearer sk_secret-1");
}

TEST(CliToken, AFileThatOthersMayReadOrThatHoldsNoTokenIsRefused) {
  const Home home;
  const ScriptedServer server(nothing_there());
  const auto refused = [&](const std::string& file) {
    const Finished done = get_models(server, {"--token-file", file});
    EXPECT_EQ(done.exit_code, 2);
    return done.err;
  };
  EXPECT_THAT(refused(home.secret("open", "x", 0644)), HasSubstr("chmod 600"));
  EXPECT_THAT(refused(home.secret("empty", "\n")), HasSubstr("holds no token"));
  EXPECT_THAT(refused(home.secret("two", "a\nb\n")), HasSubstr("holds no token"));
  EXPECT_THAT(refused(home.secret("crlf", "a\r\nHost: b")), HasSubstr("holds no token"));
  EXPECT_THAT(refused(home.folder.path("none")), HasSubstr("cannot read"));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST(CliToken, GoesNowhereInTheClearAndToNobodyUnverified) {
  const Access access{.token = "t"};
  const Access unverified{.verify = false, .token = "t"};
  const Url https{.tls = true, .host = "a.example", .port = "443"};
  const Url http{.host = "a.example", .port = "80"};
  EXPECT_TRUE(may_send_token(https, access, false));
  EXPECT_TRUE(may_send_token(http, access, true));
  EXPECT_TRUE(may_send_token(https, unverified, true));
  EXPECT_FALSE(may_send_token(http, access, false));
  EXPECT_FALSE(may_send_token(https, unverified, false));
  EXPECT_EQ(may_send_token(http, access, false).error().code, ErrorCode::kPermissionDenied);
}

TEST(CliToken, FollowsARedirectOnlyToWhomTheSameAuthorityVouchesFor) {
  const Access pinned{.files = {.ca_file = "ca.pem"}, .token = "t"};
  const Access system{.token = "t"};
  const Access unverified{.files = {.ca_file = "ca.pem"}, .verify = false, .token = "t"};
  const Access none{};
  const Url site{.tls = true, .host = "site.example", .port = "8090"};
  const Url central{.tls = true, .host = "central.example", .port = "443"};
  const Url clear{.host = "central.example", .port = "80"};
  const Url here{.host = "127.0.0.1", .port = "8090"};
  const Url there{.host = "127.0.0.1", .port = "8080"};
  const Url disguised{.host = "127.0.0.1.example", .port = "8080"};
  const std::vector<std::tuple<Url, Url, Access, bool>> cases = {
      {site, central, pinned, true},
      {site, central, system, false},  // whoever it is, some authority of the system's vouches for it
      {site, central, unverified, false},
      {site, central, none, true},
      {site, site, system, true},
      {site, clear, pinned, false},
      {site, clear, none, false},  // what is said would be read
      {here, there, system, true},
      {here, central, pinned, true},
      {here, central, system, false},
      {here, clear, system, false},
      {here, clear, none, true},  // in the clear as it was
      {here, disguised, system, false},
      {clear, there, system, false},
  };
  for (const auto& [from, to, access, follows] : cases) {
    EXPECT_EQ(may_follow(from, to, access).has_value(), follows)
        << from.text() << " -> " << to.text() << " " << access.files.ca_file << access.token;
  }
}

TEST(CliToken, ASiteSendsItsCallersToTheControllerWithTheirToken) {
  Home home;
  const ScriptedServer controller(nothing_there(), home.context(home.authority.issue()));
  const ScriptedServer site(sends_to(controller.url()), home.context(home.authority.issue()));
  const std::vector<std::string> flags = {"--ca-file", home.ca, "--token-file", home.token};
  const Finished done = get_models(site, flags);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(token_of(controller.requests().at(0)), "Bearer sk_secret-1");
}

TEST(CliToken, AStolenSiteSendsItNowhere) {
  Home home;
  Authority thief;
  const ScriptedServer collector(nothing_there(), home.context(thief.issue()));
  const ScriptedServer site(sends_to(collector.url()), home.context(home.authority.issue()));
  const Finished done = get_models(site, {"--ca-file", home.ca, "--token-file", home.token});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, AllOf(HasSubstr(collector.url()), HasSubstr("authority"),
                              Not(HasSubstr("sk_secret"))));
  EXPECT_THAT(collector.requests(), IsEmpty());

  const ScriptedServer plain_site(sends_to("http://192.0.2.1:1"),
                                  home.context(home.authority.issue()));
  EXPECT_THAT(get_models(plain_site, {"--ca-file", home.ca, "--token-file", home.token}).err,
              HasSubstr("it is not followed"));
}

TEST(CliToken, IsNowhereInWhatIsPrintedOrShownOfTheProcess) {
  Home home;
  std::string seen;
  const ScriptedServer server([&](const ServedRequest& request) {
    seen = request.target;
    for (const auto& [name, value] : request.headers) {
      seen += name == "authorization" ? "" : value;
    }
    return problem(401, "unauthenticated", "the token is not known");
  });
  const Finished done = get_models(server, {"--token-file", home.token});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, AllOf(HasSubstr("--token-file"), Not(HasSubstr("sk_secret"))));
  EXPECT_THAT(done.out, Not(HasSubstr("sk_secret")));
  EXPECT_THAT(seen, Not(HasSubstr("sk_secret")));
  EXPECT_EQ(run_skerryctl({"--token", "x", "get", "models"}).exit_code, 2)
      << "there is no such flag";
}

}  // namespace
}  // namespace skerry::cli
