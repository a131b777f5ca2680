"""Debian's Prometheus and promtool for the tests: where they are, and what to say where they are not."""

import functools
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "helm" / "skerry" / "rules" / "skerry-alerts.yaml"
UNPACKED = ROOT / "build" / "prometheus" / "usr" / "bin"  # by scripts/install-deps
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


@functools.cache
def program(name):
    """The path of prometheus or promtool, None if there is none."""
    return shutil.which(name, path=os.pathsep.join([str(UNPACKED), os.environ.get("PATH", "")]))


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def need(*names):
    missing = [name for name in names if not program(name)]
    if missing:
        skip(f"no {' and '.join(missing)} here; scripts/install-deps brings Debian's")


def promtool(*words):
    """(whether it found all well, what it said)."""
    done = subprocess.run([program("promtool"), *map(str, words)], capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stdout + done.stderr).strip()
