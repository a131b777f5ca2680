#!/usr/bin/env python3
"""./quickstart as a user runs it: its last line is the promised object, nothing is lost, and no process stays behind."""

import json
import pathlib
import subprocess
import sys
import unittest

import support
from support import PROGRAMS, ROOT


def processes_in(folder):
    """Pids whose command line mentions the folder."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if folder.encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


class Quickstart(unittest.TestCase):
    def test_it_keeps_its_word(self):
        done = subprocess.run([sys.executable, ROOT / "scripts" / "quickstart.py", "--exit", "--json", "--build", PROGRAMS.build],
                              capture_output=True, text=True, check=False, timeout=240)
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])
        print(done.stderr)
        figures = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual({key: figures[key] for key in ("jobs", "succeeded", "lost", "duplicated")},
                         {"jobs": 1000, "succeeded": 1000, "lost": 0, "duplicated": 0})
        self.assertGreater(figures["accuracy"], 0.9)
        self.assertEqual(set(figures["presets"]), {"fast", "green", "cheap", "accurate"})
        self.assertEqual(sum(preset["jobs"] for preset in figures["presets"].values()), 1000)
        self.assertIsNotNone(figures["failover_ms"])
        self.assertLess(figures["failover_ms"], 10_000)
        choices = {max(preset["choices"], key=preset["choices"].get) for preset in figures["presets"].values()}
        self.assertGreaterEqual(len(choices), 3, figures["presets"])

    def test_help_names_its_options(self):
        done = subprocess.run([ROOT / "quickstart", "--help"], capture_output=True, text=True, check=True)
        for option in ("--exit", "--json", "--no-build"):
            self.assertIn(option, done.stdout)


if __name__ == "__main__":
    support.main()
