"""Energy and cost: what requests take in joules and dollars, where, and what was spent in vain."""

from dashboards import variables
from dashboards.grafana import FAIR, GOOD, bars, dashboard, query, stat, table, timeseries
from dashboards.promql import per_request


def spent(kind, objective, by, selector):
    """What a job that succeeded took, by labels of a node or a variant."""
    return per_request(f'skerry_{kind}_actual_total{{{selector}, objective="{objective}"}}',
                       f"skerry_{kind}_succeeded_jobs_total{{{selector}}}", by)


def of_variant(objective):
    return spent("variant", objective, "model, variant", "@model")


def build():
    joules, dollars = "skerry_energy_joules_total{@work}", "skerry_cost_dollars_total{@work}"
    panels = [
        stat("Power of the work", "Joules a second that jobs take, without what nodes use while they idle.",
             [query(f"sum(rate({joules}[@rate]))", "power")], "watt", size=(4, 8), decimals=1),
        stat("Cost of the work",
             "Dollars an hour, by the price of each node and the time that jobs take there. Idle nodes cost as well; that is not in it.",
             [query(f"sum(rate({dollars}[@rate])) * 3600", "cost")], "currencyUSD", size=(4, 8), decimals=4),
        timeseries("Joules a request, by node",
                   "Mean energy of a job that succeeded. A node that takes much more than its like is badly declared "
                   "(docs/agent.md), old, or shared with other work.",
                   [query(spent("node", "energy", "cluster, node", "@node"), "{{cluster}} {{node}}")], "joule", lowest=0),
        timeseries("Cost of 1,000 requests, by node",
                   "Mean cost of jobs that succeeded. `--preference cheap`, or more weight on cost, moves work to the lower "
                   "lines; cloud nodes are worth their price where they are faster.",
                   [query(f"1000 * {spent('node', 'cost', 'cluster, node', '@node')}", "{{cluster}} {{node}}")], "currencyUSD", lowest=0),
        timeseries("Power, by site",
                   "Joules a second of jobs at each site and tier of node. Where the work goes shows here first, when a policy or "
                   "callers' preferences change.",
                   [query('sum by (site, tier) (rate(skerry_node_actual_total{@node, objective="energy"}[@rate]) * @site)',
                          "{{site}} ({{tier}})")], "watt",
                   stacked=True, lowest=0),
        table("What a request takes, by variant",
              "Means of jobs that succeeded, of the last minutes of the shown time. A variant that takes more and is no more "
              "accurate than another should not be offered.",
              {"Energy": (of_variant("energy"), "joule", {}), "Cost": (of_variant("cost"), "currencyUSD", {"decimals": 9}),
               "Latency": (of_variant("latency"), "s", {}), "Error": (of_variant("error"), "percentunit", {"decimals": 1})},
              size=(8, 8), sort_by="Energy"),
        bars("Joules that were measured",
             "How the energy of the shown time's jobs was told: measured by the node (rapl, hwmon, nvml) or modelled from its declared "
             "power. All modelled: trust comparisons of nodes only as far as what they declare.",
             [query(f"sum by (source) (increase({joules}[$__range])) / on () group_left () sum(increase({joules}[$__range]))",
                    "{{source}}", instant=True)], "percentunit",
             size=(4, 8), decimals=0, lowest=0, highest=1),
        stat("In vain",
             "Of all energy of the shown time, what second attempts of late tasks took that were not needed in the end. Some percent buy "
             "short tails; more: lower core.hedging.budget (docs/controller.md).",
             [query("sum(increase(skerry_hedge_energy_joules_total{@model}[$__range])) / "
                    "(sum(increase(skerry_hedge_energy_joules_total{@model}[$__range])) + "
                    "sum(increase(skerry_energy_joules_total{@model}[$__range])))",
                    "in vain", instant=True)], "percentunit", size=(4, 8), decimals=1, graph="none", steps=[(None, GOOD), (0.05, FAIR)]),
    ]
    return dashboard("skerry-energy",
                     "Skerry / Energy and cost", "What requests take in joules and dollars, where, and what was spent in vain.",
                     [variables.CLUSTER, variables.SITE, variables.NODE, variables.MODEL], panels)
