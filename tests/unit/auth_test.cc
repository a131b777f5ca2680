// Tokens as texts, who they are of, and what each role may do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/digest.h"
#include "controller/auth/authenticator.h"
#include "controller/auth/permission.h"

namespace skerry::auth {
namespace {

using core::Grant;
using core::Role;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr Instant kNow = instant_from_us(1'764'000'000'000'000);

TEST(TokenText, ReadsBackWhatItMade) {
  const FreshToken fresh = make_token(TokenKind::kCaller);
  EXPECT_THAT(fresh.text, ::testing::StartsWith("sky_" + fresh.token.id + "_"));
  const auto read = read_token(TokenKind::kCaller, fresh.text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, fresh.token.id);
  EXPECT_EQ(read->secret_hash, fresh.token.secret_hash);
  EXPECT_FALSE(read_token(TokenKind::kJoin, fresh.text));
  EXPECT_NE(make_token(TokenKind::kCaller).text, fresh.text);
}

TEST(TokenText, EveryCharacterChangedCutOrAddedIsSeen) {
  const std::string text = make_token(TokenKind::kJoin).text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string bent = text;
    bent[i] = bent[i] == '7' ? '8' : '7';
    EXPECT_FALSE(read_token(TokenKind::kJoin, bent)) << i;
    EXPECT_FALSE(read_token(TokenKind::kJoin, text.substr(0, i))) << i;
  }
  EXPECT_FALSE(read_token(TokenKind::kJoin, text + "0"));
}

class Callers : public ::testing::Test {
 protected:
  FreshToken known(Instant expires = kNever) {
    FreshToken fresh = make_token(TokenKind::kCaller);
    authenticator.directory().put({.id = fresh.token.id,
                                   .secret_hash = fresh.token.secret_hash,
                                   .grants = {{.role = Role::kViewer, .ns = "vision"}},
                                   .expires_at = expires});
    return fresh;
  }
  Result<Caller> call(const std::string& header, Instant now = kNow) {
    return authenticator.caller(header, now);
  }
  Authenticator authenticator{Mode::kTokens};
};

TEST_F(Callers, AKnownTokenIsItsCallerUntilItIsRevoked) {
  const FreshToken token = known();
  const auto caller = call("Bearer " + token.text);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->id, "token:" + token.token.id);
  EXPECT_EQ(caller->grants, std::vector<Grant>({{.role = Role::kViewer, .ns = "vision"}}));
  EXPECT_TRUE(call("bearer " + token.text));
  authenticator.directory().remove(token.token.id);
  EXPECT_EQ(call("Bearer " + token.text).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(Callers, ATokenWithTheIdOfAnotherIsRefused) {
  const FreshToken token = known();
  std::string forged = make_token(TokenKind::kCaller).text;
  forged.replace(4, token.token.id.size(), token.token.id);
  EXPECT_FALSE(call("Bearer " + forged));
  EXPECT_FALSE(authenticator.directory().caller(
      {.id = token.token.id, .secret_hash = sha256("guess")}, kNow));
}

TEST_F(Callers, AnExpiredTokenIsToldSo) {
  const FreshToken token = known(kNow + hours(1));
  EXPECT_TRUE(call("Bearer " + token.text));
  const auto late = call("Bearer " + token.text, kNow + hours(1));
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, HasSubstr("expired"));
}

TEST_F(Callers, WhatIsNoTokenIsRefusedWithWhatToSend) {
  for (const char* header : {"", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer a.b.c",
                             "sky_", "Bearer  sky_", "Token sky_"}) {
    EXPECT_EQ(call(header).error().code, ErrorCode::kUnauthenticated) << header;
  }
  EXPECT_THAT(call("").error().message, HasSubstr("Authorization: Bearer"));
}

TEST_F(Callers, UsesAreToldOnce) {
  const FreshToken token = known();
  known();
  ASSERT_TRUE(call("Bearer " + token.text));
  ASSERT_TRUE(call("Bearer " + token.text, kNow + seconds(5)));
  EXPECT_THAT(authenticator.directory().take_uses(),
              UnorderedElementsAre(Pair(token.token.id, kNow + seconds(5))));
  EXPECT_THAT(authenticator.directory().take_uses(), IsEmpty());
}

TEST(Open, EverybodyIsTheClustersAdmin) {
  Authenticator open(Mode::kOpen);
  EXPECT_EQ(open.caller("", kNow)->grants[0].role, Role::kClusterAdmin);
}

bool may(std::vector<Grant> grants, Permission permission, std::string_view ns = {}) {
  return allows(grants, permission, ns);
}

TEST(Roles, AreWhatTheirDocumentationSays) {
  using enum Permission::Kind;
  struct Row {
    Role role;
    std::vector<Permission::Kind> may;
  };
  const std::vector<Row> rows = {
      {Role::kViewer, {kReadJobs, kReadFleet}},
      {Role::kSubmitter, {kReadJobs, kReadFleet, kSubmitJobs}},
      {Role::kOperator, {kReadFleet, kOperateNodes, kReadMetrics}},
      {Role::kNamespaceAdmin, {kReadJobs, kReadFleet, kSubmitJobs, kManageModels, kManageTokens}},
      {Role::kClusterAdmin,
       {kReadJobs, kSubmitJobs, kReadFleet, kManageModels, kManageTokens, kOperateNodes,
        kManageNodes, kManagePolicies, kReadAudit, kReadMetrics}},
      {Role::kAuditor, {kReadAudit, kReadFleet}},
      {Role::kMetrics, {kReadMetrics}},
  };
  for (const Row& row : rows) {
    for (int kind = kPublic; kind <= kReadMetrics; ++kind) {
      const auto permission = static_cast<Permission::Kind>(kind);
      const bool expected = permission == kPublic || permission == kSelf ||
                            std::ranges::find(row.may, permission) != row.may.end();
      EXPECT_EQ(may({{.role = row.role}}, permission, "any"), expected)
          << to_string(row.role) << " " << to_string(Permission(permission));
    }
  }
}

TEST(Roles, AGrantInOneNamespaceIsNoneInAnotherAndNoneOverTheFleet) {
  using enum Permission::Kind;
  const std::vector<Grant> vision = {{.role = Role::kClusterAdmin, .ns = "vision"}};
  EXPECT_TRUE(may(vision, kSubmitJobs, "vision"));
  EXPECT_FALSE(may(vision, kSubmitJobs, "speech"));
  EXPECT_FALSE(may(vision, kSubmitJobs, "")) << "all namespaces are more than one";
  EXPECT_TRUE(may(vision, kReadFleet, "speech"));
  for (const auto permission :
       {kOperateNodes, kManageNodes, kManagePolicies, kReadAudit, kReadMetrics}) {
    EXPECT_FALSE(may(vision, permission, "vision")) << to_string(Permission(permission));
  }
  EXPECT_FALSE(may({}, kSelf));
}

TEST(Roles, NobodyHandsOutWhatTheyDoNotHave) {
  const std::vector<Grant> admin = {{.role = Role::kNamespaceAdmin, .ns = "vision"}};
  EXPECT_TRUE(covers(admin, {.role = Role::kSubmitter, .ns = "vision"}));
  EXPECT_TRUE(covers(admin, {.role = Role::kNamespaceAdmin, .ns = "vision"}));
  EXPECT_FALSE(covers(admin, {.role = Role::kSubmitter, .ns = "speech"}));
  EXPECT_FALSE(covers(admin, {.role = Role::kViewer, .ns = ""}));
  EXPECT_FALSE(covers(admin, {.role = Role::kMetrics, .ns = ""}));
  EXPECT_TRUE(covers(std::vector<Grant>{{.role = Role::kClusterAdmin}},
                     {.role = Role::kClusterAdmin, .ns = ""}));
}

}  // namespace
}  // namespace skerry::auth
