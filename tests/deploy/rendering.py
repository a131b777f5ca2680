"""Renders the chart as helm does, into Python values."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))

from chart import tools  # noqa: E402

CHART = ROOT / "helm" / "skerry"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
RELEASE, NAMESPACE = "skerry", "islands"
SECRET_HOOK = "pre-install,pre-upgrade"


class Refused(Exception):
    """helm rendered nothing; the text is what it said."""


class Rendered(NamedTuple):
    objects: list[dict[str, Any]]
    seconds: float

    def of(self, *kinds):
        return [one for one in self.objects if one["kind"] in kinds]

    def one(self, kind, name):
        return next(found for found in self.of(kind) if found["metadata"]["name"] == name)

    def files(self):
        """controller.yaml and agent.yaml, by the name of their ConfigMap."""
        return {one["metadata"]["name"]: (key, text) for one in self.of("ConfigMap") for key, text in (one.get("data") or {}).items()
                if key in ("controller.yaml", "agent.yaml")}


def value_sets():
    return sorted((FOLDER / "values").glob("*.yaml"))


def pod_of(one):
    """The pod's metadata and spec that an object makes; None if it makes none."""
    if one["kind"] == "Pod":
        return one["metadata"], one["spec"]
    if one["kind"] in ("StatefulSet", "DaemonSet", "Deployment", "Job"):
        return one["spec"]["template"]["metadata"], one["spec"]["template"]["spec"]
    return None


def identity(one):
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


class Helm:
    """helm of this machine over a copy of the chart, in which dashboards and rules are those of fixture/.

    So what the tests see does not change with a panel. Owned by one test run; close() removes the copy.
    """

    def __init__(self):
        self.program = tools.helm()
        self.folder = tempfile.TemporaryDirectory(prefix="skerry-chart-")
        self.fixed = pathlib.Path(self.folder.name) / "skerry"
        if self.program:
            shutil.copytree(CHART, self.fixed, ignore=shutil.ignore_patterns("dashboards", "rules"))
            shutil.copytree(FOLDER / "fixture", self.fixed, dirs_exist_ok=True)

    def close(self):
        self.folder.cleanup()

    def run(self, *arguments, stdin=None, timeout_s=60):
        return subprocess.run([self.program, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False, timeout=timeout_s)

    def template(self, *flags, values=None, chart=None):
        """What `helm template` renders. values: a file, or a map. Refused: it does not."""
        given = list(flags)
        if isinstance(values, dict):
            given += ["--values", "-"]
        elif values:
            given += ["--values", values]
        begin = time.monotonic()
        told = self.run("template", RELEASE, chart or self.fixed, "--namespace", NAMESPACE, *given,
                        stdin=yaml.safe_dump(values) if isinstance(values, dict) else None)
        seconds = time.monotonic() - begin
        if told.returncode != 0:
            raise Refused(told.stderr.strip())
        return Rendered([one for one in yaml.load_all(told.stdout, LOADER) if one], seconds)
