"""Jobs and SLO: do callers get their results, in time, and how much of what was promised to them is used up."""

from dashboards import variables
from dashboards.grafana import BAD, FAIR, GOOD, POOR, bars, dashboard, heatmap, query, stat, timeseries
from dashboards.promql import JUDGED, SLO, quantile

BUDGET = round(1 - SLO, 6)
FAILED = "skerry:jobs_failed:ratio_rate{window}{{@cluster}}"


def burn(window):
    return f"max({FAILED.format(window=window)}) / {BUDGET}"


def promised():
    kept = f"1 - max({FAILED.format(window='30d')})"
    left = f"1 - {burn('30d')}"
    return [
        stat("Jobs that succeeded, 30 days",
             f"Of those that succeeded, failed, expired or were quarantined; what callers cancelled does not count. Promised: "
             f"{SLO:.1%}. From the recording rules (docs/observability.md).",
             [query(kept, "succeeded")], "percentunit", size=(4, 8), decimals=2, graph="none", steps=[(None, BAD), (SLO, GOOD)]),
        stat("Error budget left, 30 days",
             "What may still fail before the promise is broken. Below nothing: hold back what makes it worse, rollouts "
             "first, until it has recovered. Runbook: error-budget-burn.",
             [query(left, "left")], "percentunit",
                                    size=(4, 8), decimals=0, graph="none", steps=[(None, BAD), (0, POOR), (0.25, FAIR), (0.5, GOOD)]),
        timeseries("Error budget burn",
                   "How many times faster than allowed the budget is used up: at 1 it lasts just 30 days. An alert fires when a long "
                   "window and its short one are both above: 14.4 (1 h and 5 min) or 6 (6 h and 30 min) at once, 1 (3 days and 6 h) soon.",
                   [query(burn(window), window) for window in ("5m", "30m", "1h", "6h", "3d")], "none", size=(8, 8), decimals=1, lowest=0,
                   steps=[(None, GOOD), (1, FAIR), (6, POOR), (14.4, BAD)]),
        timeseries("Jobs that ended",
                   "A second, by how they ended. FAILED: the user's error or no retries left; EXPIRED: too late; QUARANTINED: it crashed "
                   "whatever ran it. `skerryctl get jobs --state FAILED` lists them.",
                   [query("sum by (state) (rate(skerry_jobs_ended_total{@model}[@rate]))",
                          "{{state}}")], "reqps", size=(8, 8), stacked=True, lowest=0),
    ]


def in_time():
    missed = ('sum by (model) (rate(skerry_jobs_ended_total{@model, state="EXPIRED"}[@rate])) / '
              f"(sum by (model) (rate(skerry_jobs_ended_total{{@model, {JUDGED}}}[@rate])) > 0)")
    return [
        heatmap("Latency of jobs",
                "From submission to result, of jobs that succeeded. Two bands are usually two kinds of node, or loaded and not yet "
                "loaded variants.",
                'sum by (le) (increase(skerry_job_duration_seconds_bucket{@model, state="SUCCEEDED"}[@rate]))', "s", size=(8, 8)),
        timeseries("Latency by model",
                   "Median and 99th percentile from submission to result, of jobs that succeeded. Compare it with the time that the "
                   "model itself runs: the rest is waiting and the way.",
                   [query(quantile(share, 'skerry_job_duration_seconds{@model, state="SUCCEEDED"}',
                                          "model"), f"{{{{model}}}} p{share * 100:.0f}")
                    for share in (0.5, 0.99)], "s", lowest=0),
        timeseries("Deadline misses",
                   "Share of jobs that ended EXPIRED: no result by their deadline. Above a few percent callers ask for more than the "
                   "fleet can do, or nodes are slower than predicted. Runbook: deadline-misses.",
                   [query(missed, "{{model}}")], "percentunit", decimals=1, lowest=0, steps=[(None, GOOD), (0.05, BAD)]),
        timeseries("Where the time goes",
                   "99th percentile of waiting for a node, of loading and of running, by model; the way to the node and back is not in "
                   "it. Loading again and again: nodes have too little memory for what is asked of them.",
                   [query(quantile(0.99, "skerry_queue_wait_seconds{@model}", "model"), "{{model}} waits"),
                    query(quantile(0.99, "skerry_model_load_duration_seconds{@model}", "model"), "{{model}} loads"),
                    query(quantile(0.99, "skerry_service_duration_seconds{@model}", "model"), "{{model}} runs")], "s", lowest=0),
        timeseries("Answers of the API",
                   "99th percentile of the time to answer, by route. Calls that wait for a result and event streams take as long as they "
                   "wait; all others should take milliseconds.",
                   [query(quantile(0.99, "skerry_http_request_duration_seconds{@cluster}",
                                         "method, route"), "{{method}} {{route}}")], "s", lowest=0),
    ]


def waiting():
    return [
        timeseries("Jobs that have not ended",
                   "By state. READY waits for a node, BACKOFF for its next try, UNKNOWN is on a node that is silent. READY that grows "
                   "without end: more comes in than the fleet does.",
                   [query("sum by (state) (skerry_queue_jobs{@cluster})", "{{state}}")], "none", stacked=True, lowest=0, decimals=0),
        timeseries("Submits that were refused",
                   "Jobs a second that got 429 or 503: a namespace's quota, or overload, which refuses batch first. Callers were told "
                   "when to come again; they do not count against the error budget.",
                   [query("sum by (namespace, reason) (rate(skerry_jobs_refused_total{@cluster}[@rate]))",
                          "{{namespace}}: {{reason}}")], "reqps", size=(12, 8), lowest=0),
        bars("Quotas in use",
             "Of what each namespace of the settings may have at most. At 100 % of open_jobs or input_bytes its submits are refused; at "
             "100 % of running they wait.",
             [query("max by (namespace, quota) (skerry_quota_used{@cluster}) / max by (namespace, quota) (skerry_quota_limit{@cluster})",
                    "{{namespace}} {{quota}}")], "percentunit",
             decimals=0, size=(12, 8), lowest=0, highest=1, steps=[(None, GOOD), (0.8, FAIR), (1, BAD)]),
    ]


def build():
    return dashboard("skerry-jobs",
                     "Skerry / Jobs and SLO", "Do callers get their results, in time, and how much of the error budget is used up.",
                     [variables.CLUSTER, variables.MODEL], [*promised(), *in_time(), *waiting()])
