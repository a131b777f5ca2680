// Tokens, enrolment and the audit trail, as the core keeps them.

#include <gmock/gmock.h>

#include "common/digest.h"
#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CoreAccess : public CoreWorld {
 protected:
  static Token token(std::string id) {
    return {.id = std::move(id),
            .secret_hash = sha256("secret"),
            .grants = {{.role = Role::kSubmitter, .ns = "vision"}}};
  }
  Result<Reply> ask(Event event) {
    *ticket_of(event) = ++tickets;
    apply(std::move(event));
    return answers.at(tickets);
  }
  void put_join_token(std::string id, std::string pattern) {
    ASSERT_TRUE(ask(PutJoinToken{.token = {.id = std::move(id),
                                           .secret_hash = sha256("join"),
                                           .name_pattern = std::move(pattern),
                                           .labels = {{"zone", "a"}},
                                           .site = "shop",
                                           .expires_at = now + hours(1)}}));
  }
  Result<Reply> enrol(std::string id, std::string node, std::string key) {
    return ask(Enrol{.token_id = std::move(id),
                     .secret_hash = sha256("join"),
                     .node = std::move(node),
                     .key = std::move(key)});
  }
  SessionId greet(const std::string& name, std::string key) {
    const SessionId session{++sessions};
    AgentHello hello{.session = session, .incarnation = 1, .certified_key = std::move(key)};
    hello.node = {.name = name,
                  .site = "elsewhere",
                  .labels = {{"zone", "b"}},
                  .engines = {"torch"},
                  .slots = 2,
                  .memory_bytes = 1u << 30};
    hello.capacity = 4;
    apply(hello);
    return session;
  }
  bool refused(SessionId session) const { return !sent<RefuseAgent>(session).empty(); }
  std::vector<AuditRecord> lines() const { return records<AuditRecord>(); }
};

TEST_F(CoreAccess, ATokenIsToldWhenItIsDurableAndGoneWhenItIsRevoked) {
  ASSERT_TRUE(ask(PutToken{.token = token("a"), .by = {.caller = "token:root"}}));
  ASSERT_EQ(core->tokens().size(), 1u);
  EXPECT_EQ(core->tokens()[0].created_by, "token:root");
  EXPECT_EQ(ask(PutToken{.token = token("a")}).error().code, ErrorCode::kAlreadyExists);
  ASSERT_TRUE(ask(RevokeToken{.id = "a"}));
  EXPECT_THAT(core->tokens(), IsEmpty());
  EXPECT_EQ(ask(RevokeToken{.id = "a"}).error().code, ErrorCode::kNotFound);
  const auto told_of = told<AccessChanged>();
  ASSERT_EQ(told_of.size(), 2u);
  EXPECT_EQ(told_of[0].token->id, "a");
  EXPECT_EQ(told_of[1].token_gone, "a");
}

TEST_F(CoreAccess, TokensThatExpiredLongAgoAreForgotten) {
  Token brief = token("a");
  brief.expires_at = now + hours(1);
  ASSERT_TRUE(ask(PutToken{.token = brief}));
  pass(hours(24));
  ASSERT_TRUE(ask(PutToken{.token = token("b")}));
  EXPECT_EQ(core->tokens().size(), 2u) << "for a month it can be seen that it has expired";
  pass(hours(31 * 24));
  ASSERT_TRUE(ask(PutToken{.token = token("c")}));
  EXPECT_EQ(core->tokens().size(), 2u);
}

TEST_F(CoreAccess, AJoinTokenIsGoodForOneKeyWhichMayAskAgain) {
  put_join_token("j", "shop-*");
  const auto first = enrol("j", "shop-17", "key-1");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(std::get<Enrolled>(*first).identity.site, "shop");
  EXPECT_TRUE(enrol("j", "shop-17", "key-1")) << "its answer may have been lost";
  EXPECT_EQ(enrol("j", "shop-18", "key-2").error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(enrol("j", "shop-18", "key-1").error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(enrol("other", "shop-18", "key-2").error().code, ErrorCode::kPermissionDenied);
}

TEST_F(CoreAccess, AJoinTokenIsForItsNamesItsTimeAndItsSecret) {
  put_join_token("j", "shop-*");
  EXPECT_EQ(enrol("j", "cloud-1", "key").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      ask(Enrol{.token_id = "j", .secret_hash = sha256("guess"), .node = "shop-1", .key = "k"})
          .error()
          .code,
      ErrorCode::kPermissionDenied);
  pass(hours(2));
  EXPECT_EQ(enrol("j", "shop-1", "key").error().code, ErrorCode::kPermissionDenied);
}

TEST_F(CoreAccess, ANameBelongsToItsKeyUntilItIsRevoked) {
  put_join_token("j", "shop-1");
  put_join_token("k", "shop-1");
  ASSERT_TRUE(enrol("j", "shop-1", "key-1"));
  EXPECT_EQ(enrol("k", "shop-1", "key-2").error().code, ErrorCode::kConflict);
  ASSERT_TRUE(ask(RevokeNode{.node = "shop-1"}));
  EXPECT_TRUE(enrol("k", "shop-1", "key-2"));
  EXPECT_EQ(ask(RenewIdentity{.node = "shop-1", .key = "key-1"}).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_TRUE(ask(RenewIdentity{.node = "shop-1", .key = "key-2"}));
}

TEST_F(CoreAccess, AKeyThatAnOperatorGaveIsGoodForAllMachinesOfItsNames) {
  const JoinGrant grant{
      .key_name = "kubernetes", .name_pattern = "k8s-*", .labels = {{"zone", "a"}}, .site = "eu-1"};
  const auto by_key = [&](std::string node, std::string key) {
    return ask(Enrol{.grant = grant, .node = std::move(node), .key = std::move(key)});
  };
  const auto first = by_key("k8s-1", "key-1");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(std::get<Enrolled>(*first).identity.site, "eu-1");
  EXPECT_TRUE(by_key("k8s-2", "key-2"));
  EXPECT_TRUE(by_key("k8s-1", "key-1")) << "its answer may have been lost";
  EXPECT_EQ(by_key("shop-1", "key-3").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(by_key("k8s-1", "key-3").error().code, ErrorCode::kConflict);
  ASSERT_TRUE(ask(RevokeNode{.node = "k8s-1"}));
  EXPECT_EQ(by_key("k8s-1", "key-3").error().code, ErrorCode::kPermissionDenied)
      << "who was thrown out does not let itself in again";
  put_join_token("j", "k8s-1");
  EXPECT_TRUE(enrol("j", "k8s-1", "key-3"));
}

TEST_F(CoreAccess, WhereTheKeySaysSoANodeComesBackWithAnotherKeyAndTheOldOneIsOut) {
  put_model();
  const JoinGrant grant{.key_name = "kubernetes", .name_pattern = "*", .replace = true};
  ASSERT_TRUE(ask(Enrol{.grant = grant, .node = "n1", .key = "key-1"}));
  const SessionId session = greet("n1", "key-1");
  ASSERT_FALSE(refused(session));
  const auto other_key = [&] { return ask(Enrol{.grant = grant, .node = "n1", .key = "key-2"}); };
  EXPECT_EQ(other_key().error().code, ErrorCode::kConflict) << "it is there, and well";
  ASSERT_FALSE(refused(session));
  pass(settings.suspect_after + seconds(1));
  ASSERT_TRUE(other_key());
  EXPECT_TRUE(refused(session));
  EXPECT_TRUE(refused(greet("n1", "key-1")));
  EXPECT_FALSE(refused(greet("n1", "key-2")));
}

TEST_F(CoreAccess, OnlyTheEnrolledKeySpeaksForANodeAndItsLabelsAreThoseOfItsToken) {
  put_join_token("j", "n1");
  ASSERT_TRUE(enrol("j", "n1", "key-1"));
  EXPECT_TRUE(refused(greet("n1", "key-2")));
  EXPECT_TRUE(refused(greet("n2", "key-1")));
  EXPECT_FALSE(refused(greet("n1", "key-1")));
  EXPECT_EQ(core->node("n1")->spec.site, "shop");
  EXPECT_EQ(core->node("n1")->spec.labels.at("zone"), "a");
}

TEST_F(CoreAccess, WhereIdentityIsRequiredNobodyComesWithoutOne) {
  settings.require_identity = true;
  restart({});
  EXPECT_TRUE(refused(connect("n1")));
}

TEST_F(CoreAccess, ARevokedNodeIsCutOffAndItsTasksGoElsewhere) {
  put_model();
  put_join_token("j", "n1");
  ASSERT_TRUE(enrol("j", "n1", "key-1"));
  const SessionId session = greet("n1", "key-1");
  const JobId id = submit(spec());
  ASSERT_EQ(state(id), TaskState::kLeased);
  const SessionId other = connect("n2");
  ASSERT_TRUE(ask(RevokeNode{.node = "n1"}));
  EXPECT_TRUE(refused(session));
  EXPECT_FALSE(core->node("n1")->connected);
  const auto assigned = sent<AssignAttempt>(other);
  ASSERT_EQ(assigned.size(), 1u);
  finish(session, sent<AssignAttempt>(session).at(0).attempt);  // from beyond the grave
  EXPECT_EQ(state(id), TaskState::kLeased);
  finish(other, assigned[0].attempt);
  EXPECT_EQ(state(id), TaskState::kSucceeded);
  EXPECT_TRUE(refused(greet("n1", "key-1")));
}

TEST_F(CoreAccess, EveryChangeOfACallerIsALineInItsBatchChainedToTheOneBefore) {
  settings.audit_key = "key";
  restart({});
  put_model();
  connect("n1");
  const JobId id = submit(spec("vision"));
  ask(CancelJob{.job = id, .by = {.caller = "token:a", .address = "10.0.0.7"}});
  ask(CancelJob{.job = id});  // changes nothing
  apply(NoteInAudit{
      .entry = {.by = {.caller = "token:b"}, .action = "model.apply", .outcome = "denied"}});
  const auto all = lines();
  ASSERT_EQ(all.size(), 4u);
  std::string previous(32, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].seq, i + 1);
    EXPECT_THAT(all[i].line, HasSubstr("\"prev\":\"" + to_hex(previous) + "\""));
    EXPECT_EQ(all[i].hash, sha256(all[i].line));
    EXPECT_EQ(all[i].seal, hmac_sha256("key", all[i].hash));
    previous = all[i].hash;
  }
  EXPECT_THAT(all[0].line, HasSubstr("model.apply"));
  EXPECT_THAT(all[1].line, HasSubstr("\"action\":\"job.submit\""));
  EXPECT_THAT(all[2].line, HasSubstr(to_string(id)));
  EXPECT_THAT(all[2].line, HasSubstr("\"by\":\"token:a\",\"from\":\"10.0.0.7\""));
  EXPECT_THAT(all[3].line, HasSubstr("\"outcome\":\"denied\""));
}

TEST_F(CoreAccess, ALineIsTextWhateverBytesAStrangerSent) {
  apply(NoteInAudit{.entry = {.by = {.caller = "node:\xff"},
                              .action = "node.renew",
                              .object = "caf\xc3",  // cut in the middle of a character
                              .outcome = "denied"}});
  EXPECT_THAT(lines().back().line,
              HasSubstr(R"("by":"node:?","from":"","action":"node.renew","object":"caf?")"));
}

TEST_F(CoreAccess, TheTrailGoesOnAfterARestartAndKeepsItsNewestLines) {
  settings.max_audit_records = 2;
  restart(
      {.audit_first = 4, .audit_last = AuditRecord{.seq = 5, .line = "{}", .hash = sha256("{}")}});
  put_model();
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_EQ(lines()[0].seq, 6u);
  EXPECT_THAT(lines()[0].line, HasSubstr(to_hex(sha256("{}"))));
  EXPECT_EQ(records<DeleteAuditRecord>().at(0).seq, 4u);
}

TEST_F(CoreAccess, ANameMeansTheNamespacesOwnModelBeforeEverybodysAndNeverAnothers) {
  put_model("digits");
  put_model("vision/digits");
  put_model("vision/faces");
  const auto submit_in = [&](const std::string& ns, const std::string& model) {
    JobSpec job = spec(ns);
    job.model = model;
    apply(Submit{.ticket = ++tickets, .jobs = {job}});
    const auto& answer = answers.at(tickets);
    return answer ? core->find_job(std::get<Submitted>(*answer).jobs[0])->spec.model
                  : std::string(to_string(answer.error().code));
  };
  EXPECT_EQ(submit_in("vision", "digits"), "vision/digits");
  EXPECT_EQ(submit_in("vision", "vision/digits"), "vision/digits");
  EXPECT_EQ(submit_in("speech", "digits"), "digits");
  EXPECT_EQ(submit_in("vision", "faces"), "vision/faces");
  EXPECT_EQ(submit_in("speech", "faces"), "not_found");
  EXPECT_EQ(submit_in("speech", "vision/faces"), "not_found");
  EXPECT_EQ(submit_in("speech", "speech/digits"), "not_found") << "it has none of its own";
}

TEST_F(CoreAccess, SitesLearnWhoMayCallWithNoMoreThanReadingSubmittingAndMetrics) {
  const SessionId session{++sessions};
  AgentHello hello{.session = session, .incarnation = 1, .site_api = true};
  hello.node = {.name = "n1", .engines = {"torch"}};
  apply(hello);
  Token admin = token("a");
  admin.grants = {{.role = Role::kClusterAdmin}, {.role = Role::kViewer, .ns = "vision"}};
  Token metrics = token("b");
  metrics.grants = {{.role = Role::kMetrics}};
  Token auditor = token("c");
  auditor.grants = {{.role = Role::kAuditor}};
  for (const Token& one : {admin, metrics, auditor}) {
    ASSERT_TRUE(ask(PutToken{.token = one}));
  }
  const auto orders = sent<GiveOrders>(session).back();
  ASSERT_EQ(orders.tokens.size(), 2u);
  EXPECT_EQ(orders.tokens[0].id, "a");
  EXPECT_TRUE(orders.tokens[0].reads_metrics);
  EXPECT_EQ(orders.tokens[1].id, "b");
  EXPECT_TRUE(orders.tokens[1].reads_metrics);
  EXPECT_THAT(orders.tokens[1].submitters, IsEmpty());
  EXPECT_THAT(orders.tokens[1].readers, IsEmpty());
  EXPECT_THAT(orders.tokens[0].submitters, ElementsAre(""));
  EXPECT_THAT(orders.tokens[0].readers, ElementsAre("vision"));
  ASSERT_TRUE(ask(RevokeToken{.id = "a"}));
  ASSERT_TRUE(ask(RevokeToken{.id = "b"}));
  EXPECT_THAT(sent<GiveOrders>(session).back().tokens, IsEmpty());
}

TEST(NamePatterns, AStarStandsForAnything) {
  EXPECT_TRUE(fits_pattern("shop-1", "shop-1"));
  EXPECT_FALSE(fits_pattern("shop-1", "shop-17"));
  EXPECT_TRUE(fits_pattern("shop-*", "shop-17"));
  EXPECT_TRUE(fits_pattern("*", "anything"));
  EXPECT_TRUE(fits_pattern("a*b", "ab"));
  EXPECT_FALSE(fits_pattern("ab*b", "ab"));
}

}  // namespace
}  // namespace skerry::core
