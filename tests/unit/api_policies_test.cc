// Tests of policies and recorded decisions over REST.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "controller/api/decision_json.h"
#include "tests/unit/api_fixture.h"
#include "tests/unit/api_jobs.h"

namespace skerry::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::string_view kBundle =
    R"({"name":"fleet","version":"v1","card":{"ahead_of_greedy":true},"weights":"AAAA"})";
constexpr std::string_view kChanged = R"({"changed":true})";
constexpr std::string_view kJobText =
    R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})";

class Registry : public ::testing::Test {
 protected:
  std::string active() const {
    return text_at(api_.call("GET", "/api/v1/policies").json(), "/active");
  }
  TestApi api_;
};

TEST_F(Registry, ABundleIsAppliedPromotedAndRolledBack) {
  EXPECT_EQ(api_.call("PUT", "/api/v1/policies/fleet", kBundle).body, kChanged);
  EXPECT_EQ(api_.call("PUT", "/api/v1/policies/fleet", kBundle).body, R"({"changed":false})");
  EXPECT_EQ(active(), "greedy");
  EXPECT_EQ(api_.call("POST", "/api/v1/policies/fleet:promote").body, kChanged);
  EXPECT_EQ(active(), "fleet");
  const auto policies = api_.call("GET", "/api/v1/policies").json();
  EXPECT_EQ(text_at(policies, "/breaker/state"), "closed");
  EXPECT_EQ(text_at(policies, "/previous/name"), "greedy");
  EXPECT_EQ(api_.call("POST", "/api/v1/policies:rollback").body, kChanged);
  EXPECT_EQ(active(), "greedy");
}

TEST_F(Registry, APolicyIsShownWithItsCardAndWithItsWeightsOnlyWhenAsked) {
  api_.call("PUT", "/api/v1/policies/fleet", kBundle);
  const auto shown = api_.call("GET", "/api/v1/policies/fleet");
  EXPECT_EQ(shown.json().at_pointer("/card/ahead_of_greedy"), true);
  EXPECT_THAT(shown.body, Not(HasSubstr("AAAA")));
  const auto whole = api_.call("GET", "/api/v1/policies/fleet?weights=true&version=v1").json();
  EXPECT_EQ(text_at(whole, "/bundle/weights"), "AAAA");
  EXPECT_EQ(api_.call("GET", "/api/v1/policies/fleet?weights=maybe").status, 400);
  EXPECT_EQ(api_.call("GET", "/api/v1/policies/fleet?version=v9").status, 404);
  EXPECT_EQ(api_.call("GET", "/api/v1/policies/magic").status, 404);
  EXPECT_EQ(text_at(api_.call("GET", "/api/v1/policies/greedy").json(), "/kind"), "builtin");
}

TEST_F(Registry, WhatIsNoBundleIsTheClientsMistake) {
  const Reply refused = api_.call("PUT", "/api/v1/policies/fleet", R"({"name":"fleet"})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.fields(), ElementsAre("/name: is missing"));
  EXPECT_EQ(api_.call("PUT", "/api/v1/policies/other", kBundle).status, 400);
  EXPECT_EQ(api_.call("GET", "/api/v1/policies/fleet").status, 404);
  const std::string large((4 << 20) + 1, ' ');
  EXPECT_EQ(api_.call("PUT", "/api/v1/policies/fleet", large).status, 413);
}

TEST_F(Registry, WhatIsInUseIsNotDeleted) {
  api_.call("PUT", "/api/v1/policies/fleet", kBundle);
  api_.call("POST", "/api/v1/policies/fleet:shadow");
  EXPECT_EQ(api_.call("DELETE", "/api/v1/policies/fleet").status, 409);
  api_.call("POST", "/api/v1/policies/fleet:unshadow");
  EXPECT_EQ(api_.call("DELETE", "/api/v1/policies/fleet").body, kChanged);
  EXPECT_EQ(api_.call("DELETE", "/api/v1/policies/fleet").status, 404);
}

TEST_F(Registry, ShadowsAreExplainedAndCountedInMetrics) {
  api_.put_noop_model();
  api_.agent_joins("edge-1");
  api_.echo();
  api_.call("PUT", "/api/v1/policies/fleet", kBundle);
  api_.call("POST", "/api/v1/policies/fleet:shadow");
  const auto job = api_.call("POST", "/api/v1/jobs", kJobText, {"Prefer: wait=10"}).json();
  const auto decisions =
      api_.call("GET", "/api/v1/jobs/" + text_at(job, "/id") + "/decisions").json();
  EXPECT_EQ(text_at(decisions, "/items/0/shadows/0/policy"), "fleet");
  EXPECT_EQ(text_at(decisions, "/items/0/shadows/0/choice/node"), "edge-1");
  const auto shown = api_.call("GET", "/api/v1/policies/fleet").json();
  EXPECT_EQ(shown.at_pointer("/shadow/agreement").to_number<double>(), 1.0);
  EXPECT_EQ(shown.at_pointer("/shadow/matched"), 1);
  const std::string metrics = api_.call("GET", "/metrics").body;
  EXPECT_THAT(metrics,
              HasSubstr("skerry_shadow_decisions_total{policy=\"fleet\",outcome=\"agreed\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("skerry_policy_active{policy=\"greedy\",version=\"1\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("skerry_policy_breaker_state{state=\"closed\"} 1"));
}

TEST_F(Registry, DecisionsAreExportedAsLinesWithTheirOutcome) {
  api_.put_noop_model();
  api_.agent_joins("edge-1");
  api_.echo();
  for (int i = 0; i < 3; ++i) {
    api_.call("POST", "/api/v1/jobs", kJobText, {"Prefer: wait=10"});
  }
  const Reply all = api_.call("GET", "/api/v1/decisions");
  EXPECT_EQ(all.header("content-type"), "application/x-ndjson");
  std::vector<boost::json::value> lines;
  for (std::string_view rest = all.body; !rest.empty();) {
    const auto end = rest.find('\n');
    lines.push_back(boost::json::parse({rest.data(), end}));
    rest.remove_prefix(end + 1);
  }
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0].at_pointer("/outcome/succeeded"), true);
  EXPECT_EQ(lines[0].at_pointer("/complete"), true);
  EXPECT_EQ(text_at(lines[0], "/candidates/0/facts/tier"), "edge");
  const std::string first = api_.call("GET", "/api/v1/decisions?limit=1").body;
  EXPECT_EQ(std::ranges::count(first, '\n'), 1);
  EXPECT_EQ(api_.call("GET", "/api/v1/decisions?limit=0").status, 400);
}

TEST(DecisionJson, ARecordThatDoesNotSayHowManyCandidatesThereWereIsNotComplete) {
  core::DecisionRecord record;
  record.candidates.emplace_back();
  const auto complete = [&record] {
    JsonWriter json;
    write_decision(json, record);
    return boost::json::parse(json.take()).at_pointer("/complete").as_bool();
  };
  EXPECT_FALSE(complete()) << "of a store from before";
  record.considered = 1;
  EXPECT_TRUE(complete());
  record.considered = 2;
  EXPECT_FALSE(complete());
}

TEST(DecisionJson, SaysWhyThereIsASecondAttempt) {
  core::DecisionRecord record;
  JsonWriter first;
  write_decision(first, record);
  EXPECT_EQ(boost::json::parse(first.take()).as_object().if_contains("hedge_reason"), nullptr);
  record.hedge_reason = "the first was late";
  JsonWriter second;
  write_decision(second, record);
  EXPECT_EQ(boost::json::parse(second.take()).at("hedge_reason").as_string(), "the first was late");
}

TEST(Ready, SaysWhatIsWorthKnowingThoughItIsReady) {
  TestApi api({}, {{.name = "policy",
                    .check = [] { return Status(); },
                    .note = [] { return std::string("greedy decides in place of fleet"); }}});
  const Reply ready = api.call("GET", "/readyz?verbose");
  EXPECT_EQ(ready.status, 200);
  EXPECT_THAT(ready.body, HasSubstr("[+] policy ok: greedy decides in place of fleet\n"));
}

}  // namespace
}  // namespace skerry::api
