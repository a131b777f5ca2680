"""The variables that the dashboards share; the order is the one in which they narrow each other."""

from dashboards.grafana import variable

CLUSTER = variable("cluster", "Cluster", "skerry_build_info")
SITE = variable("site", "Site", "skerry_node_info{@cluster}")
# "All" is the list of the chosen sites' nodes, so that a site narrows what its nodes' panels show.
NODE = variable("node", "Node", 'skerry_node_info{@cluster, site=~"$site"}', wide=False)
MODEL = variable("model", "Model", "skerry_attempts_total{@cluster}")
POLICY = variable("policy", "Policy", "skerry_decisions_total{@cluster}")
