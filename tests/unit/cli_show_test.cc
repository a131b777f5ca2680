// Tests of the commands that show: get, describe, top, explain, plan, completion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "tests/unit/cli_answers.h"

namespace skerry::cli {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

// ---- get, describe, top

TEST(Get, NodesAreATableForPeopleAndJsonYamlOrNamesForPrograms) {
  const ScriptedServer server({{"GET /api/v1/nodes", ok(list(kNode))}});
  EXPECT_EQ(run(server, {"get", "nodes"}).out,
            "NAME    STATE  TIER  SITE     BUSY   CPU  POWER  PRICE/H     RTT  HEARTBEAT\n"
            "edge-1  READY  edge  shop-17   1/4  25 %  5.5 W  $0.0200  400 us          -\n");
  EXPECT_THAT(run(server, {"get", "nodes", "-o", "wide"}).out,
              AllOf(HasSubstr("119 MiB/s"), HasSubstr("zone=a")));
  EXPECT_EQ(json::parse(run(server, {"-o", "json", "get", "nodes"}).out), json::parse(list(kNode)));
  EXPECT_THAT(run(server, {"get", "nodes", "-o", "yaml"}).out, HasSubstr("\n  - name: edge-1\n"));
  EXPECT_EQ(run(server, {"get", "nodes", "-o", "name"}).out, "node/edge-1\n");
}

TEST(Get, OneByNameIsTheObjectItselfAndAMissingOneIsExitCodeThree) {
  const ScriptedServer server(
      {{"GET /api/v1/nodes/edge-1", ok(kNode)},
       {"GET /api/v1/nodes/none", problem(404, "not_found", "no node named 'none'")}});
  const Finished one = run(server, {"get", "node", "edge-1", "-o", "json"});
  EXPECT_EQ(json::parse(one.out), json::parse(kNode));
  const Finished none = run(server, {"get", "node", "none"});
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, StartsWith("error: no node named 'none'\nhint: "));
}

TEST(Get, JobsFollowTheCursorUntilThereAreEnough) {
  const ScriptedServer server({
      {"GET /api/v1/jobs?model=digits&namespace=shop&limit=2",
       ok(R"({"items": [)" + std::string(kDone) + R"(], "next_cursor": "c1"})")},
      {"GET /api/v1/jobs?model=digits&namespace=shop&limit=1&cursor=c1",
       ok(R"({"items": [)" + std::string(kFailed) + R"(], "next_cursor": "c2"})")},
  });
  const Finished jobs =
      run(server, {"get", "jobs", "--model", "digits", "-n", "shop", "--limit", "2"});
  EXPECT_EQ(jobs.exit_code, 0) << jobs.err;
  EXPECT_THAT(
      jobs.out,
      StartsWith("ID              MODEL   STATE      PREFERENCE  NODE    VARIANT  LATENCY  "));
  EXPECT_THAT(
      jobs.out,
      HasSubstr("j0000100000001  digits  SUCCEEDED  green       edge-1  small    2.90 ms  "));
  EXPECT_THAT(jobs.out, HasSubstr("j0000100000002  digits  FAILED "));
  EXPECT_THAT(jobs.err, HasSubstr("--limit 0 all"));
  EXPECT_THAT(server.request_lines(), SizeIs(2));
}

TEST(Get, ModelsAndPoliciesShowWhatThereIs) {
  const ScriptedServer server(
      {{"GET /api/v1/models", ok(list(kModel))},
       {"GET /api/v1/policies", ok(R"({"active": "greedy", "available": ["greedy", "jsq"]})")}});
  EXPECT_THAT(run(server, {"get", "models"}).out,
              HasSubstr("digits  READY  small,large  93 %..99 %  20 KiB..1 MiB  image   labels\n"));
  EXPECT_EQ(run(server, {"get", "policies"}).out,
            "NAME    VERSION  STATE      KIND  AGREES  REGRET  ESTIMATE\n"
            "greedy  -        active     -          -       -         -\n"
            "jsq     -        available  -          -       -         -\n");
  EXPECT_EQ(run(server, {"policy", "list", "-o", "name"}).out, "policy/greedy\npolicy/jsq\n");
}

TEST(Get, NothingIsSaidOnStandardErrorOnly) {
  const ScriptedServer server({{"GET /api/v1/nodes", ok(R"({"items": []})")}});
  const Finished none = run(server, {"get", "nodes"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_EQ(none.out, "");
  EXPECT_EQ(none.err, "no nodes\n");
}

TEST(Describe, SaysEverythingAboutANodeAJobAndAModel) {
  const ScriptedServer server({{"GET /api/v1/nodes/edge-1", ok(kNode)},
                               {"GET /api/v1/jobs/j0000100000001", ok(kDone)},
                               {"GET /api/v1/models/digits", ok(kModel)}});
  EXPECT_THAT(run(server, {"describe", "node", "node/edge-1"}).out,
              AllOf(HasSubstr("Work:             1 held of 4, on 2 slots\n"),
                    HasSubstr("Loaded:           digits/small\n"),
                    HasSubstr("Devices:          cpu,cuda:0\n"),
                    HasSubstr("GPU:              50 %, 1 GiB of 4 GiB\n"),
                    HasSubstr("Power model:      3.0 W idle, 11.0 W busy\n")));
  EXPECT_THAT(
      run(server, {"describe", "job", "job/j0000100000001"}).out,
      AllOf(HasSubstr("State:        SUCCEEDED\n"), HasSubstr("Answer:\n  7\n"),
            HasSubstr("  latency      3.10 ms   2.90 ms    0.02\n"),
            HasSubstr("Preference:   green (energy 0.94, cost 0.02, error 0.02, latency 0.02)\n")));
  EXPECT_THAT(run(server, {"describe", "model", "digits"}).out,
              AllOf(HasSubstr("  image  image 20x20, 1 channels\n"),
                    HasSubstr("  small        93 %  20 KiB"),
                    HasSubstr("  edge-1  small    yes      500 us  100 us       40  30 ms\n")));
}

TEST(Top, PrintsOnceWhenTheOutputIsNoTerminal) {
  const ScriptedServer server({{"GET /api/v1/nodes", ok(list(kNode))}});
  EXPECT_EQ(run(server, {"top", "nodes"}).out,
            "1 nodes, 1 ready, 1 running, 5.5 W\n\n"
            "NAME    STATE   CPU  MEMORY   MEM  RUNNING  QUEUED  HELD  POWER  SOURCE\n"
            "edge-1  READY  25 %   1 GiB  25 %        1       2   1/4  5.5 W  modelled\n");
  EXPECT_THAT(run(server, {"top", "nodes", "-o", "wide"}).out,
              AllOf(HasSubstr("GPU  GPU MEM"), HasSubstr("50 %     25 %")));
}

// ---- explain, plan

constexpr std::string_view kDecisions =
    R"({"items": [{"job": "j0000100000001", "attempt": 1, "at": "2026-01-31T12:00:00Z",
  "policy": "greedy", "policy_version": "1", "preference": {"weights": {"latency": 0.02, "energy": 0.94, "cost": 0.02, "error": 0.02}},
  "candidates": [
   {"node": "edge-1", "variant": "small", "score": 0.1, "predicted_cost": 0.09, "predicted": {"latency_ms": 3.1, "energy_j": 0.01, "cost_usd": 1e-8, "error": 0.07,
    "latency_deviation_ms": 0.2, "wait_ms": 0, "transfer_ms": 0.4, "load_ms": 0, "service_ms": 2.7}},
   {"node": "edge-2", "variant": "large", "score": 0.8, "predicted": {"latency_ms": 20, "energy_j": 0.2, "cost_usd": 2e-7, "error": 0.01}}],
  "choice": {"node": "edge-1", "variant": "small"}, "masked": {"no_credit": 3, "tier": 2}}]})";

TEST(Explain, ShowsCandidatesReasonsTheChoiceAndPredictedAgainstActual) {
  const ScriptedServer server({{"GET /api/v1/jobs/j0000100000001", ok(kDone)},
                               {"GET /api/v1/jobs/j0000100000001/decisions", ok(kDecisions)}});
  const Finished explained = run(server, {"explain", "j0000100000001"});
  EXPECT_EQ(explained.exit_code, 0) << explained.err;
  EXPECT_THAT(
      explained.out,
      AllOf(HasSubstr("Constraints:  site=shop-17\n"), HasSubstr("Policy:      greedy 1\n"),
            HasSubstr("Left out:    3 no_credit, 2 tier\n"),
            HasSubstr("  *  edge-1  small    0.100      0.090  3.10 ms   10 mJ  $1.0e-08    7 %\n"),
            HasSubstr("     edge-2  large    0.800          -    20 ms  200 mJ  $2.0e-07    1 %\n"),
            HasSubstr("Predicted and actual (energy modelled):\n"),
            HasSubstr("latency      3.10 ms   2.90 ms    0.02\n")));
  EXPECT_EQ(json::parse(run(server, {"explain", "job/j0000100000001", "-o", "json"}).out),
            json::parse(kDecisions));
}

constexpr std::string_view kPlan = R"({"candidates": [
   {"node": "cloud-1", "variant": "small", "eligible": false, "reason": "tier", "reason_text": "is of another tier", "non_dominated": false,
    "predicted": {"latency_ms": 50, "energy_j": 0.1, "cost_usd": 1e-6, "error": 0.07}},
   {"node": "edge-1", "variant": "large", "eligible": true, "score": 0.6, "non_dominated": true,
    "predicted": {"latency_ms": 20, "energy_j": 0.2, "cost_usd": 2e-7, "error": 0.01}},
   {"node": "edge-2", "variant": "small", "eligible": true, "score": 0.3, "non_dominated": false,
    "predicted": {"latency_ms": 4, "energy_j": 0.02, "cost_usd": 2e-8, "error": 0.07}},
   {"node": "edge-1", "variant": "small", "eligible": true, "score": 0.2, "non_dominated": true,
    "predicted": {"latency_ms": 3, "energy_j": 0.01, "cost_usd": 1e-8, "error": 0.07}}],
  "choice": {"node": "edge-1", "variant": "small"}})";

TEST(Plan, ShowsTheTradeOffsFirstThenTheDominatedThenTheExcludedWithReasons) {
  const ScriptedServer server({{"POST /api/v1/placements", ok(kPlan)}});
  const Finished planned =
      run(server, {"plan", "digits", "--preference", "green", "--input-bytes", "4096"});
  EXPECT_EQ(
      planned.out,
      "   NODE     VARIANT  SCORE  LATENCY  ENERGY      COST  ERROR  NOTE\n"
      "*  edge-1   small    0.200     3 ms   10 mJ  $1.0e-08    7 %  best trade-off\n"
      "   edge-1   large    0.600    20 ms  200 mJ  $2.0e-07    1 %  best trade-off\n"
      "   edge-2   small    0.300     4 ms   20 mJ  $2.0e-08    7 %  dominated\n"
      "   cloud-1  small        -    50 ms  100 mJ  $1.0e-06    7 %  tier: is of another tier\n");
  EXPECT_EQ(planned.err, "would run on edge-1 with variant small\n");
  EXPECT_EQ(json::parse(server.requests()[0].body),
            json::parse(R"({"model": "digits", "preference": "green", "input_bytes": 4096})"));
}

TEST(Plan, NobodyThatCanTakeItIsExitCodeFive) {
  const ScriptedServer server(
      {{"POST /api/v1/placements", ok(R"({"candidates": [], "choice": null})")}});
  const Finished planned = run(server, {"plan", "digits"});
  EXPECT_EQ(planned.exit_code, 5);
  EXPECT_THAT(planned.err, HasSubstr("nobody can take it now"));
}

// ---- completion

TEST(Completion, ProposesCommandsOptionsAndValuesFromTheTree) {
  EXPECT_EQ(run_skerryctl({"__complete", "un"}).out, "uncordon\tGive a node work again\n");
  EXPECT_THAT(run_skerryctl({"__complete", "get", ""}).out,
              AllOf(StartsWith("nodes\t"), HasSubstr("\npolicies\t")));
  EXPECT_EQ(run_skerryctl({"__complete", "get", "jobs", "--state", "F"}).out, "FAILED\t\n");
  EXPECT_THAT(run_skerryctl({"__complete", "submit", "digits", "--pri"}).out,
              StartsWith("--priority\t"));
  EXPECT_THAT(run_skerryctl({"__complete", "drain", "--out"}).out, StartsWith("--output\t"))
      << "global options, too";
  EXPECT_EQ(run_skerryctl({"__complete", "apply", "-f", "mo"}).out, ":files\n");
}

TEST(Completion, ProposesNamesThatTheControllerKnows) {
  const ScriptedServer server(
      {{"GET /api/v1/nodes", ok(list(kNode))},
       {"GET /api/v1/models", ok(list(kModel))},
       {"GET /api/v1/policies", ok(R"({"active": "greedy", "available": ["greedy", "jsq"]})")}});
  EXPECT_EQ(run(server, {"__complete", "drain", "e"}).out, "edge-1\t\n");
  EXPECT_EQ(run(server, {"__complete", "drain", "x"}).out, "");
  EXPECT_EQ(run(server, {"__complete", "infer", ""}).out, "digits\t\n");
  EXPECT_EQ(run(server, {"__complete", "policy", "use", ""}).out, "greedy\t\njsq\t\n");
  EXPECT_EQ(run_skerryctl({"__complete", "--server", server.url(), "describe", "node", ""}).out,
            "edge-1\t\n");
}

TEST(Completion, EveryShellHasAScriptThatCallsBack) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(run_skerryctl({"completion", shell}).out, HasSubstr("skerryctl __complete"))
        << shell;
  }
}

}  // namespace
}  // namespace skerry::cli
