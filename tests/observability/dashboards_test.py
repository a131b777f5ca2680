#!/usr/bin/env python3
"""The dashboards as files: that they are current, whole and readable, and that together with the rules they use every metric.

Usage: dashboards_test.py
"""

import itertools
import json
import re
import subprocess
import sys

import metric_names
from prometheus import ROOT, RULES

FOLDER = ROOT / "helm" / "skerry" / "dashboards"
UIDS = ["skerry-energy", "skerry-failures", "skerry-fleet", "skerry-jobs", "skerry-scheduler"]
VARIABLES = {"datasource", "cluster", "site", "node", "model", "policy"}
KINDS = {"timeseries", "stat", "gauge", "bargauge", "table", "heatmap", "state-timeline", "xychart", "row"}  # all come with Grafana
WANTED_KINDS = {"heatmap", "xychart", "table", "timeseries"}
SCHEMA_VERSION = 42
RUNBOOKS = "https://github.com/skerry/skerry/blob/main/docs/runbooks/"
PANELS = (35, 60)
GRAFANAS_OWN = {"__rate_interval", "__range", "__interval"}
SELECTOR = re.compile(r"\b(skerry[\w:]*|ALERTS\w*)\b(?:\{([^}]*)\})?")


def run():
    """[{"name", "asked", "measured", "ok"}]."""
    return list(results())


def results():
    done = subprocess.run([ROOT / "scripts" / "dashboards", "--check"], capture_output=True, text=True, check=False)
    yield told("files that scripts/dashboards would change", "", done.stdout.strip() + done.stderr.strip(), done.returncode == 0)
    models = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    yield told("dashboards", UIDS, [model["uid"] for model in models], [model["uid"] for model in models] == UIDS)
    count = sum(len(model["panels"]) for model in models)
    yield told("panels in all, rows included", PANELS, count, PANELS[0] <= count <= PANELS[1])
    kinds = {panel["type"] for model in models for panel in model["panels"]}
    yield told("kinds of panels", sorted(KINDS), sorted(kinds), WANTED_KINDS <= kinds <= KINDS)
    names = {variable["name"] for model in models for variable in model["templating"]["list"]}
    yield told("variables", sorted(VARIABLES), sorted(names), names == VARIABLES)
    for model in models:
        for check in (whole, placed, described, filtered, with_variables):
            wrong = list(check(model))
            yield told(f"{model['uid']}: {check.__doc__}", [], wrong, not wrong)
    variables = [variable.get("definition", "") for model in models for variable in model["templating"]["list"]]
    yield from metrics([*variables, *(expression for model in models for _, expression in expressions(model))])


def told(name, asked, measured, ok):
    return {"name": name, "asked": asked, "measured": measured, "ok": bool(ok)}


def panels(model):
    """Those that show something."""
    return [panel for panel in model["panels"] if panel["type"] != "row"]


def expressions(model):
    """[(where, PromQL)], those of annotations included."""
    yield from ((f"{panel['title']}: {target['refId']}", target["expr"]) for panel in panels(model) for target in panel["targets"])
    yield from ((note["name"], note["expr"]) for note in model["annotations"]["list"] if "expr" in note)


# ---- what is looked at; each yields what is wrong

def whole(model):
    """schema, tags, links, and a data source that is a variable"""
    if model["schemaVersion"] != SCHEMA_VERSION or model["tags"] != ["skerry"] or model["id"] is not None:
        yield "schemaVersion, tags or id"
    leads = set(re.findall(r'"/d/([\w-]+)', json.dumps(model)))
    if leads - set(UIDS):
        yield f"links to {leads}"
    links = [link for link in model["links"] if link["type"] == "dashboards" and link["tags"] == ["skerry"]]
    if not (links and links[0]["keepTime"] and links[0]["includeVars"]):
        yield "no link to the others that keeps time and variables"
    sources = {json.dumps(source) for source in find(model, "datasource")}
    if sources - {json.dumps({"type": "prometheus", "uid": "${datasource}"}), json.dumps({"type": "grafana", "uid": "-- Grafana --"})}:
        yield f"data sources {sources}"


def find(value, key):
    """All values of a key, however deep; Grafana's own data source is named so in its annotations."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key and isinstance(inner, dict):
                yield inner
            yield from find(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from find(inner, key)


def placed(model):
    """ids that are unique, places that do not overlap"""
    ids = [panel["id"] for panel in model["panels"]]
    if len(set(ids)) != len(ids):
        yield f"ids {ids}"
    for one, other in itertools.combinations(model["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        if a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]:
            yield f"{one['title']} overlaps {other['title']}"
    yield from (f"{panel['title']} leaves the grid" for panel in model["panels"] if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24)


def described(model):
    """titles, descriptions, units, thresholds and queries of panels"""
    titles = [panel["title"] for panel in panels(model)]
    if len(set(titles)) != len(titles):
        yield "titles that stand twice"
    for panel in panels(model):
        defaults = panel["fieldConfig"]["defaults"]
        steps = [step["value"] for step in defaults["thresholds"]["steps"]]
        refs = [target["refId"] for target in panel["targets"]]
        missing = [what for what, there in (
            ("a title", panel["title"].strip()), ("a description", len(panel.get("description", "")) >= 60),
            ("a unit", defaults.get("unit")), ("the version of its options", panel.get("pluginVersion")),
            ("thresholds that rise", steps[0] is None and steps[1:] == sorted(steps[1:])),
            ("queries", refs and len(set(refs)) == len(refs)),
            ("legends", all(target["legendFormat"] for target in panel["targets"] if target["format"] == "time_series"))) if not there]
        if missing:
            yield f"{panel['title']} lacks {', '.join(missing)}"
        named = re.findall(r"Runbooks?: ([\w, -]+)\.", panel["description"])
        linked = [link["url"].removeprefix(RUNBOOKS) for link in panel["links"]]
        if linked != [f"{name}.md" for names in named for name in names.split(", ")]:
            yield f"{panel['title']} names {named} and links to {linked}"
        pages = [f"docs/runbooks/{name}" for name in linked]
        pages += re.findall(r"docs/[\w-]+\.md", panel["description"])
        yield from (f"{panel['title']} names {page}, which there is not" for page in pages if not (ROOT / page).is_file())


def filtered(model):
    """selectors that are of the chosen clusters"""
    for where, expression in expressions(model):
        for name, matchers in SELECTOR.findall(re.sub(r'"Skerry\.\*"', '""', expression)):
            if 'cluster=~"$cluster"' not in matchers:
                yield f"{where}: {name} of any cluster"


def with_variables(model):
    """variables that there are, and that are used"""
    listed = model["templating"]["list"]
    known = {variable["name"] for variable in listed}
    texts = [expression for _, expression in expressions(model)] + [variable.get("definition", "") for variable in listed]
    mentioned = {name for text in texts for name in re.findall(r"\$(\w+)", text)} | {"datasource"}
    yield from (f"${name} is not defined" for name in sorted(mentioned - known - GRAFANAS_OWN))
    yield from (f"${name} is not used" for name in sorted(known - mentioned))


def metrics(of_dashboards):
    """Every documented metric is used, or listed as internal; and none is used that is not documented."""
    rules = [line for line in RULES.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    used, documented, internal = metric_names.used([*of_dashboards, *rules]), metric_names.documented(), set(metric_names.INTERNAL)
    for name, wrong in (("metrics that are used and not documented", used - documented),
                        ("metrics that are neither used nor listed as internal", documented - used - internal),
                        ("metrics that are listed as internal and used", used & internal),
                        ("metrics that are listed as internal and not documented", internal - documented)):
        yield told(name, [], sorted(wrong), not wrong)


def main():
    found = run()
    for result in found:
        if not result["ok"]:
            print(f"FAILED {result['name']}: asked {result['asked']}, {result['measured']}")
    print(f"{sum(result['ok'] for result in found)} of {len(found)} hold")
    return 0 if all(result["ok"] for result in found) else 1


if __name__ == "__main__":
    sys.exit(main())
