// Roles of claims: whole texts, nothing by default.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "controller/oidc/role_rules.h"

namespace skerry::oidc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Match = RoleRule::Match;

boost::json::value claims(std::string_view text) { return boost::json::parse(text); }

bool fits(std::string_view text, std::string claim, Match match, std::string value) {
  const std::vector<RoleRule> rules = {{.claim = std::move(claim),
                                        .match = match,
                                        .value = std::move(value),
                                        .role = Role::kAuditor}};
  return !grants_of(claims(text), rules).empty();
}

TEST(RoleRules, WithoutARuleThatFitsNothingIsGranted) {
  EXPECT_THAT(grants_of(claims(R"({"groups":["cluster-admin","*"],"role":"cluster-admin"})"), {}),
              IsEmpty());
  const std::vector<RoleRule> rules = {
      {.claim = "groups", .value = "ops", .role = Role::kClusterAdmin}};
  EXPECT_THAT(grants_of(claims(R"({"groups":["everybody"]})"), rules), IsEmpty());
  EXPECT_THAT(grants_of(claims("{}"), rules), IsEmpty());
  EXPECT_THAT(grants_of(claims(R"(["ops"])"), rules), IsEmpty());
}

TEST(RoleRules, AGroupGivesARoleInItsNamespaces) {
  const std::vector<RoleRule> rules = {
      {.claim = "groups",
       .value = "vision-team",
       .role = Role::kSubmitter,
       .namespaces = {"vision", "lab"}},
      {.claim = "groups", .value = "everybody", .role = Role::kViewer, .namespaces = {"*"}},
      {.claim = "groups", .value = "ops", .role = Role::kOperator}};
  EXPECT_THAT(grants_of(claims(R"({"groups":["vision-team","everybody"]})"), rules),
              ElementsAre(Grant{Role::kViewer, ""}, Grant{Role::kSubmitter, "lab"},
                          Grant{Role::kSubmitter, "vision"}));
  EXPECT_THAT(grants_of(claims(R"({"groups":["ops"]})"), rules),
              ElementsAre(Grant{Role::kOperator, ""}));
}

TEST(RoleRules, WhatTwoRulesGiveStandsOnce) {
  const std::vector<RoleRule> rules = {
      {.claim = "groups", .value = "a", .role = Role::kViewer, .namespaces = {"x"}},
      {.claim = "groups", .value = "b", .role = Role::kViewer, .namespaces = {"x", "y"}}};
  EXPECT_THAT(grants_of(claims(R"({"groups":["a","b"]})"), rules),
              ElementsAre(Grant{Role::kViewer, "x"}, Grant{Role::kViewer, "y"}));
}

TEST(RoleRules, ContainsTakesWholeElements) {
  EXPECT_TRUE(fits(R"({"g":["a","ops"]})", "g", Match::kContains, "ops"));
  EXPECT_TRUE(fits(R"({"g":"ops"})", "g", Match::kContains, "ops"));
  for (const char* text :
       {R"({"g":["devops"]})", R"({"g":["ops "]})", R"({"g":["Ops"]})", R"({"g":"a ops"})",
        R"({"g":[["ops"]]})", R"({"g":{"ops":true}})", R"({"g":[]})", R"({"g":null})",
        R"({"G":["ops"]})", R"({"g":["оps"]})", R"({"g":["*"]})"}) {
    EXPECT_FALSE(fits(text, "g", Match::kContains, "ops")) << text;
  }
}

TEST(RoleRules, EqualsTakesATextAlone) {
  EXPECT_TRUE(fits(R"({"hd":"example.com"})", "hd", Match::kEquals, "example.com"));
  for (const char* text : {R"({"hd":["example.com"]})", R"({"hd":"example.com.evil"})",
                           R"({"hd":1})", R"({"hd":true})"}) {
    EXPECT_FALSE(fits(text, "hd", Match::kEquals, "example.com")) << text;
  }
  EXPECT_FALSE(fits(R"({"admin":true})", "admin", Match::kEquals, "true")) << "not a text";
}

TEST(RoleRules, HasWordTakesWordsBetweenSpaces) {
  for (const char* text : {R"({"scope":"jobs"})", R"({"scope":"openid jobs"})",
                           R"({"scope":"jobs  openid"})", R"({"scope":" jobs "})"}) {
    EXPECT_TRUE(fits(text, "scope", Match::kHasWord, "jobs")) << text;
  }
  for (const char* text :
       {R"({"scope":"jobs:read"})", R"({"scope":"openid,jobs"})", R"({"scope":["jobs"]})",
        R"({"scope":""})", R"({"scope":"open\tjobs"})"}) {
    EXPECT_FALSE(fits(text, "scope", Match::kHasWord, "jobs")) << text;
  }
}

TEST(RoleRules, AClaimDeepInsideIsNamedByAPointer) {
  const char* const text =
      R"({"realm_access":{"roles":["ops"]},"https://a.example/g":["ops"],"a/b":["ops"]})";
  EXPECT_TRUE(fits(text, "/realm_access/roles", Match::kContains, "ops"));
  EXPECT_TRUE(fits(text, "https://a.example/g", Match::kContains, "ops"));
  EXPECT_TRUE(fits(text, "/a~1b", Match::kContains, "ops"));
  EXPECT_FALSE(fits(text, "realm_access.roles", Match::kContains, "ops"));
  EXPECT_FALSE(fits(text, "/realm_access/none", Match::kContains, "ops"));
  EXPECT_FALSE(fits(text, "/realm_access/roles/9", Match::kEquals, "ops"));
}

TEST(RoleRules, AnAddressOfMailCountsOnlyWhereItIsVerified) {
  for (const char* claim : {"email", "/email"}) {
    EXPECT_TRUE(fits(R"({"email":"a@b.c","email_verified":true})", claim, Match::kEquals, "a@b.c"));
    for (const char* text : {R"({"email":"a@b.c"})", R"({"email":"a@b.c","email_verified":false})",
                             R"({"email":"a@b.c","email_verified":"true"})",
                             R"({"email":"a@b.c","email_verified":1})"}) {
      EXPECT_FALSE(fits(text, claim, Match::kEquals, "a@b.c")) << text;
    }
  }
}

TEST(Role, IsOfANamespaceOrOfTheCluster) {
  EXPECT_TRUE(is_namespaced(Role::kNamespaceAdmin));
  EXPECT_FALSE(is_namespaced(Role::kOperator));
}

}  // namespace
}  // namespace skerry::oidc
