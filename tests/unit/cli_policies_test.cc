// Tests of the commands about policies and recorded decisions, and of replay.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>

#include "tests/unit/cli_answers.h"

namespace skerry::cli {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kPolicies =
    R"({"active": "fleet", "active_version": "9f8e7d6c", "chosen_by_operator": true,
  "breaker": {"state": "open", "trips": 1, "fault": "slow", "reason": "it stalls", "drift": 0, "drift_limit": 3},
  "available": ["greedy", "fleet", "next"],
  "items": [{"name": "greedy", "version": "1", "kind": "builtin", "state": "previous", "newest": true},
   {"name": "fleet", "version": "9f8e7d6c", "kind": "bundle", "state": "active", "newest": true, "size_bytes": 2048},
   {"name": "next", "version": "01020304", "kind": "bundle", "state": "shadow", "newest": true, "size_bytes": 2048,
    "shadow": {"decisions": 10, "agreed": 8, "failed": 0, "agreement": 0.8, "predicted_regret": 0.0123, "outcomes": 9,
     "matched": 7, "measured_cost": 0.5, "estimated_cost": 0.47, "estimated_difference": -0.03,
     "estimated_difference_ci95": 0.009}}]})";

TEST(PolicyList, ShowsStatesHowShadowsCompareAndWhyGreedyDecides) {
  const ScriptedServer server({{"GET /api/v1/policies", ok(kPolicies)}});
  const Finished listed = run(server, {"policy", "list"});
  EXPECT_THAT(
      listed.out,
      AllOf(HasSubstr("greedy  1         previous  builtin       -       -                -\n"),
            HasSubstr("next    01020304  shadow    bundle     80 %  +0.012  -0.030 +- 0.009\n")));
  EXPECT_EQ(listed.err, "greedy decides in place of fleet: it stalls\n");
  EXPECT_EQ(run(server, {"policy", "list", "-o", "name"}).out,
            "policy/greedy\npolicy/fleet\npolicy/next\n");
}

TEST(PolicyGet, ShowsTheCardAndHandsTheBundleBack) {
  const ScriptedServer server(
      {{"GET /api/v1/policies/fleet",
        ok(R"({"name": "fleet", "version": "9f", "kind": "bundle", "state": "active", "features": "fleet/1",
               "card": {"ahead_of_greedy": true}})")},
       {"GET /api/v1/policies/fleet?weights=true",
        ok(R"({"name": "fleet", "bundle": {"name": "fleet", "weights": "AAAA"}})")}});
  EXPECT_THAT(run(server, {"policy", "get", "fleet"}).out,
              AllOf(HasSubstr("State:     active\n"), HasSubstr("ahead_of_greedy")));
  EXPECT_EQ(json::parse(run(server, {"policy", "get", "fleet", "--weights", "-o", "json"}).out),
            json::parse(R"({"name": "fleet", "weights": "AAAA"})"));
}

TEST(PolicyApply, SendsTheFileAsItIs) {
  const ScriptedServer server({{"PUT /api/v1/policies/fleet", ok(R"({"changed": true})")}});
  const TemporaryFolder folder;
  const std::string text = R"({"name": "fleet",  "card": {"gain": 1.10}})";
  EXPECT_EQ(run(server, {"policy", "apply", "-f", folder.write("b.json", text)}).out,
            "policy/fleet applied\n");
  EXPECT_EQ(server.requests()[0].body, text);
  const Finished none = run(server, {"policy", "apply", "-f", folder.write("c.json", "{")});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("is no policy bundle"));
}

TEST(PolicyApply, ARefusalSaysWhichFieldIsWrong) {
  const ScriptedServer server(
      {{"PUT /api/v1/policies/fleet",
        {.status = 400,
         .body = R"({"code": "invalid_argument", "detail": "the weights fail their checksum",
                     "fields": [{"field": "/weights", "message": "are damaged"}]})"}}});
  const TemporaryFolder folder;
  const Finished refused =
      run(server, {"policy", "apply", "-f", folder.write("b.json", R"({"name": "fleet"})")});
  EXPECT_THAT(refused.err, HasSubstr("/weights: are damaged"));
}

TEST(PolicyVerbs, ArePosted) {
  const ScriptedServer server({{"POST /api/v1/policies/next:shadow", ok(R"({"changed": true})")},
                               {"POST /api/v1/policies/next:unshadow", ok(R"({"changed": false})")},
                               {"POST /api/v1/policies:rollback", ok(R"({"changed": true})")},
                               {"GET /api/v1/policies", ok(kPolicies)},
                               {"DELETE /api/v1/policies/next", ok(R"({"changed": true})")}});
  EXPECT_EQ(run(server, {"policy", "shadow", "next"}).out, "policy/next shadowing\n");
  EXPECT_EQ(run(server, {"policy", "unshadow", "next"}).out, "policy/next no shadow\n");
  EXPECT_EQ(run(server, {"policy", "rollback"}).out, "policy/fleet active again\n");
  EXPECT_EQ(run(server, {"policy", "delete", "next"}).out, "policy/next deleted\n");
}

constexpr std::string_view kTrace =
    R"({"job":"j1","attempt":1,"policy":"greedy","input_bytes":12,"complete":true,)"
    R"("preference":{"weights":{"latency":1,"energy":0,"cost":0,"error":0}},)"
    R"("waiting":0,"trend":{"slots":2,"slow_load":0,"fast_load":0,"least_load":0,"slow_taken":0,"fast_taken":0,"delay_price":0,"timed":0,"urgency":0,"preference":{"latency":1,"energy":0,"cost":0,"error":0}},)"
    R"("scale":{"ideal":{"latency_ms":1,"energy_j":1,"cost_usd":0,"error":0},"nadir":{"latency_ms":3,"energy_j":2,"cost_usd":0,"error":0}},)"
    R"("choice":{"node":"a","variant":"v"},"candidates":[)"
    R"({"node":"a","variant":"v","predicted":{"latency_ms":1,"energy_j":2,"cost_usd":0,"error":0,"latency_deviation_ms":0,"wait_ms":0,"transfer_ms":0,"load_ms":0,"service_ms":1},"facts":{"node_number":0,"variant_number":0,"tier":"edge","slots":1,"outstanding":1,"capacity":2,"backlog_ms":1,"rtt_ms":0,"bandwidth_bytes_per_s":1,"busy_w":1,"measured_w":0,"transfer_j_per_byte":0,"price_usd_per_s":0,"node_memory_bytes":1,"variant_memory_bytes":1,"resident":true}},)"
    R"({"node":"b","variant":"v","predicted":{"latency_ms":3,"energy_j":1,"cost_usd":0,"error":0,"latency_deviation_ms":0,"wait_ms":0,"transfer_ms":0,"load_ms":0,"service_ms":3},"facts":{"node_number":1,"variant_number":0,"tier":"edge","slots":1,"outstanding":0,"capacity":2,"backlog_ms":0,"rtt_ms":0,"bandwidth_bytes_per_s":1,"busy_w":1,"measured_w":0,"transfer_j_per_byte":0,"price_usd_per_s":0,"node_memory_bytes":1,"variant_memory_bytes":1,"resident":true}}]})"
    "\n";

TEST(DecisionsExport, WritesTheLinesAsTheyCome) {
  const ScriptedServer server(
      {{"GET /api/v1/decisions", ok(kTrace)}, {"GET /api/v1/decisions?limit=1", ok(kTrace)}});
  const TemporaryFolder folder;
  const std::string path = folder.path("d.jsonl");
  const Finished exported = run(server, {"decisions", "export", "-f", path});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_EQ(exported.err, "1 decisions\n");
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), kTrace);
  EXPECT_EQ(run(server, {"decisions", "export", "--limit", "1"}).out, kTrace);
}

TEST(Replay, SaysWhatAnotherPolicyWouldHaveChosenAndAsksNobody) {
  const TemporaryFolder folder;
  const std::string trace = folder.write("d.jsonl", std::string(kTrace) + std::string(kTrace));
  const Finished shown =
      run_skerryctl({"replay", "--trace", trace, "--policy", "greedy", "--policy", "jsq"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("greedy  1                2   100 %  +0.000"),
                    HasSubstr("jsq     1                2     0 %  +1.000    +2 ms    -1 J")));
  const auto report =
      json::parse(run_skerryctl({"replay", "--trace", trace, "--policy", "jsq", "-o", "json"}).out);
  EXPECT_EQ(report.at("agreed"), 0);
  EXPECT_EQ(report.at_pointer("/normalised/latency").to_number<double>(), 1.0);
}

TEST(Replay, NamesTheLineThatIsNoDecision) {
  const TemporaryFolder folder;
  const std::string trace = folder.write("d.jsonl", std::string(kTrace) + "{}\n");
  const Finished failed = run_skerryctl({"replay", "--trace", trace, "--policy", "greedy"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("d.jsonl:2: is no decision"));
  EXPECT_EQ(run_skerryctl({"replay", "--trace", trace, "--policy", "magic"}).exit_code, 3);
}

}  // namespace
}  // namespace skerry::cli
