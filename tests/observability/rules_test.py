#!/usr/bin/env python3
"""The alerts: that each is well-formed, has a runbook, fires where it should and not where it should not.

Usage: rules_test.py
"""

import json
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import metric_names  # noqa: E402
import pages  # noqa: E402
import prometheus  # noqa: E402
from prometheus import ROOT, RULES  # noqa: E402
from prometheus_server import PrometheusServer  # noqa: E402
from rule_cases import CASES  # noqa: E402

RUNBOOKS = "https://github.com/skerry/skerry/blob/main/docs/runbooks/"
SEVERITIES = {"critical", "warning", "info"}
ANNOTATIONS = ["description", "runbook_url", "summary"]
HEADINGS = ["What it means", "What users notice", "Look at", "Do", "When it is not a problem"]
WINDOWS = ["5m", "30m", "1h", "6h", "3d", "30d"]
BUDGET = 0.005


def rules():
    """All rules of the file, as Prometheus understands them."""
    with tempfile.TemporaryDirectory(prefix="skerry-rules-") as folder:
        with PrometheusServer(pathlib.Path(folder) / "prometheus") as server:
            return [rule for group in server.ask("rules")["groups"] for rule in group["rules"]]


def results():
    """[{"name", "asked", "measured", "ok"}] of everything that is looked at."""
    found = rules()
    alerts = {rule["name"]: rule for rule in found if rule["type"] == "alerting"}
    ok, said = prometheus.promtool("check", "rules", RULES)
    yield told("promtool check rules", "no complaint", said, ok)
    yield told("alerts with cases", sorted(alerts), sorted(CASES), set(alerts) == set(CASES))
    yield from recorded(found)
    for name, alert in alerts.items():
        yield from written(name, alert)
        if name in CASES:
            kinds = {case.fires for case in CASES[name]}
            yield told(f"{name}: cases", "that fire, and that do not", len(CASES[name]), kinds == {True, False})
            early = any(case.early for case in CASES[name])
            yield told(f"{name}: a case in which it does not fire yet", alert["duration"] > 0, early, early == (alert["duration"] > 0))
            yield from tried(name, alert, CASES[name])
    unknown = metric_names.used(line for _, line in pages.lines("promql")) - metric_names.documented()
    yield told("metrics in runbooks that are not documented", [], sorted(unknown), not unknown)
    dead = list(pages.dead_links())
    yield told("links of pages that lead nowhere", [], dead, not dead)
    there = {path.name for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    wanted = {alert["annotations"]["runbook_url"].removeprefix(RUNBOOKS) for alert in alerts.values()}
    yield told("runbooks without an alert", [], sorted(there - wanted), there <= wanted)


def told(name, asked, measured, ok):
    return {"name": name, "asked": asked, "measured": measured, "ok": bool(ok)}


def recorded(found):
    """The windows of the service level are one expression, and the alerts hold all of them against one budget."""
    shares = {rule["name"].rpartition("rate")[2]: rule["query"] for rule in found if rule["type"] == "recording"}
    yield told("windows of the service level", sorted(WINDOWS), sorted(shares), sorted(WINDOWS) == sorted(shares))
    forms = {expression.replace(f"[{window}]", "[]") for window, expression in shares.items()}
    yield told("forms of their expression", 1, len(forms), len(forms) == 1)
    budgets = {float(number) for rule in found if "skerry:jobs_failed" in rule["query"] and rule["type"] == "alerting"
               for number in re.findall(r"\* (\S+?)\)?(?:\s|$)", rule["query"])}
    yield told("error budget", [BUDGET], sorted(budgets), budgets == {BUDGET})


def written(name, alert):
    """Labels, annotations and the runbook's page."""
    notes = alert["annotations"]
    yield told(f"{name}: severity", sorted(SEVERITIES), alert["labels"].get("severity"), set(alert["labels"]) == {"severity"}
               and alert["labels"]["severity"] in SEVERITIES)
    yield told(f"{name}: annotations", ANNOTATIONS, sorted(notes), sorted(notes) == ANNOTATIONS)
    url = notes.get("runbook_url", "")
    page = ROOT / "docs" / "runbooks" / url.removeprefix(RUNBOOKS)
    there = url.startswith(RUNBOOKS) and page.is_file()
    text = page.read_text(encoding="utf-8") if there else ""
    headings = re.findall(r"^## (.+)$", text, re.M)
    yield told(f"{name}: runbook", HEADINGS, headings or f"no page {page.name}", headings == HEADINGS and name in text)
    listed = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{name}` \| {alert['labels']['severity']} \|.*\(runbooks/{page.name}\) \|$", listed, re.M)
    yield told(f"{name}: row in docs/observability.md", f"with its severity and a link to runbooks/{page.name}", bool(row), row)


def tried(name, alert, cases):
    for number, case in enumerate(cases, 1):
        title = f"{'fires' if case.fires else 'does not fire'} in case {number}"
        wanted = []
        if case.fires:
            wanted = [{"exp_labels": {**alert["labels"], **case.labels},
                       "exp_annotations": {"summary": case.summary, "description": case.description,
                                           "runbook_url": alert["annotations"]["runbook_url"]}}]
        looks = {"alert_rule_test": [{"eval_time": case.at, "alertname": name, "exp_alerts": wanted}]}
        if case.early:
            looks["alert_rule_test"].append({"eval_time": case.early, "alertname": name, "exp_alerts": []})
            pending = f'count(ALERTS{{alertname="{name}", alertstate="pending"}})'
            looks["promql_expr_test"] = [{"expr": pending, "eval_time": case.early, "exp_samples": [{"labels": "{}", "value": 1}]}]
        series = [{"series": series, "values": values} for series, values in case.series.items()]
        world = {"rule_files": [str(RULES)], "evaluation_interval": case.step,
                 "tests": [{"interval": case.every, "input_series": series, **looks}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="skerry-rules-") as file:
            json.dump(world, file)  # JSON is YAML
            file.flush()
            ok, said = prometheus.promtool("test", "rules", file.name)
        yield told(f"{name}: {title}", title, said if not ok else title, ok)


def run():
    prometheus.need("prometheus", "promtool")
    return list(results())


def main():
    found = run()
    for result in found:
        if not result["ok"]:
            print(f"FAILED {result['name']}: asked {result['asked']}\n    {result['measured']}")
    print(f"{sum(result['ok'] for result in found)} of {len(found)} hold")
    return 0 if all(result["ok"] for result in found) else 1


if __name__ == "__main__":
    sys.exit(main())
