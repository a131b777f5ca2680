#!/usr/bin/env python3
"""Sequences of a stateful model: they go on where they were, or say that their state is lost; never with less of it."""

import json
import os
import pathlib
import signal

import support
from harness.processes import wait_until
from support import JOBS, ClusterTest, NodePlan, tensor

MODELS = support.PROGRAMS.build / "agent" / "runner" / "test-models"


class Sequences(ClusterTest):
    NODES = [NodePlan("edge-1", slots=2)]
    MODELS = ["counter", "endless"]  # the sum of all inputs so far; and one that runs for ever on ones

    @classmethod
    def apply(cls, model, accuracy=0.9):
        manifest = {"apiVersion": "skerry/v1", "kind": "Model", "metadata": {"name": model}, "spec": {
            "stateful": True, **({"reset_method": "reset"} if model == "counter" else {}),
            "inputs": [{"name": "x", "kind": "tensor", "dtype": "f32", "shape": [-1]}],
            "outputs": [{"name": "y", "kind": "tensor"}],
            "variants": [{"name": "only", "file": str(MODELS / f"{model}.pt"), "accuracy": accuracy}]}}
        path = pathlib.Path(cls.cluster.folder, f"{model}.yaml")
        path.write_text(json.dumps(manifest), encoding="utf-8")
        cls.cluster.apply_model(path)
        cls.cluster.wait_model_known(model)

    def count(self, sequence, namespace=None):
        """Adds one; the job."""
        return self.submit(wait_s=30, model="counter", inputs=tensor(1.0), sequence=sequence,
                           **({"namespace": namespace} if namespace else {}))

    def total(self, job):
        self.assertEqual(job["state"], "SUCCEEDED", job)
        return job["result"]["outputs"]["y"]["data"]

    def assert_lost_and_then_anew(self, sequence):
        lost = self.count(sequence)
        self.assertEqual((lost["state"], lost["error"]["code"]), ("FAILED", "sequence_lost"), lost)
        self.assertIn("start a new sequence", lost["error"]["message"])
        self.assertEqual(self.total(self.count(sequence)), [1.0])

    def begin(self, sequence):
        self.assertEqual([self.total(self.count(sequence)) for _ in range(2)], [[1.0], [2.0]])

    def runners(self):
        return self.cluster.agents["edge-1"].process.children()

    def test_they_go_on_and_do_not_mix(self):
        self.begin("a")
        self.begin("b")
        self.assertEqual(self.total(self.count("a")), [3.0])
        self.assertEqual(self.total(self.count("a", namespace="other")), [1.0])

    def test_a_controller_that_restarts_has_not_forgotten_where_they_are(self):
        self.begin("restart")
        self.cluster.controller.kill()
        self.cluster.restart_controller()
        self.cluster.wait_nodes_ready()
        self.assertEqual(self.total(self.count("restart")), [3.0])

    def test_an_agent_that_was_killed_and_is_back_at_once(self):
        self.begin("killed")
        agent = self.cluster.agents["edge-1"].process
        agent.kill()
        agent.start()
        self.cluster.wait_nodes_ready()
        self.assert_lost_and_then_anew("killed")

    def test_runners_that_died_while_they_idled(self):
        self.begin("died")
        for pid in self.runners():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.runners(), 10, "the runners to be gone")
        self.assert_lost_and_then_anew("died")

    def test_a_model_that_was_applied_anew(self):
        self.begin("applied")
        self.apply("counter", accuracy=0.8)
        self.assert_lost_and_then_anew("applied")

    def test_a_task_that_was_cancelled_while_it_ran(self):
        ask = {"model": "endless", "sequence": "stuck"}
        self.assertEqual(self.submit(wait_s=30, inputs=tensor(0.0), **ask)["state"], "SUCCEEDED")
        stuck = self.submit(inputs=tensor(1.0), **ask)["id"]
        wait_until(lambda: self.job(stuck)["state"] == "RUNNING", 20, "the task to run")
        behind = self.submit(inputs=tensor(0.0), **ask)["id"]
        self.client.post(f"{JOBS}/{stuck}:cancel")
        lost = self.job(behind, wait_s=30)
        self.assertEqual((lost["state"], lost["error"]["code"]), ("FAILED", "sequence_lost"), lost)
        self.assertEqual(self.submit(wait_s=30, inputs=tensor(0.0), **ask)["state"], "SUCCEEDED")


if __name__ == "__main__":
    support.main()
