"""Fleet: which nodes are there, are they well, how busy are they."""

from dashboards import variables
from dashboards.grafana import BAD, FAIR, GOOD, POOR, bars, dashboard, gauge, meaning, query, stat, table, timeline, timeseries

# What a node's state is worth as a number, so that one line shows it over time.
STATES = [(1, "READY", GOOD), (2, "CORDONED", "blue"), (3, "DRAINING", "light-blue"), (4, "DRAINED", "purple"), (5, "SUSPECT", POOR),
          (6, "DISCONNECTED", BAD)]
STATE = "sum by (cluster, node) (" + " or ".join(
    f'{value} * max by (cluster, node, state) (skerry_node_state{{@node, state="{name}"}})' for value, name, _ in STATES) + ")"
LEFT = "min by (cluster, node) (skerry_node_certificate_expiry_timestamp_seconds{@node}) - time()"


def now():
    return [
        stat("Version", "What the controller runs. Two at once: an update is under way, or one is still scraped at an old address.",
             [query("max by (version, commit) (skerry_build_info{@cluster})",
                    "{{version}} ({{commit}})")], "none", text="name", graph="none"),
        stat("Nodes that work",
             "Nodes in the state READY. Fewer than usual, and nothing under \"Nodes that are gone\": somebody cordoned or drained them.",
             [query('sum(skerry_node_state{@node, state="READY"})', "ready")], "none", steps=[(None, BAD), (1, GOOD)]),
        stat("Nodes that are gone",
             "Nodes that are not heard of (SUSPECT, DISCONNECTED) and were not cordoned or drained before. Their tasks have gone "
             "elsewhere. A node that left for good is taken off the list by `skerryctl delete node`. Runbook: node-lost.",
             [query('sum(sum by (cluster, node) (skerry_node_state{@node, state=~"SUSPECT|DISCONNECTED"}) * '
                    "on (cluster, node) (1 - max by (cluster, node) (skerry_node_cordoned{@node})))", "gone")], "none", steps=[(None, GOOD), (1, POOR), (3, BAD)]),
        gauge("Fleet's load",
              "Attempts that the shown nodes have, of those that they take. Near 100 % work waits at the controller: add nodes, "
              "or ask for less.",
              [query("sum(skerry_node_outstanding_attempts{@node}) / sum(skerry_node_capacity_attempts{@node})", "load")], "percentunit",
              steps=[(None, GOOD), (0.8, FAIR), (0.95, BAD)], lowest=0, highest=1, decimals=0),
        stat("Longest wait",
             "Age of the oldest task that waits for a node. Seconds are normal under load; minutes mean that no node may or can "
             "take it: `skerryctl describe job` says for what it waits. Runbook: queue-old.",
             [query("max(skerry_queue_oldest_seconds{@cluster})", "oldest")], "s", steps=[(None, GOOD), (60, FAIR), (300, BAD)]),
        stat("Brake",
             "On while most nodes of a site or of the fleet are silent together: the controller suspects its own network and moves "
             "nothing for up to a minute. Runbook: brake-active.",
             [query("max(skerry_braking{@cluster})", "brake")], "none", graph="none", steps=[(None, GOOD), (1, BAD)],
             mappings=[meaning([(0, "off", GOOD), (1, "ON", BAD)])]),
    ]


def nodes():
    return [
        timeline("State of each node",
                 "READY takes work. SUSPECT and DISCONNECTED are silent, the others are an operator's doing. A node that goes back "
                 "and forth has a bad link or too little processor time for its agent.",
                 [query(STATE, "{{cluster}} {{node}}")], STATES, size=(12, 9)),
        table("Nodes",
              "Every node as it is at the end of the shown time. Certificates live for a day and are renewed at half of it: less than 6 h "
              "left of a connected node's means that it cannot renew. Runbook: node-certificate-not-renewed.",
              {"State": (f"{STATE} * @site", "none", {"mappings": [meaning(STATES)], "custom.cellOptions": {"type": "color-background"}}),
               "Attempts": ("max by (cluster, node) (skerry_node_outstanding_attempts{@node})", "none", {}),
               "Takes": ("max by (cluster, node) (skerry_node_capacity_attempts{@node})", "none", {}),
               "Silent for": ("max by (cluster, node) (skerry_node_heartbeat_age_seconds{@node})", "s", {"decimals": 1}),
               "Results held": ("max by (cluster, node) (skerry_node_spooled_results{@node})", "none", {}),
               "Certificate ends in": (LEFT, "s", {})},
              sort_by="State", leads=("node", "skerry-energy")),
    ]


def work():
    per_node = ("max by (cluster, node) (skerry_node_outstanding_attempts{@node}) / "
                "max by (cluster, node) (skerry_node_capacity_attempts{@node})")
    return [
        timeseries("Load of each node",
                   "Attempts on a node, of those that it takes, queue included. One full node beside idle ones: constraints or "
                   "the policy want just that one; the scheduler's dashboard and `skerryctl explain` say why.",
                   [query(per_node, "{{cluster}} {{node}}")], "percentunit",
                                                              steps=[(None, GOOD), (0.95, BAD)], lowest=0, highest=1, decimals=0),
        timeseries("Jobs done at each site",
                   "Jobs that succeeded, by site and tier of the node that had the result. A site that falls to nothing while "
                   "its nodes are READY is no longer chosen, or no longer asked.",
                   [query("sum by (site, tier) (rate(skerry_node_succeeded_jobs_total{@node}[@rate]) * @site)",
                          "{{site}} ({{tier}})")], "reqps",
                   stacked=True, lowest=0),
        timeseries("Silence",
                   "Since a node was last heard of, on a scale of powers of ten; agents report every second. At 4.25 s it gets no new "
                   "work, at 5 s it is given up.",
                   [query("max by (cluster, node) (skerry_node_heartbeat_age_seconds{@node})", "{{cluster}} {{node}}")], "s",
                   steps=[(None, GOOD), (4.25, POOR), (5, BAD)], log=True),
        timeseries("Traffic with nodes",
                   "Bytes to and from agents: messages (work, results, heartbeats) and blobs (models, large inputs and results). What "
                   "fills a site's uplink shows here; models are fetched once and then kept.",
                   [query("sum by (direction) (rate(skerry_hub_bytes_total{@cluster}[@rate]))", "messages {{direction}}"),
                    query("sum by (direction) (rate(skerry_hub_transfer_bytes_total{@cluster}[@rate]))",
                          "blobs {{direction}}")], "Bps", size=(12, 8), lowest=0),
        bars("GPUs",
             "The busiest GPU's load of each node that has one, and the memory in use on all of its. Nodes without a GPU are not shown.",
             [query("max by (cluster, node) (skerry_node_gpu_busy_ratio{@node})", "{{cluster}} {{node}} load"),
              query("max by (cluster, node) (skerry_node_gpu_memory_used_bytes{@node}) / max by (cluster, node) "
                    "(skerry_node_gpu_memory_bytes{@node})",
                    "{{cluster}} {{node}} memory")], "percentunit",
             steps=[(None, GOOD), (0.9, FAIR), (0.97, BAD)], size=(12, 8), lowest=0, highest=1, decimals=0),
    ]


def build():
    return dashboard("skerry-fleet", "Skerry / Fleet", "Which nodes are there, are they well, how busy are they.",
                     [variables.CLUSTER, variables.SITE, variables.NODE],
                     [*now(), *nodes(), *work()])
