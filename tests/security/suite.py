"""Runs the parts one after the other, and prints a table or JSON."""

import argparse
import json
import pathlib
import sys
import tempfile
import traceback

from harness.programs import ROOT, Programs
from harness.report import commit, machine
from security import audit, cost, floods, members, models, secrets, tenants, units

SKIPPED = 77
PARTS = {"access": units.access, "tokens": units.tokens, "smuggling": units.smuggling, "ssrf": units.ssrf,
         "members": members.run, "stolen": units.stolen, "audit": audit.run, "secrets": secrets.run, "floods": floods.run,
         "models": models.run, "tenants": tenants.run, "cost": cost.run}
NOT_QUICK = {"cost", "tenants"}  # figures of speed, which mean nothing beside other tests


class Suite:
    """What a part gets: programs, a folder, whether to be quick; and says check() and skip()."""

    def __init__(self, build, quick, folder):
        self.programs = Programs(build)
        self.quick = quick
        self.folder = folder
        self.checks, self.skipped = [], []

    def check(self, name, asked, measured, ok):
        self.checks.append({"name": name, "asked": asked, "measured": measured, "ok": bool(ok)})
        print(f"  {'ok  ' if ok else 'FAIL'} {name}: asked {asked}, measured {measured}", file=sys.stderr, flush=True)

    def skip(self, what, why):
        self.skipped.append({"name": what, "why": why})
        print(f"  skip {what}: {why}", file=sys.stderr, flush=True)


def main(about, arguments):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true", help="name the parts, and end")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="folder of the programs")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(PARTS))
        return 0
    unknown = set(options.names) - set(PARTS)
    if unknown:
        parser.error(f"no part is called {sorted(unknown)}; there are {', '.join(PARTS)}")
    chosen = options.names or [name for name in PARTS if not (options.quick and name in NOT_QUICK)]
    with tempfile.TemporaryDirectory(prefix="skerry-security-") as folder:
        suite = Suite(options.build, options.quick, pathlib.Path(folder))
        for name in chosen:
            print(f"== {name}", file=sys.stderr, flush=True)
            try:
                PARTS[name](suite)
            except Exception as failure:  # one part that breaks must not hide what the others find
                traceback.print_exc()
                suite.check(f"{name} ran to its end", "yes", f"no: {failure}", False)
    if options.json:
        print(json.dumps({"suite": "security", "commit": commit(), "machine": machine(), "skipped": suite.skipped,
                          "checks": suite.checks}))
    failed = sum(not check["ok"] for check in suite.checks)
    print(f"{len(suite.checks)} checks, {failed} failed, {len(suite.skipped)} skipped", file=sys.stderr)
    return 1 if failed else SKIPPED if suite.skipped else 0
