"""The parts of scripts/deploy-suite."""

import importlib
import os
import pathlib
import subprocess
import sys

from deploy import images, packages
from harness import suite
from harness.programs import ROOT

sys.path.insert(0, str(ROOT / "tests" / "observability"))
sys.path.insert(0, str(ROOT / "scripts"))


def take(suite_, found):
    for check in found:
        suite_.check(check["name"], check["asked"], check["measured"], check["ok"])


def chart(suite_):
    """helm/skerry, rendered with every set of values; its pods run as processes; docs/deploy-kubernetes.md."""
    from deploy import chart_test  # pylint: disable=import-outside-toplevel
    os.environ["SKERRY_BUILD"] = str(suite_.build.resolve())
    try:
        take(suite_, chart_test.checks())
    except chart_test.Missing as missing:
        suite_.skip("the chart", str(missing))
        return
    for name, what in (("chart_checks_test", "faults planted in the chart are found"), ("pods_test", "the chart's pods as processes")):
        test(suite_, ROOT / "tests" / "deploy" / f"{name}.py", what)


def test(suite_, program, what):
    """A test that is a program: one check."""
    done = subprocess.run([sys.executable, program], env={**os.environ, "SKERRY_BUILD": str(suite_.build.resolve())}, capture_output=True,
                          text=True, check=False)
    said = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode == suite.SKIPPED:
        suite_.skip(what, next((line for line in said if line.startswith("skipped")), "it does not say why"))
        return
    ran = next((line for line in reversed(said) if line.startswith("Ran ")), said[-1] if said else "")
    if done.returncode != 0:
        print("\n".join(said[-40:]), file=sys.stderr)
    suite_.check(what, "exit status 0", f"{done.returncode}, {ran}", done.returncode == 0)


def observed(module, *arguments):
    """A part of tests/observability: it ends with 77 where something is missing."""
    def run(suite_):
        try:
            take(suite_, importlib.import_module(module).run(*(argument(suite_) for argument in arguments)))
        except SystemExit as skipped:
            if skipped.code != suite.SKIPPED:
                raise
            suite_.skip(module.removesuffix("_test"), "as said above")
    return run


def build_of(suite_) -> pathlib.Path:
    return suite_.build


PARTS = {"chart": chart, "dashboards": observed("dashboards_test"), "alerts": observed("rules_test"), "live": observed("live_test", build_of),
         "packages": packages.run, "images": images.run}
NOT_QUICK = set()


def main(about, arguments):
    return suite.main("deploy", about, PARTS, NOT_QUICK, arguments)
