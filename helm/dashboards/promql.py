"""The words that the dashboards' expressions share, so that each says only what is its own.

An expression here is PromQL with Grafana's variables, and with these shorthands, which expand() replaces:

    skerry_queue_jobs{@cluster}                     of the chosen clusters
    skerry_node_state{@node, state="READY"}         of the chosen nodes; @model, @policy, @work (model and node) likewise
    rate(skerry_cost_dollars_total{@node}[@rate]) * @site     with the labels site and tier of its node; only the chosen sites

Every selector holds one of them, so that each panel is about the chosen clusters and no others. `cluster` is a label that
Prometheus or its scrape configuration gives; where nobody gives it, "All" (.*) fits all the same.
"""

import re

# A job that ended is good or bad; one that its user cancelled is neither. rules/skerry-alerts.yaml has the same words.
BAD = 'state=~"FAILED|EXPIRED|QUARANTINED"'
JUDGED = 'state=~"SUCCEEDED|FAILED|EXPIRED|QUARANTINED"'
SLO = 0.995

CLUSTER = 'cluster=~"$cluster"'
SHORTHANDS = {
    "@cluster": CLUSTER,
    "@node": f'{CLUSTER}, node=~"$node"',
    "@model": f'{CLUSTER}, model=~"$model"',
    "@work": f'{CLUSTER}, model=~"$model", node=~"$node"',
    "@policy": f'{CLUSTER}, policy=~"$policy"',
    "@rate": "$__rate_interval",
    # max by: one series a node, also while a controller that has moved still counts at its old address
    "@site": "on (cluster, node) group_left (site, tier) "
             f'max by (cluster, node, site, tier) (skerry_node_info{{{CLUSTER}, site=~"$site"}})',
}


def expand(expression):
    """The PromQL for Grafana; KeyError names a shorthand that there is none."""
    return re.sub(r"@[a-z]+", lambda word: SHORTHANDS[word.group()], expression)


def per_request(total, count, by):
    """A sum per job, by labels that both counters have, while there are jobs."""
    return f"sum by ({by}) (rate({total}[@rate])) / (sum by ({by}) (rate({count}[@rate])) > 0)"


def quantile(share, histogram, by=""):
    """A quantile of a histogram's name with selector: quantile(0.99, 'x_seconds{@model}', "model")."""
    name, _, selector = histogram.partition("{")
    return f"histogram_quantile({share}, sum by (le{', ' + by if by else ''}) (rate({name}_bucket{{{selector}[@rate])))"
