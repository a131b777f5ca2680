// The section `oidc`: what it becomes, and what is said of its mistakes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/oidc/settings.h"

namespace skerry::oidc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Read {
  Settings settings;
  std::string wrong;      // empty: nothing
  std::string effective;  // as --print-config shows it
};

Read read_document(std::string text) {
  ConfigReader reader({.kind = "DemoConfig", .text = std::move(text), .origin = "c.yaml"});
  Read read{.settings = read_settings(reader.root().section("oidc"))};
  if (const Status status = reader.finish(); !status) {
    read.wrong = status.error().message;
  }
  read.effective = reader.effective();
  return read;
}

Read read(const std::string& oidc) {
  return read_document("apiVersion: skerry/v1\nkind: DemoConfig\noidc:\n" + oidc);
}

// One issuer with further settings.
Read read_issuer(const std::string& more) {
  return read(
      "  issuers:\n  - name: corp\n    issuer: https://idp.example/realm\n    audiences: "
      "[skerry]\n" +
      more);
}

// One rule.
std::string wrong_rule(const std::string& rule) {
  return read_issuer("    roles:\n    - {" + rule + "}\n").wrong;
}

TEST(Settings, AreEmptyByDefault) {
  const Read none = read_document("");
  EXPECT_EQ(none.wrong, "");
  EXPECT_THAT(none.settings.issuers, IsEmpty());
  EXPECT_EQ(none.settings.times.refresh, minutes(15));
  EXPECT_EQ(none.settings.times.retry, seconds(30));
  EXPECT_EQ(none.settings.times.stale, hours(6));
}

TEST(Settings, AnIssuerNeedsThreeSettingsAndIsStrictByDefault) {
  const Read read = read_issuer("");
  EXPECT_EQ(read.wrong, "");
  ASSERT_THAT(read.settings.issuers, SizeIs(1));
  const IssuerSettings& issuer = read.settings.issuers[0];
  EXPECT_EQ(issuer.name, "corp");
  EXPECT_EQ(issuer.rules.issuer, "https://idp.example/realm");
  EXPECT_THAT(issuer.rules.audiences, ElementsAre("skerry"));
  EXPECT_EQ(issuer.rules.skew, seconds(60));
  EXPECT_EQ(issuer.rules.longest_life, hours(24));
  EXPECT_TRUE(issuer.rules.not_before_required);
  EXPECT_THAT(issuer.roles, IsEmpty());
  EXPECT_THAT(issuer.policy.hosts, ElementsAre("idp.example"));
  EXPECT_THAT(issuer.policy.schemes, ElementsAre("https"));
  EXPECT_THAT(issuer.policy.networks, IsEmpty());
}

TEST(Settings, EverythingCanBeSet) {
  const Read all = read(
      "  refresh: 5m\n  retry: 10s\n  stale: 1h\n  issuers:\n"
      "  - name: corp\n    issuer: https://idp.example/realm\n    audiences: [skerry, api]\n    "
      "jwks_url: https://keys.example:8443/jwks\n"
      "    key_hosts: ['*.keys.example']\n    networks: [10.1.0.0/16]\n    ca_file: /etc/ca.pem\n  "
      "  timeout: 3s\n    clock_skew: 5s\n"
      "    longest_life: 1h\n    not_before: optional\n    roles:\n"
      "    - {claim: groups, contains: vision-team, role: submitter, namespaces: [vision]}\n"
      "    - {claim: scope, has_word: audit, role: auditor}\n"
      "    - {claim: hd, equals: example.com, role: viewer, namespaces: ['*']}\n"
      "  - {name: lab, issuer: lab, audiences: [skerry], key_file: /etc/lab.json}\n");
  EXPECT_EQ(all.wrong, "");
  EXPECT_EQ(all.settings.times.refresh, minutes(5));
  EXPECT_EQ(all.settings.times.retry, seconds(10));
  EXPECT_EQ(all.settings.times.stale, hours(1));
  ASSERT_THAT(all.settings.issuers, SizeIs(2));
  const IssuerSettings& corp = all.settings.issuers[0];
  EXPECT_EQ(corp.jwks_url, "https://keys.example:8443/jwks");
  EXPECT_THAT(corp.policy.hosts, ElementsAre("*.keys.example", "keys.example"));
  EXPECT_THAT(corp.policy.ports, ElementsAre(443, 8443));
  EXPECT_THAT(corp.policy.networks, ElementsAre(outbound::Network::parse("10.1.0.0/16").value()));
  EXPECT_EQ(corp.policy.ca_file, "/etc/ca.pem");
  EXPECT_EQ(corp.policy.timeout, seconds(3));
  EXPECT_EQ(corp.rules.skew, seconds(5));
  EXPECT_EQ(corp.rules.longest_life, hours(1));
  EXPECT_FALSE(corp.rules.not_before_required);
  using enum RoleRule::Match;
  EXPECT_THAT(
      corp.roles,
      ElementsAre(RoleRule{"groups", kContains, "vision-team", Role::kSubmitter, {"vision"}},
                  RoleRule{"scope", kHasWord, "audit", Role::kAuditor, {}},
                  RoleRule{"hd", kEquals, "example.com", Role::kViewer, {"*"}}));
  EXPECT_EQ(all.settings.issuers[1].key_file, "/etc/lab.json");
  EXPECT_THAT(all.settings.issuers[1].policy.hosts, IsEmpty()) << "nothing is fetched for it";
}

TEST(Settings, WhatIsPrintedReadsBackTheSame) {
  const Read first =
      read_issuer("    roles:\n    - {claim: groups, contains: ops, role: operator}\n");
  const Read second = read_document(first.effective);
  EXPECT_EQ(second.wrong, "");
  EXPECT_EQ(second.effective, first.effective);
}

TEST(Settings, WhatIsMissingOrUnknownIsNamed) {
  const std::string wrong = read("  issuers:\n  - audience: skerry\n").wrong;
  EXPECT_THAT(wrong, HasSubstr("oidc.issuers[0].name must be set"));
  EXPECT_THAT(wrong, HasSubstr("oidc.issuers[0].issuer must be set"));
  EXPECT_THAT(wrong, HasSubstr("oidc.issuers[0].audiences must list"));
  EXPECT_THAT(wrong, HasSubstr("c.yaml:5: oidc.issuers[0].audience is not a known setting"));
  EXPECT_THAT(read("  issuer: x\n").wrong, HasSubstr("oidc.issuer is not a known setting"));
  EXPECT_THAT(read("  issuers: {}\n").wrong, HasSubstr("oidc.issuers must be a list of mappings"));
}

TEST(Settings, KeysComeFromOnePlaceThatIsSafeToAsk) {
  EXPECT_THAT(read_issuer("    key_file: /a\n    jwks_url: https://a.example/\n").wrong,
              HasSubstr("issuers[0].key_file must be left out where jwks_url is set"));
  EXPECT_THAT(read_issuer("    jwks_url: http://a.example/\n").wrong,
              HasSubstr("issuers[0].jwks_url is http"));
  EXPECT_EQ(read_issuer("    jwks_url: http://a.example/\n    allow_http: true\n").wrong, "");
  EXPECT_THAT(read_issuer("    jwks_url: https://a@b.example/\n").wrong,
              HasSubstr("'credentials'"));
  EXPECT_THAT(read_issuer("    jwks_url: file:///etc/keys\n").wrong, HasSubstr("'schemes'"));
  EXPECT_THAT(read_issuer("    key_hosts: [https://a.example]\n").wrong,
              HasSubstr("is not a host, such as"));
  EXPECT_THAT(read_issuer("    networks: [10.0.0.1/8]\n").wrong,
              HasSubstr("is not a network, such as"));
  EXPECT_THAT(read("  issuers:\n  - {name: a, issuer: corp, audiences: [s]}\n").wrong,
              HasSubstr("issuers[0].issuer"));
  EXPECT_THAT(
      read("  issuers:\n  - {name: a, issuer: 'https://a.example/?b', audiences: [s]}\n").wrong,
      HasSubstr("issuers[0].issuer must have no query"));
}

TEST(Settings, RulesOfRolesAreWhole) {
  EXPECT_EQ(wrong_rule("claim: g, contains: a, role: viewer, namespaces: [x]"), "");
  EXPECT_THAT(wrong_rule("contains: a, role: auditor"), HasSubstr("roles[0].claim must be set"));
  EXPECT_THAT(wrong_rule("claim: g, role: auditor"),
              HasSubstr("roles[0].contains must be set, or instead of it"));
  EXPECT_THAT(wrong_rule("claim: g, contains: a, equals: b, role: auditor"),
              HasSubstr("roles[0].contains must be set, or instead of it"));
  EXPECT_THAT(wrong_rule("claim: g, contains: '', role: auditor"), HasSubstr("roles[0].contains"));
  EXPECT_THAT(wrong_rule("claim: g, contains: a"), HasSubstr("roles[0].role must be set"));
  EXPECT_THAT(wrong_rule("claim: g, contains: a, role: root"),
              HasSubstr("roles[0].role must be one of viewer, submitter"));
  EXPECT_THAT(wrong_rule("claim: g, contains: a, role: viewer"),
              HasSubstr("roles[0].namespaces must name the namespaces"));
  EXPECT_THAT(wrong_rule("claim: g, contains: a, role: operator, namespaces: [x]"),
              HasSubstr("roles[0].namespaces must be left out"));
  EXPECT_THAT(wrong_rule("claim: g, contains: a, role: viewer, namespaces: ['X!']"),
              HasSubstr("namespace 'X!'"));
  EXPECT_THAT(wrong_rule("claim: g, matches: a, role: auditor"),
              HasSubstr("roles[0].matches is not a known setting"));
}

TEST(Settings, IssuersAreDifferentAndFew) {
  EXPECT_THAT(read("  issuers:\n  - {name: a, issuer: i, audiences: [s], key_file: /a}\n"
                   "  - {name: a, issuer: j, audiences: [s], key_file: /a}\n")
                  .wrong,
              HasSubstr("issuers[1].name 'a' has the name or the issuer of 'a'"));
  EXPECT_THAT(read("  issuers:\n  - {name: a, issuer: i, audiences: [s], key_file: /a}\n"
                   "  - {name: b, issuer: i, audiences: [s], key_file: /a}\n")
                  .wrong,
              HasSubstr("issuers[1].name 'b' has the name or the issuer of 'a'"));
  std::string many = "  issuers:\n";
  for (int i = 0; i < 17; ++i) {
    many += "  - {name: a" + std::to_string(i) + ", issuer: i" + std::to_string(i) +
            ", audiences: [s], key_file: /a}\n";
  }
  EXPECT_THAT(read(many).wrong, HasSubstr("oidc.issuers must be at most 16"));
}

TEST(Settings, TimesFitEachOther) {
  EXPECT_THAT(read("  stale: 10m\n").wrong,
              HasSubstr("oidc.stale must be at least refresh and retry together"));
  EXPECT_THAT(read("  retry: 0s\n").wrong, HasSubstr("oidc.retry"));
  EXPECT_THAT(read_issuer("    clock_skew: 6m\n").wrong,
              HasSubstr("clock_skew must be a time from 0us to 5m"));
}

}  // namespace
}  // namespace skerry::oidc
