"""Reads helm/skerry/values.yaml with its comments: what each value means, and what it may be.

A line `# -- TEXT` (and the comment lines after it) describes the key below; `# @schema KEY: VALUE, ...` gives what a JSON schema says of
it beyond the type of its default. A key without a description is a section: a map whose keys are described.
"""

import pathlib
from typing import Any, NamedTuple

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "skerry"
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class Value(NamedTuple):
    path: tuple[str, ...]
    description: str
    default: Any
    rules: dict[str, Any]  # of a JSON schema

    @property
    def name(self):
        return ".".join(self.path)


class Undescribed(Exception):
    """A key has neither a description nor keys that have one."""


def comment_above(lines, line):
    """The comment that ends right above a line, without its `#`s."""
    first = line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return [text.strip().removeprefix("#").strip() for text in lines[first:line]]


def description_and_rules(comment):
    description, rules = [], {}
    for text in comment:
        if text.startswith("@schema"):
            rules |= yaml.safe_load("{" + text.removeprefix("@schema").strip() + "}")
        elif text.startswith("-- "):
            description = [text.removeprefix("-- ")]
        elif description:
            description.append(text)
    return " ".join(description), rules


def walk(lines, node, path):
    for key, child in node.value:
        here = (*path, key.value)
        description, rules = description_and_rules(comment_above(lines, key.start_mark.line))
        if description:
            yield Value(here, description, yaml.safe_load(yaml.serialize(child)), rules)
        elif isinstance(child, yaml.MappingNode) and child.value:
            yield from walk(lines, child, here)
        else:
            raise Undescribed(f"values.yaml:{key.start_mark.line + 1}: {'.'.join(here)} needs a line `# -- ...` above it")


def read(path=CHART / "values.yaml"):
    """All described values, in their order."""
    text = path.read_text(encoding="utf-8")
    return list(walk(text.splitlines(), yaml.compose(text), ()))
