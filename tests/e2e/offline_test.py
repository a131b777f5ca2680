#!/usr/bin/env python3
"""A node cut off from its controller: it finishes what it has, keeps results and unfinished work over its own SIGKILL, and
delivers when the controller is back. Nothing that had ended runs again."""

import re
import time
import unittest

import support
from harness.processes import wait_until
from support import JOBS, Cluster, HeldOut, NodePlan, digit

TASKS = 100
JOB = {"model": "digits", "constraints": {"variants": ["small"]}}


class Offline(unittest.TestCase):
    def setUp(self):
        # Without probes a new agent has nothing loaded, so that there is time to cut it off before anything ends.
        self.cluster = Cluster(support.PROGRAMS, nodes=[NodePlan("edge-1", settings={"queue_depth": TASKS})],
                               config={"core": {"probe_runs": 0, "recovery_grace": "20s"}}).start()
        self.addCleanup(self.cluster.stop)
        self.client = self.cluster.client
        self.cluster.apply_model(support.DIGITS_MANIFEST)
        self.agent = self.cluster.agents["edge-1"].process
        self.journal = self.cluster.folder / "edge-1" / "state" / "journal"
        self.cluster.wait_job(self.client.post(JOBS, {**JOB, "inputs": digit()})["id"])  # its artifact is on the node from now on
        self.agent.kill()
        self.agent.start()
        self.cluster.wait_nodes_ready()
        wait_until(lambda: not self.cluster.nodes()["edge-1"]["resident"], 10, "the new agent to have nothing loaded")

    def all_accepted(self):
        """Each task's image stands in the journal once the agent has accepted it."""
        journal = self.journal.read_bytes() if self.journal.exists() else b""
        return all(image in journal for image, _ in HeldOut.images()[:TASKS])

    def lease_and_lose_the_controller(self):
        """Ids of tasks that the agent has taken, none of which has ended when the controller is killed."""
        ids = self.client.post(f"{JOBS}:batch", {"jobs": [{**JOB, "inputs": digit(n)} for n in range(TASKS)]})["ids"]
        wait_until(lambda: self.client.get("/api/v1/nodes/edge-1")["outstanding"] == TASKS, 10, "all tasks to be leased", every_s=0)
        wait_until(self.all_accepted, 10, "all tasks to have arrived", every_s=0)  # loading takes longer
        self.cluster.controller.kill()
        return ids

    def restart_agent(self):
        """(attempts, results) that it had kept over its SIGKILL."""
        self.agent.kill()
        logged = len(self.agent.log_path.read_text())
        self.agent.start()
        said = wait_until(lambda: re.search(r"from before the restart: (\d+) attempts to run, (\d+) results",
                                            self.agent.log_path.read_text()[logged:]), 10, "the agent to say what it kept")
        return tuple(int(number) for number in said.groups())

    def ended_jobs(self, ids):
        self.cluster.restart_controller()
        jobs = [self.cluster.wait_job(job) for job in ids]
        for job in jobs:
            self.assertEqual(job["state"], "SUCCEEDED", job)
        return jobs

    def test_results_outlive_the_agents_death_and_are_delivered_once(self):
        ids = self.lease_and_lose_the_controller()
        size = 0
        while self.journal.stat().st_size != size:  # it loads the model and runs them all, alone
            size = self.journal.stat().st_size
            time.sleep(2)
        attempts, results = self.restart_agent()
        self.assertEqual((attempts, results), (0, TASKS))
        jobs = self.ended_jobs(ids)
        self.assertEqual({job["result"]["attempt"] for job in jobs}, {1})
        self.assertEqual({job["attempts"] for job in jobs}, {1})
        node = self.client.get("/api/v1/nodes/edge-1")
        self.assertEqual(node["brought"], TASKS, node)

    def test_work_that_had_not_ended_is_run_after_the_agents_death(self):
        ids = self.lease_and_lose_the_controller()
        attempts, results = self.restart_agent()  # at once: the model is still being loaded
        self.assertEqual(attempts + results, TASKS)
        self.assertGreater(attempts, 0)
        jobs = self.ended_jobs(ids)
        self.assertEqual({job["attempts"] for job in jobs}, {1})


if __name__ == "__main__":
    support.main()
