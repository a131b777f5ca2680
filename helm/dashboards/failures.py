"""Failures: what breaks, where, and whether it heals by itself."""

from dashboards import variables
from dashboards.grafana import BAD, FAIR, GOOD, POOR, dashboard, query, stat, table, timeseries
from dashboards.promql import quantile

ALERT = "cluster, alertname, severity, node, site, model"  # what tells our alerts apart
OURS = '@cluster, alertname=~"Skerry.*"'


def refused(metric, legend, by="reason"):
    return query(f"sum by ({by}) (increase({metric}{{@cluster}}[@rate]))", legend)


def alerts_and_certificates():
    return [
        table("Alerts that fire",
              "Skerry's alerts that fire or are about to, at the end of the shown time. Each has a runbook: docs/runbooks.",
              {"Since": (f"max by ({ALERT}, alertstate) (ALERTS{{{OURS}}}) * on ({ALERT}) group_left () "
                         f"max by ({ALERT}) (ALERTS_FOR_STATE{{{OURS}}}) * 1000", "dateTimeFromNow", {})},
              size=(12, 8), sort_by="alertname"),
        stat("Certificates end in",
             "The API's own, which callers see: the built-in one is renewed with half a week left, one that is given as a file by whoever "
             "made it. And the authority that signs for nodes. Runbooks: api-certificate-expires, authority-ends.",
             [query("min(skerry_api_certificate_expiry_timestamp_seconds{@cluster}) - time()", "API"),
              query('min(skerry_authority_expiry_timestamp_seconds{@cluster, state="signing"}) - time()', "authority")], "s", size=(4, 8),
             graph="none", steps=[(None, BAD), (86400, POOR), (3 * 86400, GOOD)]),
        timeseries("Attempts that failed",
                   "By reason, and whether the task goes on with another. model_failed is the model's own error, crashed a model that "
                   "took its process with it: on 3 nodes it is tripped. On silent nodes: tasks whose node was not heard of, and which may "
                   "have been placed again.",
                   [query("sum by (reason, retried) (increase(skerry_attempt_failures_total{@cluster}[@rate]))",
                          "{{reason}}, retried: {{retried}}"),
                    query('sum(increase(skerry_job_transitions_total{@cluster, state="UNKNOWN"}[@rate]))', "on silent nodes")], "none",
                   stacked=True, lowest=0, decimals=0),
    ]


def nodes_and_models():
    return [
        timeseries("Nodes that changed state",
                   "Changes of all nodes, by the new state. SUSPECT again and again: links that stall or machines that are too busy for "
                   "their agent. Runbook: node-lost.",
                   [query("sum by (state) (increase(skerry_node_changes_total{@cluster}[@rate]))",
                          "{{state}}")], "none", stacked=True, lowest=0, decimals=0),
        timeseries("Results that nodes hold",
                   "Results that wait to be acknowledged, as a node last said. It grows while a node is cut off and is brought when it is "
                   "back; if it grows on a connected node the controller cannot store. Runbook: spool-growing.",
                   [query("max by (cluster, node) (skerry_node_spooled_results{@node})", "{{cluster}} {{node}}"),
                    query("max by (cluster, node) (skerry_node_spool_full{@node}) * 10000 > 0",
                          "{{cluster}} {{node}} is FULL")], "none", lowest=0,
                   steps=[(None, GOOD), (10000, BAD)], decimals=0),
        timeseries("Models and policies that were stopped or changed",
                   "tripped: a model crashed on 3 nodes in 10 minutes and takes no new work. Trips of the breaker by fault, "
                   "and changes of policies. Runbook: policy-breaker-open.",
                   [query("sum by (change) (increase(skerry_model_changes_total{@cluster}[@rate]))", "model {{change}}"),
                    query("sum by (change) (increase(skerry_policy_changes_total{@cluster}[@rate]))", "policy {{change}}"),
                    query("sum by (fault) (increase(skerry_policy_breaker_trips_total{@cluster}[@rate]))", "breaker: {{fault}}")],
                   "none", lowest=0, decimals=0),
    ]


def store():
    return [
        timeseries("Sync of the store",
                   "Time of one sync of the disk: nothing is acknowledged before it. Above 100 ms for long every submit feels it. "
                   "Runbook: store-sync-slow.",
                   [query(quantile(share, "skerry_store_sync_duration_seconds{@cluster}"), f"p{share * 100:.0f}") for share in (0.5, 0.99)],
                   "s",
                   lowest=0, steps=[(None, GOOD), (0.1, BAD)]),
        timeseries("Space of the store",
                   "Free space where the store lives, and what waits to become durable. Below store.reserve (64 MiB by default) the "
                   "controller is read-only. Runbook: store-near-full.",
                   [query("min by (cluster) (skerry_store_free_bytes{@cluster})", "{{cluster}} free"),
                    query("max by (cluster) (skerry_store_waiting_bytes{@cluster})", "{{cluster}} waiting"),
                    query('max by (cluster, state) (skerry_store_space{@cluster, state!="enough"}) * 1e9 > 0',
                          "{{cluster}} space is {{state}}")], "bytes",
                   log=True, steps=[(None, BAD), (1e9, GOOD)]),
    ]


def doors():
    return [
        timeseries("Answers of the API, by status",
                   "A second. 5xx: 503 with Retry-After is overload or a full disk, 500 is ours. 401 and 403 that grow: a token that "
                   "has expired, or somebody who tries.",
                   [query("sum by (status) (rate(skerry_http_requests_total{@cluster}[@rate]))",
                          "{{status}}")], "reqps", stacked=True, lowest=0),
        timeseries("Turned away at the API",
                   "Connections that were not served, and TLS handshakes that did not succeed. Open connections beside them: at most "
                   "api_connections.",
                   [refused("skerry_http_connections_refused_total", "refused: {{reason}}"),
                    query('sum by (result) (increase(skerry_tls_handshakes_total{@cluster, result!="ok"}[@rate]))',
                          "handshake: {{result}}"),
                    query("sum(skerry_http_connections{@cluster})", "open")], "none", size=(12, 8), lowest=0, decimals=0),
        timeseries("Turned away at the agents' port",
                   "Who was not let in, was closed or banned. not_admitted: a machine that is no node, or no longer. Breaches: a node's "
                   "program speaks as ours never would; look at that machine (docs/security.md).",
                   [refused("skerry_door_refused_total",
                            "refused: {{reason}}"), refused("skerry_door_closed_total", "closed: {{reason}}"),
                    refused("skerry_door_breaches_total",
                            "breach: {{kind}}", "kind"), query("sum(increase(skerry_door_bans_total{@cluster}[@rate]))", "bans"),
                    refused("skerry_hub_streams_refused_total",
                            "stream: {{reason}}"), refused("skerry_hub_streams_cut_total", "cut: {{reason}}")],
                   "none", size=(12, 8), lowest=0, decimals=0),
    ]


def build():
    return dashboard("skerry-failures", "Skerry / Failures", "What breaks, where, and whether it heals by itself.",
                     [variables.CLUSTER, variables.SITE, variables.NODE],
                     [*alerts_and_certificates(), *nodes_and_models(), *store(), *doors()])
