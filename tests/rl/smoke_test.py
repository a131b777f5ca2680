#!/usr/bin/env python3
"""Trains, resumes, exports and evaluates with the real skerry-rl, in about a minute.

Usage: smoke_test.py SKERRY_RL CONFIG [SUITE...]

Shows that the commands work together and that what they write is read by the others; not how good a policy gets.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, CONFIG, SUITES = sys.argv[1], sys.argv[2], sys.argv[3:] or ["env", "gmorl-e6"]
SHORT = ["--set", "iterations=4", "--set", "gmorl.probe_episodes=20"]


def rl(*arguments, code=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if done.returncode != code:
        raise AssertionError(f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="skerry-rl-")
        cls.out = pathlib.Path(cls.folder.name) / "run"
        cls.text = rl("train", "-c", CONFIG, "--out", cls.out, *SHORT).stdout
        cls.policy = cls.out / "policy.json"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_training_tells_its_progress_and_leaves_a_bundle(self):
        self.assertIn("iteration 4/4", self.text)
        self.assertIn("steps/s", self.text)
        self.assertIn("left", self.text)
        bundle = json.loads(self.policy.read_text())
        self.assertEqual(bundle["kind"], "PolicyBundle")
        self.assertGreater(bundle["training"]["labels"], 0)
        for key in ("config", "seed", "labels", "seconds", "machine", "commit", "figures"):
            self.assertIn(key, bundle["training"])
        curves = (self.out / "curves.csv").read_text().splitlines()
        self.assertEqual(len(curves[0].split(",")), len(curves[1].split(",")))

    def test_a_checkpoint_exports_as_the_policy_and_is_resumed_with_its_own_settings_alone(self):
        before = json.loads(self.policy.read_text())["weights"]
        rl("export", "--run", self.out, "--out", self.out / "again.json")
        self.assertEqual(json.loads((self.out / "again.json").read_text())["weights"], before)
        other = rl("train", "-c", CONFIG, "--out", self.out, "--resume", code=1)  # other settings
        self.assertIn("other settings", other.stderr)

    def test_what_was_stopped_goes_on_and_what_is_done_stays(self):
        out = self.out.parent / "stopped"
        start = ["train", "-c", CONFIG, "--out", str(out), *SHORT, "--set", "save_every=1", "--set", "iterations=8"]
        with subprocess.Popen([PROGRAM, *start], stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("iteration 3/"):
                    process.kill()
        begun = int((out / "progress").read_text().split()[0])
        self.assertGreaterEqual(begun, 2)
        text = rl(*start, "--resume").stdout
        self.assertNotIn("iteration 1/8", text)
        self.assertIn("iteration 8/8", text)
        whole = (out / "policy.json").read_text()
        self.assertGreater(json.loads(whole)["training"]["labels"], 0)
        self.assertIn("all 8 iterations are done", rl(*start, "--resume").stdout)
        self.assertEqual((out / "policy.json").read_text(), whole)

    def test_suites_print_policies_and_checks(self):
        for suite in SUITES:
            with self.subTest(suite=suite):
                out = self.out / "report"
                done = rl("evaluate", "--suite", suite, "--policy", self.policy, "--quick", "--json", "--out", out)
                result = json.loads(done.stdout)
                self.assertEqual(result["suite"], suite)
                self.assertIn("learned", result["policies"])
                self.assertIn("ci95", result["policies"]["greedy"])
                for check in result["checks"]:
                    self.assertLessEqual({"name", "asked", "measured", "ok"}, check.keys())
                self.assertIn("<table>", (out / f"{suite}.html").read_text())
                card = rl("export", "--policy", self.policy, "--card", out / f"{suite}.json", "--out",
                           self.out / "carded.json")
                self.assertIn("wrote", card.stdout)
                self.assertEqual(json.loads((self.out / "carded.json").read_text())["card"]["suite"], suite)

    def test_skerrys_own_problem_is_learned_from_episodes_measured_and_timed(self):
        out = self.out.parent / "fleet"
        rl("train", "-c", pathlib.Path(CONFIG).parent / "fleet.yaml", "--out", out, "--set", "iterations=2", "--set", "contexts=8",
           "--set", "fleet.arrivals=60", "--set", "fleet.probe_fleets=1")
        policy = json.loads((out / "policy.json").read_text())
        self.assertEqual(policy["problem"], "fleet")
        rl("export", "--run", out, "--out", out / "again.json")
        self.assertEqual(json.loads((out / "again.json").read_text())["weights"], policy["weights"])
        result = json.loads(rl("evaluate", "--suite", "fleet", "--policy", out / "policy.json", "--quick", "--json").stdout)
        self.assertIn("ahead_of_greedy", result)
        self.assertLessEqual({"learned", "greedy", "formula", "linear"}, result["policies"].keys())
        timed = json.loads(rl("evaluate", "--suite", "decide", "--policy", out / "policy.json", "--quick", "--json").stdout)
        self.assertEqual(len(timed["checks"]), 4)

    def test_what_is_wrong_is_told_and_refused(self):
        self.assertIn("is not a known setting",
                      rl("train", "-c", CONFIG, "--set", "speed=9", "--out", self.out / "no", code=2).stderr)
        torn = self.out / "torn.json"
        torn.write_text(self.policy.read_text()[:-40])
        self.assertIn("no JSON", rl("evaluate", "--suite", "env", "--policy", torn, code=1).stderr)
        rl("evaluate", "--suite", "chess", code=2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
