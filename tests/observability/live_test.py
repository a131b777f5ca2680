#!/usr/bin/env python3
"""Every expression of every panel and rule against a real cluster under load with failures in it, by Debian's Prometheus.

Three nodes in two sites, with TLS and tokens; a node is killed and comes back. Prometheus scrapes it twice, once as a cluster without
a name and once as another, as one that has several would. Then Grafana's variables are resolved as Grafana does, and each expression
must be valid and return a number, but for those that empty_when_healthy.py lists.

Usage: live_test.py        SKERRY_BUILD: the build folder (default: build/release). Prints a line for each expression that fails.
"""

import json
import os
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from harness.processes import wait_until  # noqa: E402
from harness.programs import Programs  # noqa: E402

import metric_names  # noqa: E402
import pages  # noqa: E402
import prometheus  # noqa: E402
from empty_when_healthy import PANELS  # noqa: E402
from live_world import VICTIM, World  # noqa: E402
from prometheus_server import PrometheusServer, Refused, secure_scrape  # noqa: E402

DASHBOARDS = sorted((ROOT / "helm" / "skerry" / "dashboards").glob("*.json"))
TARGETS = {"skerry-controller": {}, "second": {"cluster": "second"}}
SCRAPES = 45       # after which the questions are asked
RATE, RANGE_S = "15s", 40
SELECTOR = re.compile(r"\b(skerry[\w:]+(?:\{[^}]*\})?)")


def results(programs):
    """[{"name", "asked", "measured", "ok"}]; prints each failing expression."""
    with World(programs) as world:
        cluster = world.cluster
        token = world.metrics_token()
        scrapes = [secure_scrape(job, cluster.api, cluster.ca_file, token, labels) for job, labels in TARGETS.items()]
        with PrometheusServer(cluster.folder / "prometheus", scrapes) as server:
            began_s = time.time()
            scraped(server, SCRAPES // 4)
            world.lose_a_node()
            wait_until(lambda: server.now('skerry_node_state{state="DISCONNECTED"} == 1'), 30, "Prometheus to see the lost node",
                       every_s=0.2)
            warned = f'ALERTS{{alertname="SkerryNodeLost", alertstate="pending", node="{VICTIM}", site="shop-1"}}'
            wait_until(lambda: server.now(warned), 30, "the alert of a lost node to be pending", every_s=0.2)
            world.bring_it_back()
            scraped(server, SCRAPES)
            looked = "count_over_time(skerry_hedge_looks_total[40s]) > 5"
            wait_until(lambda: server.now(looked), 60, "a late task to be looked at", every_s=0.5)
            window = {"start_s": max(began_s, time.time() - RANGE_S), "end_s": time.time() - 1}
            found = [told("jobs that ended under load", ">= 100", world.ended, world.ended >= 100), noticed(server, window)]
            for path in DASHBOARDS:
                found += dashboard(server, json.loads(path.read_text(encoding="utf-8")), window)
            return found + list(rules(server, window)) + list(told_to_operators(server, cluster))


def scraped(server, times):
    seen = 'count_over_time(skerry_braking{cluster=""}[5m])'
    wait_until(lambda: any(count >= times for count in server.now(seen)), 120, f"{times} scrapes", every_s=0.5)


def told(name, asked, measured, ok):
    return {"name": name, "asked": asked, "measured": measured, "ok": bool(ok)}


def failures_of(checks, show=True):
    """Runs the checks, [(name, check)], and returns those that fail, printed: a check returns what is wrong, or nothing."""
    wrong = []
    for name, check in checks:
        try:
            problem = check()
        except Refused as refusal:
            problem = f"invalid: {refusal}"
        if problem:
            wrong.append(f"{name}: {problem}")
            if show:
                print(f"FAILED {wrong[-1]}", flush=True)
    return wrong


def noticed(server, window):
    """That this test can fail: PromQL that is none, a metric that nobody has, and labels that do not match."""
    bad = ["sum(skerry_braking", "skerry_brakes", "skerry_node_state * on (node) skerry_braking"]
    wrong = failures_of([(expression, lambda e=expression: nothing(server, e, True, window, False)) for expression in bad], show=False)
    return told("bad expressions that are noticed", len(bad), len(wrong), len(wrong) == len(bad))


# ---- dashboards

def dashboard(server, model, window):
    """With "All" of every variable, and with one cluster chosen."""
    uid = model["uid"]
    values = resolve(server, model)
    empty = [name for name, choice in values.items() if not choice["found"]]
    yield told(f"{uid}: variables without values", [], empty, not empty)
    for title, more in (("all clusters", {}), ("one cluster", {"cluster": "second"})):
        chosen = {**{name: choice["all"] for name, choice in values.items()}, **more}
        checks = [(f"{uid}: {panel['title']}: {target['refId']}", lambda t=target, k=f"{uid}: {panel['title']}: {target['refId']}":
                   nothing(server, substitute(t["expr"], chosen), t["instant"], window, k in PANELS))
                  for panel in model["panels"] for target in panel.get("targets", [])]
        wrong = failures_of(checks)
        yield told(f"{uid}: expressions that fail, {title}, of {len(checks)}", [], wrong, not wrong)


def nothing(server, expression, instant, window, may_be_empty):
    """What is wrong with an expression's answer."""
    return "" if server.has_data(expression, instant, **window) or may_be_empty else f"returns nothing: {expression}"


def resolve(server, model):
    """{variable: what Prometheus has for it, and the regular expression that stands for "All"}, each narrowed by those before it."""
    values = {}
    for variable in model["templating"]["list"]:
        if variable["type"] != "query":
            continue
        selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"]).groups()
        every = {name: choice["all"] for name, choice in values.items()}
        found = server.ask(f"label/{label}/values", **{"match[]": substitute(selector, every)})
        values[variable["name"]] = {"found": found, "all": variable.get("allValue") or "(" + "|".join(map(escaped, found)) + ")"}
    return values


def escaped(value):
    """A value in a regular expression in a PromQL string, as Grafana writes it."""
    return re.sub(r"([$^*{}\[\]'+?.()|\\])", r"\\\\\1", value)


def substitute(expression, values):
    values = {"__rate_interval": RATE, "__interval": RATE, "__range": f"{RANGE_S}s", **values}
    return re.sub(r"\$(\w+)", lambda name: values[name.group(1)], expression)


# ---- rules

def rules(server, window):
    """Prometheus has evaluated them all without an error; what is recorded is there, and what alerts look at is, too."""
    found = [rule for group in server.ask("rules")["groups"] for rule in group["rules"]]
    wrong = failures_of([(rule["name"], lambda r=rule: "" if r["health"] == "ok" else r.get("lastError", r["health"])) for rule in found])
    yield told(f"rules that cannot be evaluated, of {len(found)}", [], wrong, bool(found) and not wrong)
    recorded = [rule["name"] for rule in found if rule["type"] == "recording"]
    wrong = failures_of([(name, lambda n=name: nothing(server, n, True, window, False)) for name in recorded])
    yield told("recorded series without data", [], wrong, not wrong)
    # A healthy cluster makes an alert's comparison false; then each selector in it must have data, so that it could be true.
    checks = []
    for rule in (rule for rule in found if rule["type"] == "alerting"):
        if not server.has_data(rule["query"], True, **window):
            checks += [(f"{rule['name']}: {selector}", lambda s=selector: nothing(server, s, True, window, False))
                       for selector in sorted(set(SELECTOR.findall(rule["query"])))]
    wrong = failures_of(checks)
    yield told(f"selectors of alerts without data, of {len(checks)}", [], wrong, not wrong)


# ---- pages for operators

def told_to_operators(server, cluster):
    """The runbooks' PromQL and commands can be carried out; what the controller exports is documented."""
    queries = list(pages.lines("promql"))
    wrong = failures_of([(f"{page}: {line}", lambda q=line: server.ask("query", query=q) and "") for page, line in queries])
    yield told(f"PromQL of pages that is not valid, of {len(queries)}", [], wrong, bool(queries) and not wrong)
    skerryctl = cluster.programs["skerryctl"]
    commands = [(page, line.split(" > ")[0].split(" | ")[0]) for page, line in pages.lines("sh") if line.startswith("skerryctl ")]
    wrong = failures_of([(page, lambda c=line: pages.wrong_with(skerryctl, c)) for page, line in commands])
    yield told(f"commands of pages that skerryctl does not know, of {len(commands)}", [], wrong, bool(commands) and not wrong)
    exported = set(re.findall(r"^# TYPE (skerry_\w+)", cluster.client.call("GET", "/metrics").body.decode(), re.M))
    secret = sorted(exported - metric_names.documented())
    yield told(f"exported metrics that are not documented, of {len(exported)}", [], secret, len(exported) > 50 and not secret)


def run(build=None):
    prometheus.need("prometheus")
    programs = Programs(build or os.environ.get("SKERRY_BUILD", ROOT / "build" / "release"))
    if not programs.has("controller", "agent", "runner", "skerryctl"):
        prometheus.skip(f"the programs are not built in {programs.build}")
    return list(results(programs))


def main():
    found = run()
    for result in found:
        what = "" if result["ok"] else f": asked {result['asked']}, {result['measured']}"
        print(f"{'ok    ' if result['ok'] else 'FAILED'} {result['name']}{what}")
    return 0 if all(result["ok"] for result in found) else 1


if __name__ == "__main__":
    sys.exit(main())
