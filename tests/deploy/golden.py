"""Compares what was rendered with golden/: as values, so that neither order nor layout of YAML counts."""

import difflib
import pathlib

import yaml

from .rendering import FOLDER, LOADER, SECRET_HOOK, identity

GOLDEN = FOLDER / "golden"


def without_what_is_random(one):
    """Secrets that were made, and with them their authority, differ each time."""
    if one["metadata"].get("annotations", {}).get("helm.sh/hook") == SECRET_HOOK:
        return one | {"data": dict.fromkeys(one["data"], "made")}
    return one


def text_of(objects):
    kept = sorted(map(without_what_is_random, objects), key=identity)
    return yaml.safe_dump_all(kept, sort_keys=True, width=140)


def path_of(value_set):
    return GOLDEN / pathlib.Path(value_set).name


def difference(value_set, objects):
    """A diff of the golden file and what was rendered; "" if they are the same."""
    path, now = path_of(value_set), text_of(objects)
    then = path.read_text(encoding="utf-8") if path.exists() else ""
    if list(yaml.load_all(then, LOADER)) == list(yaml.load_all(now, LOADER)):
        return ""
    return "".join(difflib.unified_diff(then.splitlines(True), now.splitlines(True), f"golden/{path.name}", "rendered", n=2))


def update(value_set, objects):
    """True if the file changed."""
    if not difference(value_set, objects):
        return False
    GOLDEN.mkdir(exist_ok=True)
    path_of(value_set).write_text(f"# What helm renders with values/{path_of(value_set).name}; chart_test.py --update writes it.\n"
                                  + text_of(objects), encoding="utf-8")
    return True
