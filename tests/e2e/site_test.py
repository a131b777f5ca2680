#!/usr/bin/env python3
"""A site's own API: cut off, it takes jobs and runs them with the models it was told of, over a SIGKILL of its agent; when the
controller is back, what ended is brought to it once, what has not begun is its to place, and callers are sent to it."""

import socket
import subprocess
import unittest

import support
from harness.processes import wait_until
from harness.rest import CONNECTION_ERRORS, Client, Problem
from support import JOBS, Cluster, NodePlan, digit, tensor



def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


SMALL = {"model": "digits", "constraints": {"variants": ["small"]}}
LARGE_FLOATS = 100_000  # above what travels inline


class Site(unittest.TestCase):
    def setUp(self):
        self.site_api = f"127.0.0.1:{free_port()}"
        nodes = [NodePlan("shop-1", site="shop", settings={"local_api": {"listen": self.site_api}}),
                 NodePlan("cloud-1", tier="cloud")]
        self.cluster = Cluster(support.PROGRAMS, nodes=nodes, config={"core": {"recovery_grace": "20s"}}).start()
        self.addCleanup(self.cluster.stop)
        self.client = self.cluster.client
        self.site = Client(self.site_api)
        self.addCleanup(self.site.close)
        self.agent = self.cluster.agents["shop-1"].process
        self.cluster.apply_model(support.DIGITS_MANIFEST)
        self.client.put("/api/v1/models/noop", support.noop_model())
        self.cluster.wait_model_known("digits")  # measured on the node, so its artifacts are there
        wait_until(lambda: len(self.site.get("/api/v1/models")["items"]) == 2, 10, "the site to know the models")

    def run(self, result=None):
        broken = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > broken:
            self.cluster.show_logs()

    def cut_off(self):
        self.cluster.controller.kill()
        wait_until(lambda: not self.connected(), 10, "the site to notice")

    def metric(self, name):
        rows = self.site.get("/metrics").decode().splitlines()
        return float(next(row for row in rows if row.startswith(f"{name} ")).split()[1])

    def connected(self):
        return self.metric("skerry_site_controller_connected") == 1

    def to_bring(self):
        return self.metric("skerry_site_jobs_to_bring")

    def submit(self, **members):
        return self.site.post(JOBS, {**SMALL, "inputs": digit(), **members})["id"]

    def large_output(self, job):
        """The numbers that came back, as many as were sent."""
        self.assertEqual(job["state"], "SUCCEEDED", job)
        output = job["result"]["outputs"]["x"]
        self.assertEqual(output["shape"], [LARGE_FLOATS])
        return output

    def ended(self, job):
        return self.site.get(f"{JOBS}/{job}?wait=30")

    def theirs(self, ours):
        """The controller's jobs by the id that the site knows them by."""
        items = self.client.get(f"{JOBS}?limit=1000")["items"]
        found = {}
        for job in items:
            name = job["labels"].get("skerry/site-job")
            if name in ours:
                self.assertNotIn(name, found, "a job of the site was taken twice")
                found[name] = job
        return found

    def test_while_connected_callers_are_sent_to_the_controller(self):
        body = {**SMALL, "inputs": digit()}
        answer = self.site.call("POST", JOBS, body)
        self.assertEqual(answer.status, 307)
        self.assertEqual(answer.headers["location"], f"{self.cluster.url}{JOBS}")
        job = self.client.post(JOBS, body)["id"]
        answer = self.site.call("GET", f"{JOBS}/{job}?wait=3")
        self.assertEqual((answer.status, answer.headers["location"]), (307, f"{self.cluster.url}{JOBS}/{job}?wait=3"))
        self.assertEqual(self.site.call("DELETE", "/api/v1/models/noop").status, 307)
        self.assertEqual(self.site.get("/api/v1/nodes")["items"][0]["name"], "shop-1")

    def test_skerryctl_follows(self):
        server = ["--server", f"http://{self.site_api}"]
        done = subprocess.run([support.PROGRAMS["skerryctl"], *server, "cordon", "cloud-1"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.client.get("/api/v1/nodes/cloud-1")["state"], "CORDONED")

    def test_cut_off_it_works_on_and_brings_what_ended(self):
        self.cut_off()
        small = [self.submit(labels={"n": str(n)}) for n in range(10)]
        large = self.site.post(JOBS, {"model": "noop", "inputs": tensor(*[0.5] * LARGE_FLOATS)})["id"]
        for job in small:
            ended = self.ended(job)
            self.assertEqual(ended["state"], "SUCCEEDED", ended)
            self.assertEqual(ended["result"]["node"], "shop-1")
        here = self.large_output(self.ended(large))
        with self.assertRaises(Problem) as away:
            self.site.delete("/api/v1/models/noop")
        self.assertEqual((away.exception.status, away.exception.code), (503, "unavailable"))
        self.assertEqual(self.to_bring(), 11)

        self.agent.kill()
        self.agent.start()
        wait_until(self.site_answers, 20, "the site's API to be back")
        self.assertEqual(self.to_bring(), 11)
        self.assertEqual(self.ended(small[0])["state"], "SUCCEEDED")

        self.cluster.restart_controller()
        wait_until(lambda: self.connected() and self.to_bring() == 0, 20, "everything to be brought")
        theirs = self.theirs({*small, large})
        self.assertEqual(len(theirs), 11)
        for n, job in enumerate(small):
            self.assertEqual(theirs[job]["state"], "SUCCEEDED")
            self.assertEqual(theirs[job]["labels"]["n"], str(n))
            self.assertEqual(theirs[job]["labels"]["skerry/site-node"], "shop-1")
        self.assertEqual(self.large_output(self.client.get(f"{JOBS}/{theirs[large]['id']}")), here)
        node = self.client.get("/api/v1/nodes/shop-1")
        self.assertEqual(node["brought_jobs"], 11)
        self.assertEqual(self.ended(small[3])["taken_as"], theirs[small[3]]["id"])

        # Once more, to see that nothing is brought twice.
        self.cut_off()
        self.cluster.restart_controller()
        wait_until(self.connected, 20, "the controller to be there again")
        self.assertEqual(len(self.theirs({*small, large})), 11)

    def test_what_has_not_begun_is_the_controllers_to_place(self):
        self.cut_off()
        # Only the cloud could do these, so that they wait.
        waiting = [self.submit(constraints={"tiers": ["cloud"]}, priority="batch") for _ in range(20)]
        here = self.submit(constraints={"tiers": ["cloud"]}, priority="interactive")
        self.assertEqual(self.site.get(f"{JOBS}/{waiting[0]}")["state"], "READY")
        self.cluster.restart_controller()
        for job in waiting:
            moved = self.ended(job)
            self.assertEqual(moved["state"], "MOVED", moved)
            theirs = self.cluster.wait_job(moved["taken_as"])
            self.assertEqual((theirs["state"], theirs["result"]["node"]), ("SUCCEEDED", "cloud-1"))
        self.assertEqual(len(self.theirs(set(waiting))), 20)
        self.assertEqual(self.site.get(f"{JOBS}/{here}")["state"], "READY")  # whoever hurries waits for this node
        self.site.post(f"{JOBS}/{here}:cancel")

    def test_a_job_that_waits_outlives_the_agent(self):
        self.cut_off()
        jobs = [self.submit() for _ in range(30)]
        self.agent.kill()
        self.agent.start()
        wait_until(self.site_answers, 20, "the site's API to be back")
        for job in jobs:
            self.assertEqual(self.ended(job)["state"], "SUCCEEDED")

    def site_answers(self):
        try:
            return self.site.call("GET", "/readyz").status == 200
        except CONNECTION_ERRORS:
            return False

    def test_new_orders_are_followed(self):
        self.client.put("/api/v1/models/other", support.noop_model("other"))
        self.client.post("/api/v1/policies/jsq:promote")
        wait_until(lambda: "other" in self.site_models(), 10, "the new model")
        wait_until(lambda: self.site.get("/api/v1/policies")["active"] == "jsq", 10, "the new policy")
        self.client.delete("/api/v1/models/other")
        wait_until(lambda: "other" not in self.site_models(), 10, "the model to be gone")
        revisions = {model["name"]: model["revision"] for model in self.client.get("/api/v1/models")["items"]}
        self.assertEqual({model["name"]: model["revision"] for model in self.site.get("/api/v1/models")["items"]}, revisions)

    def site_models(self):
        return [model["name"] for model in self.site.get("/api/v1/models")["items"]]


if __name__ == "__main__":
    support.main()
