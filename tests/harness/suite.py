"""Suites of checks against real programs: parts that run one after the other, a table for people, or one JSON object."""

import argparse
import json
import pathlib
import sys
import tempfile
import traceback

from harness.programs import ROOT, Programs
from harness.report import commit, machine

SKIPPED = 77


class Suite:
    """What a part gets: programs, a folder, whether to be quick; and says check() and skip()."""

    def __init__(self, build, quick, folder):
        self.programs = Programs(build)
        self.build = pathlib.Path(build)
        self.quick = quick
        self.folder = folder
        self.checks, self.skipped = [], []

    def check(self, name, asked, measured, ok):
        self.checks.append({"name": name, "asked": asked, "measured": measured, "ok": bool(ok)})
        print(f"  {'ok  ' if ok else 'FAIL'} {name}: asked {asked}, measured {measured}", file=sys.stderr, flush=True)

    def skip(self, what, why):
        self.skipped.append({"name": what, "why": why})
        print(f"skipped: {what}: {why}", flush=True)  # ctest shows it as the reason


def main(suite_name, about, parts, not_quick, arguments):
    """parts: name -> a function of the Suite. not_quick: those that --quick leaves out. Returns the exit status."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true", help="name the parts, and end")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="folder of the programs")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(parts))
        return 0
    unknown = set(options.names) - set(parts)
    if unknown:
        parser.error(f"no part is called {sorted(unknown)}; there are {', '.join(parts)}")
    chosen = options.names or [name for name in parts if not (options.quick and name in not_quick)]
    with tempfile.TemporaryDirectory(prefix=f"skerry-{suite_name}-") as folder:
        suite = Suite(options.build, options.quick, pathlib.Path(folder))
        for name in chosen:
            print(f"== {name}", file=sys.stderr, flush=True)
            try:
                parts[name](suite)
            except Exception as failure:  # one part that breaks must not hide what the others find
                traceback.print_exc()
                suite.check(f"{name} ran to its end", "yes", f"no: {failure}", False)
    if options.json:
        print(json.dumps({"suite": suite_name, "commit": commit(), "machine": machine(), "skipped": suite.skipped, "checks": suite.checks}))
    failed = sum(not check["ok"] for check in suite.checks)
    print(f"{len(suite.checks)} checks, {failed} failed, {len(suite.skipped)} skipped", file=sys.stderr)
    return 1 if failed else SKIPPED if suite.skipped else 0
