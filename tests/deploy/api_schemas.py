"""Checks objects against the schemas of the Kubernetes API, strictly: a field that the API does not know is a complaint."""

import functools
import json
import pathlib
import re

import jsonschema

OWN = pathlib.Path(__file__).resolve().parent / "schemas"  # of custom resources, made by crd_schemas.py


def file_name(one):
    """As the schemas' files are called: deployment-apps-v1.json, pod-v1.json."""
    version = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", one["apiVersion"])
    return f"{one['kind'].lower()}-{version}.json"


@functools.cache
def definitions(folder):
    return json.loads(_local((folder / "_definitions.json").read_text(encoding="utf-8")))["$defs"]


def _local(text):
    return text.replace('"/api/_definitions.json#/$defs/', '"#/$defs/')


@functools.cache
def validator(folder, name):
    if (OWN / name).exists():
        return jsonschema.Draft7Validator(json.loads((OWN / name).read_text(encoding="utf-8")))
    if not (folder / name).exists():
        return None
    schema = json.loads(_local((folder / name).read_text(encoding="utf-8")))
    schema.pop("$id", None)
    return jsonschema.Draft202012Validator(schema | {"$defs": definitions(folder)})


def nulls(value, path=""):
    """Paths at which a null stands: the API drops them, so a template did not mean them."""
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from nulls(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from nulls(inner, f"{path}/{index}")


def complaints(one, folder):
    """What is wrong with the object for the API's version in the folder; [] if nothing."""
    found = validator(folder, file_name(one))
    who = f"{one['kind']} {one['metadata']['name']}"
    if found is None:
        return [f"{who}: Kubernetes {folder.name} knows no {one['apiVersion']} {one['kind']}"]
    said = [f"{who} /{'/'.join(map(str, error.absolute_path))}: {error.message[:200]} (Kubernetes {folder.name})" for error in found.iter_errors(one)]
    return said + [f"{who} {path}: null" for path in nulls(one)]
