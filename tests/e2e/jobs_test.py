#!/usr/bin/env python3
"""Jobs from submit to result: waiting, idempotency, pages, cancelling, deadlines, durability, explaining."""

import base64
import concurrent.futures
import struct
import time

import support
from support import JOBS, ClusterTest, NodePlan, tensor

NOWHERE = {"labels": {"never": "there"}}  # satisfied by no node, so the job waits


class Jobs(ClusterTest):
    NODES = [NodePlan("edge-1"), NodePlan("edge-2")]

    def test_the_answer_to_a_submit_says_where_the_job_is(self):
        answer = self.client.call("POST", JOBS, {"model": "noop", "inputs": tensor(5.0)})
        self.assertEqual(answer.status, 202)
        self.assertEqual(answer.headers["location"], f"{JOBS}/{answer.body['id']}")
        job = self.job(answer.body["id"], wait_s=10)
        self.assertEqual(job["state"], "SUCCEEDED")
        self.assertEqual(job["result"]["outputs"]["x"], tensor(5.0)["x"])

    def test_a_waiting_submit_returns_the_result_with_what_was_predicted_and_what_it_took(self):
        answer = self.client.call("POST", JOBS, {"model": "noop", "inputs": tensor(1.5, 2.5)}, {"Prefer": "wait=10"})
        self.assertEqual(answer.status, 200)
        result = answer.body["result"]
        self.assertEqual(result["outputs"]["x"]["data"], [1.5, 2.5])
        self.assertIn(result["node"], ("edge-1", "edge-2"))
        for side in ("predicted", "actual"):
            self.assertEqual(set(result[side]), {"latency_ms", "energy_j", "cost_usd", "error"})
        self.assertGreater(result["actual"]["latency_ms"], 0)
        self.assertEqual(self.client.get(f"{JOBS}/{answer.body['id']}/result")["outputs"], result["outputs"])

    def test_a_wait_that_is_too_short_answers_202_and_the_job_goes_on(self):
        answer = self.client.call("POST", JOBS, {"model": "noop", "inputs": tensor(), "constraints": NOWHERE}, {"Prefer": "wait=1"})
        self.assertEqual(answer.status, 202)
        self.assertIn(self.job(answer.body["id"])["state"], ("READY", "BACKOFF"))
        self.assertEqual(self.client.post(f"{JOBS}/{answer.body['id']}:cancel"), {"changed": True})

    def test_durability_none_gives_the_result_and_keeps_nothing(self):
        answer = self.client.call("POST", JOBS, {"model": "noop", "inputs": tensor(3.0), "durability": "none"}, {"Prefer": "wait=10"})
        self.assertEqual((answer.status, answer.body["state"]), (200, "SUCCEEDED"))
        self.assertEqual(answer.body["result"]["outputs"]["x"]["data"], [3.0])
        self.cluster.controller.kill()
        self.cluster.restart_controller()
        self.cluster.wait_nodes_ready()
        self.refused(404, "not_found", "GET", f"{JOBS}/{answer.body['id']}")

    def test_the_same_key_is_one_job_even_at_the_same_time_and_after_a_crash(self):
        body, headers = {"model": "noop", "inputs": tensor(9.0)}, {"Idempotency-Key": "once"}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            ids = {answer["id"] for answer in pool.map(lambda _: self.client.post(JOBS, body, headers), range(32))}
        self.assertEqual(len(ids), 1)
        self.cluster.controller.kill()
        self.cluster.restart_controller()
        self.cluster.wait_nodes_ready()
        ids.add(self.client.post(JOBS, body, headers)["id"])
        self.assertEqual(len(ids), 1)
        other = self.client.post(JOBS, {**body, "namespace": "another"}, headers)["id"]
        self.assertNotIn(other, ids)

    def test_a_batch_under_a_key_is_the_same_batch_again(self):
        body = {"jobs": [{"model": "noop", "inputs": tensor(float(i))} for i in range(20)]}
        first = self.client.post(f"{JOBS}:batch", body, {"Idempotency-Key": "batch-once"})["ids"]
        self.assertEqual(len(set(first)), 20)
        self.assertEqual(self.client.post(f"{JOBS}:batch", body, {"Idempotency-Key": "batch-once"})["ids"], first)
        for number, job in enumerate(first):
            self.assertEqual(self.job(job, wait_s=10)["result"]["outputs"]["x"]["data"], [float(number)])

    def test_pages_hold_every_job_once_newest_first_while_new_ones_arrive(self):
        ids = []
        for _ in range(7):
            ids += self.client.post(f"{JOBS}:batch", {"jobs": [
                {"model": "noop", "inputs": tensor(), "namespace": "pages"} for _ in range(31)]})["ids"]
        seen, cursor = [], None
        while True:
            page = self.client.get(f"{JOBS}?namespace=pages&limit=40" + (f"&cursor={cursor}" if cursor else ""))
            seen += [job["id"] for job in page["items"]]
            self.assertLessEqual(len(page["items"]), 40)
            cursor = page.get("next_cursor")
            if not cursor:
                break
            self.submit(namespace="pages")  # newer than the first page: not on later ones
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(set(seen), set(ids))
        self.assertEqual(seen, list(reversed(ids)))

    def test_lists_are_filtered(self):
        done = self.submit(wait_s=10, namespace="filters")["id"]
        waiting = self.submit(namespace="filters", constraints=NOWHERE)["id"]
        for query, expected in (("state=SUCCEEDED", [done]), ("state=READY", [waiting]), ("model=noop", [waiting, done]),
                                ("model=nosuch", [])):
            with self.subTest(query):
                items = self.client.get(f"{JOBS}?namespace=filters&{query}")["items"]
                self.assertEqual([job["id"] for job in items], expected)
        self.client.post(f"{JOBS}/{waiting}:cancel")

    def test_cancelling_ends_a_waiting_job_and_can_be_repeated(self):
        job = self.submit(constraints=NOWHERE)["id"]
        self.assertEqual(self.client.post(f"{JOBS}/{job}:cancel"), {"changed": True})
        self.assertEqual(self.client.post(f"{JOBS}/{job}:cancel"), {"changed": False})
        ended = self.job(job, wait_s=5)
        self.assertEqual((ended["state"], ended["error"]["code"]), ("CANCELLED", "cancelled"))

    def test_a_deadline_that_passes_expires_the_job(self):
        began = time.monotonic()
        job = self.submit(wait_s=10, constraints={**NOWHERE, "deadline_ms": 300})
        self.assertEqual((job["state"], job["error"]["code"]), ("EXPIRED", "deadline_exceeded"))
        self.assertGreaterEqual(time.monotonic() - began, 0.29)
        self.assertLess(time.monotonic() - began, 5)

    def test_a_waiting_job_says_what_it_waits_for(self):
        job = self.submit(constraints=NOWHERE)["id"]
        self.assertEqual(sum(self.job(job)["waiting_for"].values()), 2)  # two nodes, each with its reason
        self.client.post(f"{JOBS}/{job}:cancel")

    def test_a_decision_names_candidates_and_the_choice(self):
        job = self.submit(wait_s=10)
        decisions = self.client.get(f"{JOBS}/{job['id']}/decisions")["items"]
        self.assertEqual(len(decisions), 1)
        self.assertEqual(decisions[0]["choice"], {"node": job["result"]["node"], "variant": "only"})
        self.assertEqual(decisions[0]["policy"], "greedy")
        self.assertIn(decisions[0]["choice"]["node"], {candidate["node"] for candidate in decisions[0]["candidates"]})

    def test_every_policy_places(self):
        for policy in self.client.get("/api/v1/policies")["available"]:
            with self.subTest(policy):
                self.client.put("/api/v1/policies/active", {"name": policy})
                self.assertEqual(self.submit(wait_s=10)["state"], "SUCCEEDED")
        self.client.put("/api/v1/policies/active", {"name": "greedy"})

    def test_large_inputs_and_results_travel_apart(self):
        numbers = [float(i) for i in range(200_000)]  # 800 kB of f32
        job = self.client.post(JOBS, {"model": "noop", "inputs": tensor(*numbers)}, {"Prefer": "wait=30"})
        self.assertEqual(job["state"], "SUCCEEDED")
        self.assertEqual(job["result"]["outputs"]["x"]["shape"], [200_000])
        elements = base64.b64decode(job["result"]["outputs"]["x"]["b64"])  # large tensors come as bytes
        self.assertEqual(list(struct.unpack(f"<{len(numbers)}f", elements)), numbers)


if __name__ == "__main__":
    support.main()
