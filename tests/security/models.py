"""Hostile models: what the sandbox's own suite tries (tests/sandbox/run), and files that change between check and load."""

import json
import os
import subprocess

from harness.programs import ROOT


def run(suite):
    words = [ROOT / "tests" / "sandbox" / "run", "--json", "--build", suite.programs.build] + (["--quick"] if suite.quick else [])
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 77) or not done.stdout.strip():
        raise RuntimeError(f"tests/sandbox/run ended with {done.returncode}: {done.stderr[-500:]}")
    report = json.loads(done.stdout.splitlines()[-1])
    for check in report["checks"]:
        suite.check(check["name"], check["asked"], check["measured"], check["ok"])
    for skipped in report["skipped"]:
        suite.skip(*(skipped.values() if isinstance(skipped, dict) else (skipped, "as tests/sandbox/run says")))
    swaps = 50 if suite.quick else 1000
    out = suite.folder / "swaps.json"
    subprocess.run([suite.programs.build / "agent" / "runner" / "skerry_runner_direct_test", "--gtest_filter=HostileModels.*",
                    f"--gtest_output=json:{out}", "--gtest_brief=1"],
                   env={**os.environ, "SKERRY_SWAPS": str(swaps)}, check=False, stdout=subprocess.DEVNULL)
    told = json.loads(out.read_text())
    cases = [case for group in told["testsuites"] for case in group["testsuite"]]
    race = [case for case in cases if "loaded" in case]
    loads = sum(int(case["loaded"]) + int(case["refused"]) for case in race)
    suite.check("model file swapped between check and load: loads tried", swaps, loads, loads >= swaps)
    suite.check("hostile archives, and swapped files loaded wrong", 0, told["failures"], told["failures"] == 0 and cases)
