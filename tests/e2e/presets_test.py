#!/usr/bin/env python3
"""The presets choose differently, exactly as the dry run predicts, and constraints hold whatever the weights say."""

import collections
import itertools
import sys

import support
from support import JOBS, ROOT, ClusterTest, digit

sys.path.insert(0, str(ROOT / "scripts"))

import quickstart_fleet as fleet  # noqa: E402

IMAGES = 20


class Presets(ClusterTest):
    NODES = fleet.NODES
    MODELS = ["digits"]

    def plan(self, **members):
        return self.client.post("/api/v1/placements", {"model": "digits", "inputs": digit(), **members})

    def infer(self, number=0, **members):
        job = self.submit(wait_s=30, model="digits", inputs=digit(number), **members)
        self.assertEqual(job["state"], "SUCCEEDED", job)
        return job

    def choice_of(self, job):
        return job["result"]["node"], job["result"]["variant"]

    def test_jobs_go_where_the_dry_run_said_and_presets_differ(self):
        choices = {}
        for preset in fleet.PRESETS:
            hits = 0
            counts = collections.Counter()
            for number in range(IMAGES):
                planned = self.plan(preference=preset)["choice"]
                job = self.infer(number, preference=preset)
                counts[self.choice_of(job)] += 1
                hits += self.choice_of(job) == (planned["node"], planned["variant"])
            choices[preset] = counts.most_common(1)[0][0]
            with self.subTest(preset):
                self.assertGreaterEqual(hits, IMAGES * 0.8, counts)  # estimates move between the two calls
        self.assertGreaterEqual(len(set(choices.values())), 3, choices)
        self.assertNotEqual(choices["fast"][0], choices["green"][0], choices)
        self.assertEqual(choices["accurate"][1], self.best_variant(), choices)
        self.assertNotEqual(choices["green"][1], self.best_variant(), choices)

    def best_variant(self):
        variants = self.client.get("/api/v1/models/digits")["manifest"]["spec"]["variants"]
        return max(variants, key=lambda variant: variant["accuracy"])["name"]

    def test_each_preset_is_best_at_what_it_is_named_for(self):
        chosen = {}
        for preset in fleet.PRESETS:
            plan = self.plan(preference=preset)
            chosen[preset] = next(candidate["predicted"] for candidate in plan["candidates"]
                                  if all(candidate[key] == plan["choice"][key] for key in ("node", "variant")))
        for preset, figure in (("fast", "latency_ms"), ("green", "energy_j"), ("cheap", "cost_usd"), ("accurate", "error")):
            with self.subTest(preset):
                self.assertLessEqual(chosen[preset][figure], min(other[figure] for other in chosen.values()) * 1.05)

    def test_the_dry_run_shows_every_candidate_and_marks_the_dominated(self):
        plan = self.plan()
        pairs = {(candidate["node"], candidate["variant"]) for candidate in plan["candidates"]}
        variants = [variant["name"] for variant in self.client.get("/api/v1/models/digits")["manifest"]["spec"]["variants"]]
        self.assertEqual(pairs, set(itertools.product([node.name for node in fleet.NODES], variants)))
        figures = [[candidate["predicted"][key] for key in ("latency_ms", "energy_j", "cost_usd", "error")]
                   for candidate in plan["candidates"]]
        for candidate, own in zip(plan["candidates"], figures):
            dominated = any(all(x <= y for x, y in zip(other, own)) and other != own for other in figures)
            self.assertEqual(candidate["non_dominated"], not dominated, candidate)

    def test_the_dry_run_knows_the_round_trip_of_the_link(self):
        transfer = {candidate["node"]: candidate["predicted"]["transfer_ms"] for candidate in self.plan()["candidates"]}
        self.assertGreaterEqual(transfer["cloud"], 35)
        self.assertLess(transfer["edge-big"], 10)

    def test_constraints_hold_under_every_preset(self):
        # (constraints, whether a placement keeps them)
        cases = [({"tiers": ["cloud"]}, lambda node, variant: node == "cloud"),
                 ({"node": "edge-small"}, lambda node, variant: node == "edge-small"),
                 ({"site": "shop-1"}, lambda node, variant: node != "cloud"),
                 ({"variants": ["medium"]}, lambda node, variant: variant == "medium"),
                 ({"tiers": ["edge"], "variants": ["large"]}, lambda node, variant: node != "cloud" and variant == "large")]
        for preset, (constraints, keeps) in itertools.product(fleet.PRESETS, cases):
            with self.subTest(preset=preset, constraints=constraints):
                self.assertTrue(keeps(*self.choice_of(self.infer(preference=preset, constraints=constraints))))

    def test_the_least_accuracy_excludes_with_a_reason(self):
        accuracies = {variant["name"]: variant["accuracy"]
                      for variant in self.client.get("/api/v1/models/digits")["manifest"]["spec"]["variants"]}
        least = max(accuracies.values())
        plan = self.plan(preference="green", constraints={"min_accuracy": least})
        for candidate in plan["candidates"]:
            enough = accuracies[candidate["variant"]] >= least
            self.assertEqual(candidate["eligible"], enough, candidate)
            if not enough:
                self.assertIn("accuracy", candidate["reason"])
                self.assertGreater(len(candidate["reason_text"]), 10)
        self.assertEqual(accuracies[plan["choice"]["variant"]], least)

    def test_a_deadline_shorter_than_the_round_trip_keeps_off_the_cloud(self):
        for candidate in self.plan(constraints={"deadline_ms": 30})["candidates"]:
            if candidate["node"] == "cloud":
                self.assertFalse(candidate["eligible"], candidate)

    def test_weights_of_ones_own_work_like_the_preset_of_the_same_weights(self):
        fast = self.plan(preference="fast")["choice"]
        own = self.plan(preference={"latency": 85, "energy": 5, "cost": 5, "error": 5})["choice"]
        self.assertEqual(own, fast)

    def test_a_picture_that_is_none_fails_its_job_with_a_sentence(self):
        job = self.client.post(JOBS, {"model": "digits", "inputs": {"image": {"b64": "bm8gcGljdHVyZQ=="}}}, {"Prefer": "wait=30"})
        self.assertEqual((job["state"], job["error"]["code"]), ("FAILED", "model_failed"), job)
        self.assertEqual(job["attempts"], 1)  # the user's error is not tried again
        self.assertGreater(len(job["error"]["message"]), 10)


if __name__ == "__main__":
    support.main()
