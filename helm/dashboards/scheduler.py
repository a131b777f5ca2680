"""Scheduler and learning: who decides, how well it predicts, what it trades for what, and whether another would do better."""

from dashboards import variables
from dashboards.grafana import BAD, FAIR, GOOD, POOR, bars, dashboard, heatmap, meaning, query, row, scatter, stat, table, timeseries

OBJECTIVES = {"latency": "s", "energy": "joule", "cost": "currencyUSD", "error": "percentunit"}


def recent(kind, labels, objective, selector):
    """Mean of an objective for each job that succeeded in the shown time, by the labels of a node or a variant."""
    return (f'sum by ({labels}) (increase(skerry_{kind}_actual_total{{{selector}, objective="{objective}"}}[$__range])) / '
            f"(sum by ({labels}) (increase(skerry_{kind}_succeeded_jobs_total{{{selector}}}[$__range])) > 0)")


def deciding():
    decided = "sum by (policy, outcome) (rate(skerry_decisions_total{@policy}[@rate]))"
    breaker = ('max(skerry_policy_breaker_state{@cluster, state="closed"} * 1 or skerry_policy_breaker_state{@cluster, state="half_open"} '
               '* 2 or skerry_policy_breaker_state{@cluster, state="open"} * 3)')
    return [
        stat("Policy",
             "The policy that decides, with its version. `skerryctl policy list` shows the others; `skerryctl policy rollback` goes back.",
             [query("max by (policy, version) (skerry_policy_active{@cluster})",
                    "{{policy}} {{version}}")], "none", size=(4, 8), text="name", graph="none"),
        stat("Breaker",
             "Closed: the policy decides. Open: it failed, was slow or drifted, and greedy decides in its place until it has rested. "
             "Runbook: policy-breaker-open.",
             [query(breaker, "breaker")], "none", size=(4, 8), graph="none",
             mappings=[meaning([(1, "closed",
                                    GOOD), (2, "half open", FAIR), (3, "OPEN", BAD)])], steps=[(None, GOOD), (2, FAIR), (3, BAD)]),
        timeseries("Decisions",
                   "Placement decisions a second, by policy and outcome. none: no node may or can take the task now, so it waits. "
                   "fallback: greedy decided in the policy's place.",
                   [query(decided, "{{policy}}: {{outcome}}")], "ops", stacked=True, lowest=0),
        heatmap("Time of a decision",
                "How long single decisions took. Tens of microseconds are usual; with a policy that takes more than 5 ms three "
                "times in a row the breaker opens.",
                "sum by (le) (increase(skerry_decision_duration_seconds_bucket{@policy}[@rate]))", "s", size=(8, 8)),
    ]


def predicting():
    return [
        heatmap("Actual over predicted latency",
                "1 is a perfect prediction, 2 a job that took twice what was predicted. A cloud that moves up means "
                "nodes that are slower than they were measured: look for other load on them.",
                'sum by (le) (increase(skerry_prediction_ratio_bucket{@model, objective="latency"}[@rate]))',
                "none", size=(8, 8), scheme="Blues"),
        timeseries("Predicted and actual latency",
                   "Mean latency of jobs as predicted when they were placed, and as measured. Choices are only as good as "
                   "the predictions they rest on.",
                   [query('sum(rate(skerry_predicted_total{@model, objective="latency"}[@rate])) / '
                          'sum(rate(skerry_prediction_ratio_count{@model, objective="latency"}[@rate]))', "predicted"),
                    query('sum(rate(skerry_actual_total{@model, objective="latency"}[@rate])) / '
                          'sum(rate(skerry_prediction_ratio_count{@model, objective="latency"}[@rate]))', "actual")], "s", lowest=0),
        timeseries("How far predictions are off",
                   "Actual over predicted, of each objective: 1 is right, above 1 too optimistic. Energy that is always off "
                   "by a factor: the node's declared power is wrong (docs/agent.md).",
                   [query("sum by (objective) (rate(skerry_actual_total{@model}[@rate])) / (sum by (objective) "
                          "(rate(skerry_predicted_total{@model}[@rate])) > 0)",
                          "{{objective}}")], "none", decimals=2, steps=[(None, GOOD), (2, POOR)]),
    ]


def choosing():
    by_node = [(name, recent("node", "node", objective, "@node"), OBJECTIVES[objective]) for name, objective in
               (("Latency", "latency"), ("Energy", "energy"))]
    by_variant = [(name, recent("variant", "model, variant", objective, "@model"), OBJECTIVES[objective]) for name, objective in
                  (("Energy", "energy"), ("Error", "error"))]
    return [
        scatter("What nodes gave: latency and energy",
                "A point a node: the mean latency and energy of the jobs that it did in the shown time. The lower left "
                "is best; a node that others beat in both is only worth its price or its place.", *by_node, of=["node"], size=(8, 9)),
        scatter("What variants gave: energy and error",
                "A point a variant of a model: what its jobs took and how wrong it is. Only variants that nothing beats in both should be "
                "chosen often; one that is never chosen can go.", *by_variant, of=["model", "variant"], size=(8, 9)),
        timeseries("Variants that were chosen",
                   "Jobs that succeeded, by variant. The mix follows what callers prefer and what nodes have loaded; a jump without "
                   "a change of either is a policy's.",
                   [query("sum by (model, variant) (rate(skerry_variant_succeeded_jobs_total{@model}[@rate]))",
                          "{{model}} {{variant}}")], "reqps",
                   size=(8, 9), stacked=True, lowest=0),
    ]


def comparing():
    agreed = ('sum by (policy) (skerry_shadow_decisions_total{@cluster, outcome="agreed"}) / '
              'sum by (policy) (skerry_shadow_decisions_total{@cluster, outcome=~"agreed|differed"})')
    return [
        table("Shadow policies",
              "Policies that score every decision without effect, beside the active one's measured cost. Estimated below measured: the "
              "shadow would have been cheaper, the more surely the more it agrees (docs/policies.md says what the estimate cannot see).",
              {"Agrees": (agreed, "percentunit", {"decimals": 0}),
               "Could not score": ('sum by (policy) (skerry_shadow_decisions_total{@cluster, outcome="failed"})', "none", {}),
               "Outcomes": ("sum by (policy) (skerry_shadow_outcomes_total{@cluster})", "none", {}),
               "Predicted regret": ("avg by (policy) (skerry_shadow_predicted_regret{@cluster})", "none", {"decimals": 3}),
               "Estimated cost": ("avg by (policy) (skerry_shadow_estimated_cost{@cluster})", "none", {"decimals": 3}),
               "Active policy's cost": ("avg by (policy) (skerry_shadow_measured_cost{@cluster})", "none", {"decimals": 3})},
              size=(10, 8), sort_by="Estimated cost"),
        timeseries("Cost of shadows and of the active policy",
                   "Mean cost of a decision: estimated for each shadow, measured for the active policy. 0 is the best that was to be had, "
                   "1 the worst that was worth choosing, more what came out worse than that. A shadow that stays below is worth "
                   "`skerryctl policy promote`.",
                   [query("avg by (policy) (skerry_shadow_estimated_cost{@cluster})", "{{policy}} (estimated)"),
                    query("avg by (cluster) (skerry_shadow_measured_cost{@cluster})",
                          "{{cluster}} active (measured)")], "none", size=(7, 8), decimals=3),
        bars("Second attempts",
             "Late interactive tasks for which a second attempt was considered in the shown time, by verdict, and how those that were "
             "made ended. Mostly lost: the inputs take long wherever they run (docs/controller.md).",
             [query("sum by (verdict) (increase(skerry_hedge_looks_total{@cluster}[$__range]))", "asked: {{verdict}}", instant=True),
              query("sum by (result) (increase(skerry_hedges_total{@cluster}[$__range]))",
                    "made: {{result}}", instant=True)], "none", size=(7, 8), decimals=0, lowest=0),
    ]


def build():
    return dashboard("skerry-scheduler", "Skerry / Scheduler and learning",
                     "Who decides, how well it predicts, what it trades for what, and whether another policy would do better.",
                     [variables.CLUSTER, variables.SITE, variables.NODE, variables.MODEL, variables.POLICY],
                     [*deciding(), row("Predictions"), *predicting(), row("Choices"), *choosing(), row("Other policies"), *comparing()])
