#!/usr/bin/env python3
"""The promise: overload sheds and does not break. What was accepted ends, agents are heard, every refusal says when to come back."""

import signal
import threading
import time

import support
from harness.processes import wait_until
from harness.rest import Client
from support import JOBS, ClusterTest, NodePlan, tensor

LIMIT = 20


class Flood(threading.Thread):
    """Submits as fast as it can until stopped; keeps every answer's status, and what was not as promised."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.client, self.stopped = Client(address, timeout_s=20), threading.Event()
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
        ids = [self.submit()["id"] for _ in range(LIMIT - 1)]
        # A batch that does not fit is refused as a whole; one more job fits.
        job = {"model": "noop", "inputs": tensor()}
        self.check_batch_refused(job)
        ids.append(self.submit()["id"])
        for _ in range(50):
            self.check_refusal(self.refused(503, "overloaded", "POST", JOBS, job))
        heard = self.node()["last_heartbeat_at"]
        wait_until(lambda: self.node()["last_heartbeat_at"] > heard, 10, "a heartbeat while jobs are refused")
        self.assertTrue(self.node()["connected"])
        # A refusal leaves nothing behind, and other calls are answered.
        self.assertEqual(len(self.client.get(f"{JOBS}?state=READY&limit=1000")["items"]), LIMIT)
        self.assertTrue(self.client.post(f"{JOBS}/{ids.pop()}:cancel")["changed"])
        ids.append(self.submit()["id"])
        self.client.post("/api/v1/nodes/edge-1:uncordon")
        self.assertEqual({self.job(job_id, wait_s=30)["state"] for job_id in ids}, {"SUCCEEDED"})
        self.assertEqual(self.submit(wait_s=20)["state"], "SUCCEEDED")

    def check_batch_refused(self, job):
        problem = self.refused(503, "overloaded", "POST", f"{JOBS}:batch", {"jobs": [job] * 2})
        self.assertGreaterEqual(int(problem.answer.headers["retry-after"]), 1)

    def test_a_flood_costs_no_accepted_job_and_no_node(self):
        floods = [Flood(self.cluster.api) for _ in range(LIMIT + 10)]
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
