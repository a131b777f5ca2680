#!/usr/bin/env python3
"""What operators do to nodes: cordon, drain without a retry, forget; and what a slow or cut link does."""


import support
from harness.cluster import Agent
from harness.processes import wait_until
from support import JOBS, ClusterTest, NodePlan, digit, tensor


class Nodes(ClusterTest):
    NODES = [NodePlan("edge-1"), NodePlan("edge-2")]

    def state(self, node):
        return self.client.get(f"/api/v1/nodes/{node}")["state"]

    def submit_many(self, count):
        return self.client.post(f"{JOBS}:batch", {"jobs": [{"model": "noop", "inputs": tensor(float(i))} for i in range(count)]})["ids"]

    def test_a_cordoned_node_gets_nothing_new(self):
        self.client.post("/api/v1/nodes/edge-1:cordon")
        self.assertEqual(self.client.post("/api/v1/nodes/edge-1:cordon"), {"changed": False})
        jobs = [self.job(job, wait_s=20) for job in self.submit_many(50)]
        self.assertEqual({job["result"]["node"] for job in jobs}, {"edge-2"})
        self.assertEqual(self.client.post("/api/v1/nodes/edge-1:uncordon"), {"changed": True})
        self.cluster.wait_nodes_ready()
        job = self.submit(wait_s=20, constraints={"node": "edge-1"})
        self.assertEqual(job["state"], "SUCCEEDED")

    def test_draining_under_load_loses_nothing_and_retries_nothing(self):
        ids = self.submit_many(600)
        self.client.post("/api/v1/nodes/edge-1:drain")
        ids += self.submit_many(400)
        wait_until(lambda: self.state("edge-1") == "DRAINED", 20, "edge-1 to be drained")
        self.assertEqual(self.client.get("/api/v1/nodes/edge-1")["outstanding"], 0)
        jobs = [self.job(job, wait_s=30) for job in ids]
        self.assertEqual({job["state"] for job in jobs}, {"SUCCEEDED"})
        # What was given back unstarted may carry a second attempt's number; nothing may have failed on the way.
        self.assertFalse([job["id"] for job in jobs if "error" in job])
        after = [self.job(job, wait_s=20)["result"]["node"] for job in self.submit_many(50)]
        self.assertEqual(set(after), {"edge-2"})
        self.client.post("/api/v1/nodes/edge-1:uncordon")
        self.cluster.wait_nodes_ready()

    def test_a_stopped_agent_says_goodbye_and_its_node_can_be_forgotten(self):
        plan = NodePlan("edge-3")
        agent = self.cluster.add_agent(plan)
        self.cluster.wait_nodes_ready()
        del self.cluster.agents["edge-3"]
        self.assertEqual(agent.process.stop(), 0)
        wait_until(lambda: self.state("edge-3") == "DISCONNECTED", 20, "edge-3 to be given up")
        wait_until(lambda: self.client.call("DELETE", "/api/v1/nodes/edge-3").status == 200, 20, "edge-3 to be forgotten")
        self.refused(404, "not_found", "GET", "/api/v1/nodes/edge-3")


class PlannedStops(ClusterTest):
    """Under load, nothing that an operator does on purpose costs a task a retry."""

    # At a twentieth of a processor the largest variant takes a while, so that all three have more than they can run for seconds.
    NODES = [NodePlan(f"edge-{i}", cpu_share=0.05, settings={"queue_depth": 8}) for i in (1, 2, 3)]
    MODELS = ["digits"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.inputs = [digit(number) for number in range(20)]

    def submit_many(self, count):
        jobs = [{"model": "digits", "inputs": self.inputs[i % len(self.inputs)], "priority": ["interactive", "normal", "batch"][i % 3],
                 "constraints": {"variants": ["xlarge"]}} for i in range(count)]
        return self.client.post(f"{JOBS}:batch", {"jobs": jobs})["ids"]

    def wait_under_load(self, node):
        wait_until(lambda: self.client.get(f"/api/v1/nodes/{node}")["outstanding"] >= 6, 20, f"{node} to have work")

    def assert_no_retries(self, ids):
        """Returns how often tasks were given back."""
        jobs = [self.job(job, wait_s=60) for job in ids]
        self.assertEqual({job["state"] for job in jobs}, {"SUCCEEDED"})
        self.assertEqual([job for job in jobs if job["retries"]["infrastructure"] or job["retries"]["crashes"]], [])
        return sum(job["retries"]["returned"] for job in jobs)

    def test_a_drain(self):
        ids = self.submit_many(300)
        self.wait_under_load("edge-1")
        done = self.cluster.ctl("drain", "edge-1", "--wait", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        node = self.client.get("/api/v1/nodes/edge-1")
        self.assertEqual((node["state"], node["outstanding"]), ("DRAINED", 0))
        self.assertGreater(self.assert_no_retries(ids), 0, "it had work to give back")
        self.client.post("/api/v1/nodes/edge-1:uncordon")
        self.cluster.wait_nodes_ready()

    def test_agents_that_are_stopped_one_after_the_other(self):
        ids = []
        for name in sorted(self.cluster.agents):
            ids += self.submit_many(400)
            self.wait_under_load(name)
            agent = self.cluster.agents[name].process
            self.assertEqual(agent.stop(timeout_s=20), 0, agent.tail())
            agent.start()
            self.cluster.wait_nodes_ready([name])
        self.assertGreater(self.assert_no_retries(ids), 0, "they had work to give back")

    def test_a_controller_that_is_stopped(self):
        ids = []
        for _ in range(3):
            ids += self.submit_many(300)
            self.wait_under_load("edge-2")
            self.assertEqual(self.cluster.controller.stop(timeout_s=20), 0, self.cluster.controller.tail())
            self.cluster.restart_controller()
        self.assert_no_retries(ids)
        self.cluster.wait_nodes_ready()


class Names(ClusterTest):
    NODES = [NodePlan("only")]

    def test_a_second_agent_of_a_name_is_refused_and_the_first_works_on(self):
        before = self.client.get("/api/v1/nodes/only")
        second = Agent(NodePlan("only"), self.cluster.folder / "second", support.PROGRAMS, self.cluster.agents_at)
        self.addCleanup(second.stop)
        second.process.start()
        wait_until(lambda: "another agent is connected as 'only'" in second.process.tail(50), 20, "the second agent to be refused")
        self.assertEqual(self.submit(wait_s=20)["state"], "SUCCEEDED")
        after = self.client.get("/api/v1/nodes/only")
        self.assertEqual((after["state"], after["incarnation"]), ("READY", before["incarnation"]))

    def test_an_agent_that_is_killed_and_started_again_has_its_name_at_once(self):
        agent = self.cluster.agents["only"]
        before = self.client.get("/api/v1/nodes/only")["incarnation"]
        agent.process.kill()
        agent.process.start()
        wait_until(lambda: self.client.get("/api/v1/nodes/only")["incarnation"] == before + 1, 20, "its next start to be known")
        self.cluster.wait_nodes_ready()
        self.assertNotIn("another agent is connected", agent.process.tail(50))


class Links(ClusterTest):
    NODES = [NodePlan("near"), NodePlan("far", link=support.Link(delay_ms=20, rate_mbit=20))]

    def test_the_round_trip_is_measured(self):
        wait_until(lambda: self.client.get("/api/v1/nodes/far")["rtt_ms"] >= 39, 20, "the round trip of far to be known")
        nodes = self.cluster.nodes()
        self.assertLess(nodes["near"]["rtt_ms"], nodes["far"]["rtt_ms"])  # no bound of its own: the machine may be busy

    def test_work_of_a_node_behind_a_stalled_link_is_done_elsewhere_and_counts_once(self):
        relay = self.cluster.agents["far"].relay
        relay.ask("stall")
        try:
            wait_until(lambda: not self.client.get("/api/v1/nodes/far")["connected"]
                       or self.client.get("/api/v1/nodes/far")["state"] != "READY", 20, "far to be noticed silent")
            ids = self.client.post(f"{JOBS}:batch", {"jobs": [{"model": "noop", "inputs": tensor()}] * 100})["ids"]
            self.assertEqual({self.job(job, wait_s=20)["result"]["node"] for job in ids}, {"near"})
        finally:
            relay.ask("resume")
        self.cluster.wait_nodes_ready()
        self.assertEqual(self.submit(wait_s=20, constraints={"node": "far"})["state"], "SUCCEEDED")

    def test_resets_in_the_middle_of_work_cost_nothing(self):
        relay = self.cluster.agents["far"].relay
        ids = []
        for _ in range(5):
            ids += self.client.post(f"{JOBS}:batch", {"jobs": [
                {"model": "noop", "inputs": tensor(), "constraints": {"node": "far"}} for _ in range(20)]})["ids"]
            relay.ask("reset")
        jobs = [self.job(job, wait_s=60) for job in ids]
        self.assertEqual({job["state"] for job in jobs}, {"SUCCEEDED"})
        self.cluster.wait_nodes_ready()


if __name__ == "__main__":
    support.main()
