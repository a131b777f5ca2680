#!/usr/bin/env python3
"""The promise: overload sheds and does not break. What was accepted ends, agents are heard, every refusal says when to come back."""

import signal
import threading
import time

import support
from harness.processes import wait_until
from support import JOBS, ClusterTest, NodePlan, tensor

LIMIT = 20


class Flood(threading.Thread):
    """Submits as fast as it can until stopped; keeps every answer's status, and what was not as promised."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.client, self.stopped = cluster.connect(timeout_s=20), threading.Event()
        self.accepted, self.refused, self.wrong = [], 0, []

    def run(self):
        while not self.stopped.is_set():
            answer = self.client.call("POST", JOBS, {"model": "noop", "inputs": tensor()})
            if answer.status == 202:
                self.accepted.append(answer.body["id"])
            elif answer.status == 503 and answer.body["code"] == "overloaded" and int(answer.headers.get("retry-after", 0)) > 0:
                self.refused += 1
            else:
                self.wrong.append(answer)
        self.client.close()


class Overload(ClusterTest):
    NODES = [NodePlan("edge-1")]
    CONFIG = {"core": {"max_open_jobs": LIMIT}}

    def node(self):
        return self.client.get("/api/v1/nodes/edge-1")

    def check_refusal(self, problem):
        self.assertGreaterEqual(int(problem.answer.headers["retry-after"]), 1)
        self.assertIn(str(LIMIT), problem.body["detail"])

    def test_beyond_the_open_jobs_it_refuses_and_what_it_took_ends_while_agents_are_heard(self):
        self.client.post("/api/v1/nodes/edge-1:cordon")
        ids = [self.submit(priority="interactive")["id"] for _ in range(LIMIT - 1)]
        # A batch that does not fit is refused as a whole; one more job fits.
        job = {"model": "noop", "inputs": tensor(), "priority": "interactive"}
        self.check_batch_refused(job)
        ids.append(self.submit(priority="interactive")["id"])
        for _ in range(50):
            self.check_refusal(self.refused(503, "overloaded", "POST", JOBS, job))
        heard = self.node()["last_heartbeat_at"]
        wait_until(lambda: self.node()["last_heartbeat_at"] > heard, 10, "a heartbeat while jobs are refused")
        self.assertTrue(self.node()["connected"])
        # A refusal leaves nothing behind, and other calls are answered.
        self.assertEqual(len(self.client.get(f"{JOBS}?state=READY&limit=1000")["items"]), LIMIT)
        self.assertTrue(self.client.post(f"{JOBS}/{ids.pop()}:cancel")["changed"])
        ids.append(self.submit(priority="interactive")["id"])
        self.client.post("/api/v1/nodes/edge-1:uncordon")
        self.assertEqual({self.job(job_id, wait_s=30)["state"] for job_id in ids}, {"SUCCEEDED"})
        self.assertEqual(self.submit(wait_s=20)["state"], "SUCCEEDED")

    def test_batch_is_refused_before_normal_work_and_that_before_interactive(self):
        self.client.post("/api/v1/nodes/edge-1:cordon")
        taken = {priority: self.take_until_refused(priority) for priority in ("batch", "normal", "interactive")}
        self.client.post("/api/v1/nodes/edge-1:uncordon")
        self.assertEqual({priority: len(ids) for priority, ids in taken.items()}, {"batch": 16, "normal": 2, "interactive": 2})
        for ids in taken.values():
            self.assertEqual({self.job(job_id, wait_s=30)["state"] for job_id in ids}, {"SUCCEEDED"})

    def take_until_refused(self, priority):
        ids = []
        while (answer := self.client.call("POST", JOBS, {"model": "noop", "inputs": tensor(), "priority": priority})).status == 202:
            ids.append(answer.body["id"])
        self.assertEqual((answer.status, answer.body["code"]), (503, "overloaded"))
        self.assertIn(priority, answer.body["detail"])
        return ids

    def check_batch_refused(self, job):
        problem = self.refused(503, "overloaded", "POST", f"{JOBS}:batch", {"jobs": [job] * 2})
        self.assertGreaterEqual(int(problem.answer.headers["retry-after"]), 1)

    def test_a_flood_costs_no_accepted_job_and_no_node(self):
        floods = [Flood(self.cluster) for _ in range(LIMIT + 10)]
        for flood in floods:
            flood.start()
        heartbeats, states = set(), set()
        deadline = time.monotonic() + 30
        while (len(heartbeats) < 4 or not all(flood.accepted for flood in floods) or not any(flood.refused for flood in floods)):
            self.assertLess(time.monotonic(), deadline, (heartbeats, [(len(f.accepted), f.refused) for f in floods]))
            node = self.node()
            heartbeats.add(node["last_heartbeat_at"])
            states.add(node["state"])
        for flood in floods:
            flood.stopped.set()
        for flood in floods:
            flood.join(30)
        accepted = [job for flood in floods for job in flood.accepted]
        print(f"{len(accepted)} accepted, {sum(flood.refused for flood in floods)} refused", flush=True)
        self.assertEqual([wrong for flood in floods for wrong in flood.wrong], [])
        self.assertEqual(states, {"READY"})
        self.assertEqual({self.job(job, wait_s=30)["state"] for job in accepted}, {"SUCCEEDED"})


class NamespaceQuotas(ClusterTest):
    CONFIG = {"core": {"quotas": {"others": {"max_open_jobs": 3},
                                  "namespaces": [{"name": "slow", "jobs_per_s": 0.2, "burst_jobs": 2},
                                                 {"name": "narrow", "max_open_jobs": 100, "max_running": 1},
                                                 {"name": "light", "max_input_bytes": 5000}]}}}

    def test_open_jobs_are_bounded_for_each_namespace_alone(self):
        self.client.post("/api/v1/nodes/edge-1:cordon")
        ids = [self.submit(namespace="a")["id"] for _ in range(3)]
        problem = self.refused(429, "quota_open_jobs", "POST", JOBS, {"model": "noop", "inputs": tensor(), "namespace": "a"})
        self.assertIn("'a' may have 3 open jobs", problem.body["detail"])
        self.assertGreaterEqual(int(problem.answer.headers["retry-after"]), 1)
        ids.append(self.submit(namespace="b")["id"])
        self.client.post("/api/v1/nodes/edge-1:uncordon")
        for job in ids:
            self.assertEqual(self.job(job, wait_s=30)["state"], "SUCCEEDED")
        self.assertEqual(self.submit(wait_s=20, namespace="a")["state"], "SUCCEEDED")
        self.assertIn('skerry_jobs_refused_total{namespace="a",reason="quota_open_jobs"}', self.metrics())

    def test_a_rate_says_when_there_is_more(self):
        for _ in range(2):
            self.submit(namespace="slow")
        problem = self.refused(429, "quota_jobs_per_s", "POST", JOBS, {"model": "noop", "inputs": tensor(), "namespace": "slow"})
        self.assertIn(int(problem.answer.headers["retry-after"]), range(2, 6))

    def test_bytes_of_inputs_are_bounded(self):
        job = {"model": "noop", "inputs": tensor(*range(2000)), "namespace": "light"}
        self.refused(429, "quota_input_bytes", "POST", JOBS, job)
        self.assertEqual(self.submit(wait_s=20, namespace="light")["state"], "SUCCEEDED")

    def test_running_tasks_are_bounded_and_all_end(self):
        ids = [self.submit(namespace="narrow")["id"] for _ in range(50)]
        self.assertEqual({self.job(job, wait_s=30)["state"] for job in ids}, {"SUCCEEDED"})
        text = self.metrics()
        self.assertIn('skerry_quota_limit{namespace="narrow",quota="running"} 1', text)
        self.assertIn('skerry_quota_used{namespace="narrow",quota="running"} 0', text)

    def metrics(self):
        return self.client.call("GET", "/metrics").body.decode()


class Stopping(ClusterTest):
    NODES = []
    CONFIG = {"stop_grace": "1h"}
    MODELS = []

    def test_a_second_signal_cuts_what_the_first_one_lets_finish(self):
        self.client.put("/api/v1/models/noop", support.noop_model())
        controller = self.cluster.controller
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(self.cut_off()))
        waiting.start()
        wait_until(lambda: self.client.get(f"{JOBS}?state=READY")["items"], 10, "the job to be taken")
        controller.popen.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping on signal" in controller.tail(), 10, "the first signal to be noticed")
        self.assertTrue(controller.alive())
        controller.popen.send_signal(signal.SIGTERM)
        self.assertEqual(controller.popen.wait(10), 0)
        waiting.join(10)
        self.assertEqual(answers, ["cut"])

    def cut_off(self):
        try:
            return self.submit(wait_s=120)
        except support.CONNECTION_ERRORS:
            return "cut"


if __name__ == "__main__":
    support.main()
