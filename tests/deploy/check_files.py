"""Checks of the files around the chart: its version, install.yaml, what NOTES.txt tells people to type, dashboards and rules."""

import json
import re
import shutil

import yaml
from chart import made

from . import api_schemas, check_secrets, pod_standard
from .rendering import CHART, NAMESPACE, RELEASE, ROOT, Refused, pod_of

LARGEST_CONFIG_MAP = 1 << 20  # etcd's


def versions(report):
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = re.search(r"project\(skerry VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")).group(1)
    found = {"version": chart["version"], "appVersion": str(chart["appVersion"])}
    said = [f"{name} is {value}, the project's is {project}" for name, value in found.items() if value != project]
    report.complaints("version", "the chart's is the project's", said, 2)


def lint(report, helm, sets):
    said = []
    for path in sets:
        told = helm.run("lint", "--strict", CHART, "--values", path)
        if told.returncode != 0 or "0 chart(s) failed" not in told.stdout:
            said.append(f"{path.name}: {told.stdout}{told.stderr}")
    report.complaints("lint", "helm lint --strict, with each set of values", said, len(sets))


def speed(report, rendered):
    slowest = max(rendered, key=lambda name: rendered[name].seconds)
    report.add("render, s (bench/run deploy takes medians)", "told", f"{rendered[slowest].seconds:.2f} for {slowest}, the slowest of {len(rendered)}", True)


def current(report, helm):
    said = []
    for path, make in ((made.README, made.readme), (made.INSTALL, lambda: made.install(helm.program))):
        if not path.exists() or path.read_text(encoding="utf-8") != make():
            said.append(f"{path.relative_to(ROOT)} is not current: scripts/chart-files")
    report.complaints("current", "the README's table and install.yaml follow from the chart", said, 2)


def install_yaml(report, folder):
    """It is good by itself, fits the namespace that it makes, and holds no secret; what it needs is what the script makes."""
    objects = [one for one in yaml.safe_load_all(made.INSTALL.read_text(encoding="utf-8")) if one]
    said = [f"{one['metadata']['name']} is a Secret" for one in objects if one["kind"] == "Secret"]
    for version in sorted((folder / "schemas").iterdir()) if folder else []:
        said += [text for one in objects for text in api_schemas.complaints(one, version)]
    for one in objects:
        said += [f"{one['metadata']['name']}: {text}" for text in (pod_standard.complaints(pod_of(one)[1]) if pod_of(one) else [])]
        said += [f"{one['metadata']['name']}: a hook, which kubectl does not know" for key in one["metadata"].get("annotations", {}) if "hook" in key]
    needed = {name for one in objects for name in check_secrets.referenced(one)}
    said += [f"it needs {name}, and scripts/kubernetes-secrets makes none" for name in needed - check_secrets.KEYS.keys()]
    if objects[0]["kind"] != "Namespace" or objects[0]["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
        said.append("it begins with no namespace that enforces the restricted standard")
    report.complaints("install.yaml", "good objects without secrets, in a namespace that enforces the standard", said, len(objects))


def notes(report, helm, sets):
    """What NOTES.txt tells people to type names objects that are there."""
    said, looked_at = [], 0
    for path in sets:
        told = helm.run("install", RELEASE, helm.fixed, "--namespace", NAMESPACE, "--dry-run=client", "--values", path)
        text = told.stdout.partition("NOTES:\n")[2]
        if told.returncode != 0 or not text:
            said.append(f"{path.name}: {told.stderr}")
            continue
        there = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in helm.template(values=path).objects}
        external = yaml.safe_load(path.read_text(encoding="utf-8"))
        for kind, name in re.findall(r"(statefulset|daemonset|service|secret|configmap)[/ ]([a-z0-9.-]+)", text):
            looked_at += 1
            if f"{kind}/{name}" not in there and f": {name}" not in json.dumps(external).replace('"', "") and "secrets.create" not in text:
                said.append(f"{path.name}: names {kind} {name}, which is not there")
        if re.search(r"<no value>|%!|\{\{(?!index)", text):
            said.append(f"{path.name}: {text}")
    report.complaints("notes", "NOTES.txt names what is there", said, looked_at)


def dashboards_and_rules(report, helm, rendered):
    """Those of the repository go in as they are; those of the tests show what the values change."""
    said = []
    real = helm.template(chart=CHART, values={"prometheusRule": {"enabled": True}})
    files = sorted((CHART / "dashboards").glob("*.json"))
    found = {key: text for one in real.of("ConfigMap") for key, text in (one.get("data") or {}).items() if key.endswith(".json")}
    for path in files:
        if json.loads(found.get(path.name, "null")) != json.loads(path.read_text(encoding="utf-8")):
            said.append(f"{path.name} does not go in whole")
        if path.stat().st_size > LARGEST_CONFIG_MAP:
            said.append(f"{path.name} is larger than a ConfigMap may be")
    rules = CHART / "rules" / "skerry-alerts.yaml"
    if rules.exists():
        inside = [one["spec"]["groups"] for one in real.of("PrometheusRule")]
        if inside != [yaml.safe_load(rules.read_text(encoding="utf-8"))["groups"]]:
            said.append("rules/skerry-alerts.yaml does not go in whole")
    every = rendered["all-on.yaml"]
    groups = every.one("PrometheusRule", "reef")["spec"]["groups"]
    by_name = {rule.get("alert", "record"): rule for group in groups for rule in group["rules"]}
    if by_name.keys() != {"SkerryOne", "record", "Mine"}:
        said.append(f"rules are {sorted(by_name)}")
    elif (by_name["SkerryOne"]["for"], by_name["SkerryOne"]["labels"]) != ("30m", {"severity": "info", "cluster": "reef"}):
        said.append(f"SkerryOne is {by_name['SkerryOne']}")
    elif by_name["SkerryOne"]["annotations"] != {"summary": "{{ $labels.node }} brakes"}:
        said.append(f"the templates of alerts are read by helm: {by_name['SkerryOne']}")
    board = every.one("ConfigMap", "reef-dashboard-fleet")
    if json.loads(board["data"]["fleet.json"]) != json.loads((helm.fixed / "dashboards/fleet.json").read_text(encoding="utf-8")):
        said.append("a dashboard is not what its file says")
    if board["metadata"]["labels"].get("grafana_dashboard") != "1" or board["metadata"]["namespace"] != "grafana":
        said.append("a dashboard is not labelled, or not where it was asked for")
    report.complaints("dashboards and rules", "as their files say, changed as the values say", said, len(files) + 3)


def works_without(report, helm):
    """A chart without dashboards and rules renders: somebody may leave them out."""
    bare = helm.fixed.parent / "bare"
    shutil.copytree(helm.fixed, bare, ignore=shutil.ignore_patterns("dashboards", "rules"))
    try:
        found = helm.template(chart=bare, values={"prometheusRule": {"enabled": True, "configMap": True}})
        said = [f"{one['kind']} {one['metadata']['name']}" for one in found.of("PrometheusRule")]
    except Refused as refused:
        said = [str(refused)]
    report.complaints("without dashboards", "renders where dashboards and rules are absent", said, 1)


def package(report, helm):
    told = helm.run("package", CHART, "--destination", helm.fixed.parent)
    report.complaints("package", "helm package makes an archive", [] if told.returncode == 0 else [told.stderr], 1)
