#!/usr/bin/env python3
"""Policies live: bundles are applied, shadowed, promoted and rolled back under load; poisoned ones do no harm; restarts keep all."""

import base64
import json
import random
import struct
import tempfile
import threading
import zlib

import support
from harness.processes import wait_until
from support import JOBS, ClusterTest, NodePlan, tensor

POLICIES = "/api/v1/policies"
FEATURES, OUTPUTS = 58, 11
# None is better than another at everything.
NODES = [NodePlan("edge-1", slots=2, busy_w=5, price_usd_per_hour=0.5), NodePlan("edge-2", slots=2, busy_w=20, price_usd_per_hour=0.001),
         NodePlan("edge-3", slots=2, busy_w=8, price_usd_per_hour=0.1)]


def bundle(name="tiny", seed=1, scale=0.3, features="fleet/2", ahead=False, spoil=lambda numbers: numbers):
    """A bundle of one hidden layer with random weights, as skerry-rl export would write it."""
    rng = random.Random(seed)
    shapes = [(FEATURES, 4), (4, OUTPUTS)]
    count = sum((inputs + 1) * outputs for inputs, outputs in shapes)
    weights = struct.pack(f"<{count}f", *spoil([rng.uniform(-scale, scale) for _ in range(count)]))
    return {"apiVersion": "skerry/v1", "kind": "PolicyBundle", "name": name, "problem": "fleet", "features": features,
            "layers": [{"inputs": inputs, "outputs": outputs} for inputs, outputs in shapes],
            "weights": base64.b64encode(weights).decode(), "weights_crc32": zlib.crc32(weights),
            "training": {"seed": seed}, "card": {"ahead_of_greedy": ahead}}


class Load(threading.Thread):
    """Submits and waits for one job after the other until stopped; keeps what did not succeed."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.client, self.stopped = cluster.connect(), threading.Event()
        self.done, self.wrong = 0, []

    def run(self):
        while not self.stopped.is_set():
            answer = self.client.call("POST", JOBS, {"model": "noop", "inputs": tensor(), "preference": "balanced"}, {"Prefer": "wait=30"})
            if answer.status == 200 and answer.body["state"] == "SUCCEEDED":
                self.done += 1
            else:
                self.wrong.append(answer)
        self.client.close()


class PolicyTest(ClusterTest):
    def policies(self):
        return self.client.get(POLICIES)

    def policy(self, name):
        return self.client.get(f"{POLICIES}/{name}")

    def apply_bundle(self, content):
        return self.client.put(f"{POLICIES}/{content['name']}", content)

    def change(self, name, verb):
        return self.client.post(f"{POLICIES}/{name}:{verb}")

    def run_jobs(self, count):
        jobs = [self.submit(wait_s=30) for _ in range(count)]
        self.assertEqual({job["state"] for job in jobs}, {"SUCCEEDED"})
        return jobs

    def tearDown(self):
        self.change("greedy", "promote")
        for item in self.policies()["items"]:
            if item["state"] == "shadow":
                self.change(item["name"], "unshadow")


class Live(PolicyTest):
    NODES = NODES

    def test_swapping_policies_under_load_fails_no_request(self):
        loads = [Load(self.cluster) for _ in range(4)]
        for load in loads:
            load.start()
        try:
            for turn in range(5):
                self.assertTrue(self.apply_bundle(bundle("swap", seed=turn))["changed"])
                self.assertTrue(self.change("swap", "shadow")["changed"])
                wait_until(lambda: self.policy("swap")["shadow"]["outcomes"] >= 20, 30, "the shadow to be compared")
                self.assertTrue(self.change("swap", "promote")["changed"])
                done = sum(load.done for load in loads)
                wait_until(lambda d=done: sum(load.done for load in loads) > d + 20, 30, "jobs under the bundle")
                self.assertEqual(self.policies()["active"], "swap")
                self.client.post(f"{POLICIES}:rollback")
                self.assertNotEqual(self.policies()["active_version"], self.policy("swap")["version"])
                self.change("greedy", "promote")
        finally:
            for load in loads:
                load.stopped.set()
            for load in loads:
                load.join(30)
        print(f"{sum(load.done for load in loads)} jobs under swaps", flush=True)
        self.assertEqual([wrong for load in loads for wrong in load.wrong], [])

    def test_a_shadow_is_compared_and_explained_without_effect(self):
        self.apply_bundle(bundle("watcher"))
        self.change("watcher", "shadow")
        self.change("random", "shadow")
        jobs = self.run_jobs(40)
        shadow = self.policy("watcher")["shadow"]
        self.assertEqual((shadow["decisions"], shadow["failed"], shadow["outcomes"]), (40, 0, 40))
        self.assertNotEqual(shadow["estimated_cost"], 0)
        decision = self.client.get(f"{JOBS}/{jobs[0]['id']}/decisions")["items"][0]
        self.assertEqual({item["policy"] for item in decision["shadows"]}, {"watcher", "random"})
        self.assertEqual(decision["policy"], "greedy")
        metrics = self.client.call("GET", "/metrics").body.decode()
        self.assertIn('skerry_shadow_estimated_cost{policy="watcher"}', metrics)

    def test_the_learned_policy_decides_and_explain_shows_its_scores(self):
        self.apply_bundle(bundle("learned"))
        self.change("learned", "promote")
        job = self.run_jobs(1)[0]
        decision = self.client.get(f"{JOBS}/{job['id']}/decisions")["items"][0]
        self.assertEqual((decision["policy"], "fallback_reason" in decision), ("learned", False))
        self.assertTrue(any(candidate["score"] != candidate["predicted_cost"] for candidate in decision["candidates"]))

    def test_constraints_hold_whatever_a_bundle_says(self):
        self.apply_bundle(bundle("odd", seed=9, scale=30))
        self.change("odd", "promote")
        for node in ("edge-1", "edge-3"):
            job = self.submit(wait_s=30, constraints={"node": node})
            self.assertEqual((job["state"], job["result"]["node"]), ("SUCCEEDED", node))

    def test_the_command_line_does_it_all(self):
        def skerryctl(*words):
            return self.cluster.ctl(*words).stdout
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(bundle("typed"), file)
            file.flush()
            self.assertEqual(skerryctl("policy", "apply", "-f", file.name), "policy/typed applied\n")
        self.assertEqual(skerryctl("policy", "shadow", "typed"), "policy/typed shadowing\n")
        self.assertIn("typed", skerryctl("policy", "list"))
        self.assertEqual(skerryctl("policy", "promote", "typed"), "policy/typed promoted\n")
        self.assertIn("ahead_of_greedy", skerryctl("policy", "get", "typed"))
        self.assertEqual(json.loads(skerryctl("policy", "get", "typed", "--weights", "-o", "json")), bundle("typed"))
        self.assertEqual(skerryctl("policy", "rollback"), "policy/greedy active again\n")
        self.assertEqual(skerryctl("policy", "delete", "typed"), "policy/typed deleted\n")


class Poisoned(PolicyTest):
    NODES = NODES
    CONFIG = {"core": {"breaker": {"rest": "1s"}}}

    def test_what_cannot_be_scored_with_is_refused_and_says_where(self):
        nan = bundle(spoil=lambda numbers: [float("nan"), *numbers[1:]])
        short = {**bundle(), "weights": bundle()["weights"][:-8]}
        for content, field in ((nan, "/weights"), (short, "/weights"), (bundle(features="fleet/9"), "/features"),
                               ({**bundle(), "problem": "gmorl"}, "/problem"), ({**bundle(), "kind": "Model"}, "/kind"),
                               ({**bundle(), "name": "other"}, "/name")):
            with self.subTest(field=field):
                problem = self.refused(400, "invalid_argument", "PUT", f"{POLICIES}/tiny", content)
                self.assertEqual(problem.fields, [field])
        truncated = json.dumps(bundle())[:900].encode()
        self.refused(400, "invalid_argument", "PUT", f"{POLICIES}/tiny", truncated, {"Content-Type": "application/json"})
        self.refused(413, "too_large", "PUT", f"{POLICIES}/tiny", b" " * (5 << 20), {"Content-Type": "application/json"})
        self.assertNotIn("tiny", self.policies()["available"])

    def test_weights_that_overflow_trip_the_breaker_and_every_job_is_placed(self):
        self.apply_bundle(bundle("wild", spoil=lambda numbers: [3e38 if x > 0 else -3e38 for x in numbers]))
        self.change("wild", "promote")
        jobs = self.run_jobs(20)
        breaker = self.policies()["breaker"]
        self.assertGreaterEqual(breaker["trips"], 1, breaker)
        self.assertEqual(breaker["fault"], "not_finite")
        for job in jobs:
            decision = self.client.get(f"{JOBS}/{job['id']}/decisions")["items"][0]
            self.assertEqual(decision["policy"], "greedy")
            self.assertIn("finite", decision["fallback_reason"])
        ready = self.client.call("GET", "/readyz?verbose")
        self.assertEqual(ready.status, 200)
        self.assertIn("greedy decides in place of wild", ready.body.decode())
        self.assertIn('skerry_policy_breaker_trips_total{fault="not_finite"}', self.client.call("GET", "/metrics").body.decode())
        self.assertIn("the breaker of policy wild opened", self.cluster.controller.tail(200))
        # A sane bundle of the same name starts with a closed breaker.
        self.apply_bundle(bundle("wild"))
        self.change("wild", "promote")
        self.run_jobs(5)
        self.assertEqual(self.policies()["breaker"]["state"], "closed")


class Restart(PolicyTest):
    NODES = NODES

    def test_a_restart_keeps_the_active_policy_the_shadows_and_the_way_back(self):
        self.apply_bundle(bundle("kept"))
        self.apply_bundle(bundle("looks-on", seed=2))
        self.change("kept", "promote")
        self.change("looks-on", "shadow")
        version = self.policies()["active_version"]
        self.cluster.controller.kill()
        self.cluster.restart_controller()
        self.cluster.wait_nodes_ready()
        after = self.policies()
        self.assertEqual((after["active"], after["active_version"]), ("kept", version))
        self.assertEqual(self.policy("looks-on")["state"], "shadow")
        job = self.run_jobs(1)[0]
        self.assertEqual(self.client.get(f"{JOBS}/{job['id']}/decisions")["items"][0]["policy"], "kept")
        self.client.post(f"{POLICIES}:rollback")
        self.assertEqual(self.policies()["active"], "greedy")


class Trace(PolicyTest):
    NODES = NODES

    def skerryctl(self, *words):
        return self.cluster.ctl(*words).stdout

    def test_exported_decisions_are_scored_again(self):
        self.run_jobs(100)
        with tempfile.TemporaryDirectory() as folder:
            trace = f"{folder}/decisions.jsonl"
            self.skerryctl("decisions", "export", "-f", trace)
            with open(trace, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            self.assertGreaterEqual(len(lines), 100)
            self.assertTrue(all(line["complete"] and line["outcome"]["succeeded"] for line in lines))
            again = json.loads(self.skerryctl("replay", "--trace", trace, "--policy", "greedy", "-o", "json"))
            self.assertEqual((again["agreement"], again["predicted_regret"]), (1.0, 0.0))
            path = f"{folder}/tiny.json"
            with open(path, "w", encoding="utf-8") as file:
                json.dump(bundle(), file)
            both = json.loads(self.skerryctl("replay", "--trace", trace, "--policy", path, "--policy", "random", "-o", "json"))
            self.assertEqual([report["policy"] for report in both], ["tiny", "random"])
            self.assertGreaterEqual(both[1]["predicted_regret"], 0)
            # What the learned policy decides live, it decides again.
            self.apply_bundle(bundle())
            self.change("tiny", "promote")
            self.run_jobs(50)
            self.skerryctl("decisions", "export", "-f", trace)
            with open(trace, encoding="utf-8") as file:
                learned = [line for line in file if json.loads(line)["policy"] == "tiny"]
            self.assertEqual(len(learned), 50)
            with open(trace, "w", encoding="utf-8") as file:
                file.writelines(learned)
            live = json.loads(self.skerryctl("replay", "--trace", trace, "--policy", path, "-o", "json"))
            self.assertEqual(live["agreement"], 1.0)
            self.assertIn("AGREES", self.skerryctl("replay", "--trace", trace, "--policy", path))


class Default(PolicyTest):
    NODES = NODES
    AHEAD = True
    CORE = {}  # settings of core

    @classmethod
    def setUpClass(cls):
        cls.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(bundle("fleet", ahead=cls.AHEAD), cls.file)
        cls.file.flush()
        cls.CONFIG = {"default_policy": cls.file.name, "core": cls.CORE}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.file.close()

    def test_the_bundle_that_comes_along_decides_until_an_operator_says_otherwise(self):
        before = self.policies()
        self.assertEqual((before["active"], before["chosen_by_operator"]), ("fleet", False))
        self.run_jobs(3)
        self.change("greedy", "promote")
        self.cluster.controller.kill()
        self.cluster.restart_controller()
        self.cluster.wait_nodes_ready()
        self.assertEqual(self.policies()["active"], "greedy")


class DefaultBehind(Default):
    AHEAD = False

    def test_the_bundle_that_comes_along_decides_until_an_operator_says_otherwise(self):
        """Not this one: its card does not say that it is ahead."""
        self.assertEqual(self.policies()["active"], "greedy")
        self.assertEqual(self.policy("fleet")["state"], "available")
        self.assertIn("does not say that it is ahead of greedy", self.cluster.controller.tail(200))


class DefaultRefused(Default):
    CORE = {"policy": "greedy"}

    def test_the_bundle_that_comes_along_decides_until_an_operator_says_otherwise(self):
        """Not here: the configuration says who decides."""
        self.assertEqual(self.policies()["active"], "greedy")
        self.assertEqual(self.policy("fleet")["state"], "available")


if __name__ == "__main__":
    support.main()
