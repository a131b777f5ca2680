#!/usr/bin/env python3
"""The promise: 5,000 jobs while the controller is killed 20 times and agents 20 times. Nothing acknowledged is lost, nothing
is committed twice, everything ends. The ledger of what was acknowledged is kept here, outside of what is killed.
"""

import random
import threading
import time

import support
from harness.rest import CONNECTION_ERRORS, Client, Problem
from support import JOBS, ClusterTest, NodePlan, digit, tensor

TOTAL = 5000
KILLS = 20
SEED = 11


class Ledger:
    """What the service promised: ids by key, and each job's end as it was first seen."""

    def __init__(self):
        self.ids = {}       # key -> id
        self.ended = {}     # id -> (state, attempt, node, ended_at)
        self.violations = []

    def acknowledged(self, key, job_id):
        if self.ids.setdefault(key, job_id) != job_id:
            self.violations.append(f"{key}: first {self.ids[key]}, then {job_id}")

    def saw(self, job):
        if "ended_at" not in job:
            if job["id"] in self.ended:
                self.violations.append(f"{job['id']} had ended {self.ended[job['id']]} and is {job['state']} again")
            return
        result = job.get("result") or {}
        end = (job["state"], result.get("attempt"), result.get("node"), job["ended_at"])
        if self.ended.setdefault(job["id"], end) != end:
            self.violations.append(f"{job['id']} ended {self.ended[job['id']]} and again {end}")


class Submitter(threading.Thread):
    """Submits TOTAL jobs, some single and some in batches, each under a key, again and again until acknowledged."""

    def __init__(self, address, ledger, pace_s):
        super().__init__(daemon=True)
        self.client, self.ledger, self.pace_s = Client(address, timeout_s=20), ledger, pace_s
        self.choices = random.Random(SEED)
        self.failure = None

    def run(self):
        try:
            sent = 0
            while sent < TOTAL:
                count = min(TOTAL - sent, self.choices.choice([1, 1, 5, 40]))
                jobs = [self.make(sent + i) for i in range(count)]
                key = f"crash-{sent}"
                if count == 1:
                    ids = [self.until_acknowledged(JOBS, jobs[0], key)["id"]]
                else:
                    ids = self.until_acknowledged(f"{JOBS}:batch", {"jobs": jobs}, key)["ids"]
                for i, job_id in enumerate(ids):
                    self.ledger.acknowledged(sent + i, job_id)
                sent += count
                time.sleep(self.pace_s * count)
        except Exception as failure:  # told by the test
            self.failure = failure

    def make(self, number):
        if number % 20 == 0:
            return {"model": "digits", "inputs": digit(number % 1000), "labels": {"number": str(number)}}
        return {"model": "noop", "inputs": tensor(float(number)), "labels": {"number": str(number)}}

    def until_acknowledged(self, path, body, key):
        return self.client.ask_patiently("POST", path, body, {"Idempotency-Key": key}, within_s=120)


def all_jobs(client):
    cursor = None
    while True:
        page = client.ask_patiently("GET", f"{JOBS}?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        yield from page["items"]
        cursor = page.get("next_cursor")
        if not cursor:
            return


class Crashes(ClusterTest):
    NODES = [NodePlan("edge-1"), NodePlan("edge-2"), NodePlan("edge-3")]
    MODELS = ["noop", "digits"]

    def test_nothing_is_lost_or_doubled_over_twenty_kills_of_each_side(self):
        chance = random.Random(SEED)
        ledger = Ledger()
        submitter = Submitter(self.cluster.api, ledger, pace_s=0.008)
        submitter.start()
        killed_controller = killed_agents = 0
        while killed_controller < KILLS or killed_agents < KILLS:
            time.sleep(chance.uniform(0.1, 0.6))  # the schedule of the kills; nothing is awaited with it
            if killed_agents < KILLS:
                agent = self.cluster.agents[chance.choice(sorted(self.cluster.agents))].process
                agent.kill_alone() if chance.random() < 0.5 else agent.kill()
                killed_agents += 1
                agent.start()
            time.sleep(chance.uniform(0.1, 0.6))
            if killed_controller < KILLS:
                self.cluster.controller.kill()
                killed_controller += 1
                self.cluster.restart_controller()
            for job in self.look():
                ledger.saw(job)
        print(f"killed the controller {killed_controller} times and agents {killed_agents} times; "
              f"{len(ledger.ids)} of {TOTAL} jobs acknowledged by then", flush=True)
        submitter.join(180)
        self.assertIsNone(submitter.failure)
        self.assertFalse(submitter.is_alive(), "submitting did not end")
        self.cluster.wait_nodes_ready(timeout_s=60)
        self.check_all_ended(ledger)

    def look(self):
        """A page of the newest jobs, if the controller can be asked just now."""
        try:
            return self.client.get(f"{JOBS}?limit=1000")["items"]
        except (Problem, *CONNECTION_ERRORS):
            return []

    def check_all_ended(self, ledger):
        deadline = time.monotonic() + 120
        while True:
            jobs = list(all_jobs(self.client))
            for job in jobs:
                ledger.saw(job)
            open_jobs = [job for job in jobs if "ended_at" not in job]
            if not open_jobs or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        self.assertEqual(open_jobs, [], "jobs that did not end")
        self.assertEqual(ledger.violations, [])
        self.assertEqual(len(ledger.ids), TOTAL)
        known = {job["id"]: job for job in jobs}
        self.assertEqual([key for key, job_id in ledger.ids.items() if job_id not in known], [], "acknowledged and lost")
        self.assertEqual(len(known), len(jobs), "listed twice")
        self.assertEqual(len(known), TOTAL, "jobs that nobody asked for, or two for one key")
        for number, job_id in ledger.ids.items():
            self.assertEqual(known[job_id]["labels"]["number"], str(number))
        self.assertEqual({job["state"] for job in jobs}, {"SUCCEEDED"})


if __name__ == "__main__":
    support.main()
