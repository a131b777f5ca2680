"""What is made from the chart's values and templates: each function returns the whole text of one file."""

import json
import subprocess

from . import values

README = values.CHART / "README.md"
SCHEMA = values.CHART / "values.schema.json"
INSTALL = values.ROOT / "helm" / "install.yaml"
MARKS = "<!-- made by scripts/chart-files from values.yaml -->\n", "<!-- end -->\n"
NAMESPACE = "skerry"
INSTALL_VALUES = ["secrets.create=false", "tests.enabled=false", "dashboards.enabled=false"]
INSTALL_HEAD = """\
# Skerry without helm, made from helm/skerry by scripts/chart-files. It holds no secrets: make them once, before or after.
#
#   kubectl apply -f helm/install.yaml
#   scripts/kubernetes-secrets | kubectl create -f -
#
# docs/deploy-kubernetes.md says more.
---
apiVersion: v1
kind: Namespace
metadata:
  name: skerry
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


def property_of(value):
    known = {"description": value.description.replace("`", ""), "default": value.default}
    if not {"type", "enum", "$ref"} & value.rules.keys():
        known["type"] = values.TYPES[type(value.default)]
    return known | value.rules


def schema():
    """A JSON schema in which every value is described, and what is none is refused."""
    root = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart skerry", "type": "object",
            "additionalProperties": False, "properties": {}}
    for value in values.read():
        section = root
        for part in value.path[:-1]:
            section = section["properties"].setdefault(part, {"type": "object", "additionalProperties": False, "properties": {}})
        section["properties"][value.path[-1]] = property_of(value)
    return json.dumps(root, indent=1, ensure_ascii=False) + "\n"


def cell(text):
    return text.replace("|", "\\|")


def table():
    rows = ["| value | default | what |", "|---|---|---|"]
    for value in values.read():
        default = json.dumps(value.default, ensure_ascii=False)
        rows.append(f"| `{value.name}` | `{cell(default)}` | {cell(value.description)} |")
    return "\n".join(rows) + "\n"


def readme():
    """The README with the table of today between its marks."""
    begin, end = MARKS
    before, rest = README.read_text(encoding="utf-8").split(begin)
    return before + begin + "\n" + table() + "\n" + end + rest.split(end)[1]


def install(helm):
    """All objects but those that are secret, as `helm template` writes them."""
    flags = [flag for value in INSTALL_VALUES for flag in ("--set", value)]
    told = subprocess.run([helm, "template", "skerry", str(values.CHART), "--namespace", NAMESPACE, "--no-hooks", *flags],
                          capture_output=True, text=True, check=True)
    return INSTALL_HEAD + told.stdout.replace("app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl")
