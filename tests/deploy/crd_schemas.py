#!/usr/bin/env python3
"""Writes schemas/, by which custom resources of the chart are checked: from the Go modules that hold the definitions.

Usage: crd_schemas.py        needs go, and the Go module proxy. Run it when a version below changes; tests only read the result.

A definition's schema says what is known; a field that it does not name is an error in ours, as with kubectl's strict validation.
Descriptions and rules in CEL are left out.
"""

import json
import pathlib
import subprocess

import yaml

FOLDER = pathlib.Path(__file__).parent / "schemas"
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.93.0"
GATEWAY = "sigs.k8s.io/gateway-api@v1.5.1"
MONITORING = "example/prometheus-operator-crd/monitoring.coreos.com_"
STANDARD = "config/crd/standard/gateway.networking.k8s.io_"
DEFINITIONS = [
    (OPERATOR, f"{MONITORING}servicemonitors.yaml"),
    (OPERATOR, f"{MONITORING}podmonitors.yaml"),
    (OPERATOR, f"{MONITORING}prometheusrules.yaml"),
    (GATEWAY, f"{STANDARD}tlsroutes.yaml"),
]
KEPT = {"type", "properties", "required", "items", "enum", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum",
        "additionalProperties", "anyOf", "oneOf", "allOf", "not"}


def strict(schema):
    """The schema without prose, in which what is not named is an error."""
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: strict(inner) for name, inner in value.items()}
        elif key in ("anyOf", "oneOf", "allOf"):
            made[key] = [strict(inner) for inner in value]
        elif key in ("items", "additionalProperties", "not"):
            made[key] = strict(value)
        elif key in KEPT:
            made[key] = value
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if "properties" in made and schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def module_folder(module):
    told = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, text=True, check=True)
    return pathlib.Path(json.loads(told.stdout)["Dir"])


def schema_of(definition, version):
    whole = strict(version["schema"]["openAPIV3Schema"])
    whole["properties"]["apiVersion"] = {"enum": [f"{definition['spec']['group']}/{version['name']}"]}
    whole["properties"]["kind"] = {"enum": [definition["spec"]["names"]["kind"]]}
    whole["properties"]["metadata"] = {"type": "object"}
    whole["properties"].pop("status", None)
    whole["required"] = sorted({*whole.get("required", []), "apiVersion", "kind", "metadata"})
    return whole


def main():
    FOLDER.mkdir(exist_ok=True)
    for module, path in DEFINITIONS:
        definition = yaml.safe_load((module_folder(module) / path).read_text(encoding="utf-8"))
        for version in definition["spec"]["versions"]:
            if not version["served"] or version["name"] not in ("v1", "v1alpha2"):
                continue
            kind = definition["spec"]["names"]["kind"].lower()
            name = f"{kind}-{definition['spec']['group'].split('.')[0]}-{version['name']}.json"
            schema = {"$comment": f"{module} {path}, Apache-2.0; made by crd_schemas.py", **schema_of(definition, version)}
            (FOLDER / name).write_text(json.dumps(schema, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")
            print(name)


if __name__ == "__main__":
    main()
