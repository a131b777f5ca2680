"""A cluster in which everything happens that the dashboards show: load of several namespaces, failures, a lost node, shadows."""

import itertools
import os
import signal
import threading
import time

from harness.cluster import Cluster, NodePlan
from harness.programs import DIGITS_MANIFEST, ROOT
from harness.rest import CONNECTION_ERRORS, Problem, media

JOBS = "/api/v1/jobs"
VICTIM = "edge-2"
# Slow enough that attempts take some milliseconds, so that there is something to wait for.
NODES = [NodePlan("edge-1", site="shop-1", cpu_share=0.5, price_usd_per_hour=0.04), NodePlan(VICTIM, site="shop-1", idle_w=4, busy_w=12),
         NodePlan("cloud-1", tier="cloud", site="region-1", slots=2, idle_w=25, busy_w=65, price_usd_per_hour=0.5)]
CONFIG = {"default_policy": "", "core": {
    "hedging": {"min_outcomes": 30, "min_samples": 3},
    "quotas": {"namespaces": [{"name": "vision", "jobs_per_s": 5, "burst_jobs": 5, "max_open_jobs": 100, "max_running": 4}]}}}
SHADOWS = ["greedy", "random"]


def picture():
    return {"image": media((ROOT / "models" / "digits" / "seven.png").read_bytes(), "image/png")}


def jobs():
    """Bodies of jobs without end, in turns: what callers send, well-meant and not."""
    usual = {"model": "digits", "inputs": picture()}
    kinds = [{**usual, "priority": "interactive", "preference": "fast"}, {**usual, "preference": "green"}, {**usual, "namespace": "vision"},
             {**usual, "priority": "batch", "preference": "cheap", "namespace": "night"}, {**usual, "preference": "accurate"},
             {**usual, "priority": "interactive"}, {**usual, "namespace": "vision", "preference": "fast"},
             {**usual, "inputs": {"image": media(b"no picture")}},                                     # FAILED: the model cannot read it
             {**usual, "constraints": {"node": "nowhere", "deadline_ms": 200}}]                        # EXPIRED: no such node
    return itertools.cycle(kinds)


class World:
    """The cluster with its load; `with` starts and ends both."""

    def __init__(self, programs, senders=4):
        self.cluster = Cluster(programs, nodes=NODES, config=CONFIG, secure=True)
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(i,), daemon=True) for i in range(senders)]
        self.threads.append(threading.Thread(target=self.hold_up, daemon=True))
        self.ended = 0

    def __enter__(self):
        self.cluster.__enter__()
        try:
            self.cluster.apply_model(DIGITS_MANIFEST)
            self.cluster.wait_model_known("digits")
            for name in SHADOWS:
                self.cluster.client.post(f"/api/v1/policies/{name}:shadow")
            for thread in self.threads:
                thread.start()
        except BaseException:
            self.__exit__(None)
            raise
        return self

    def __exit__(self, *problem):
        self.stopped.set()
        for thread in self.threads:
            if thread.ident:
                thread.join(30)
        self.cluster.__exit__(*(problem if len(problem) == 3 else (None, None, None)))

    def metrics_token(self):
        """A file with a token that may read metrics and nothing else."""
        path = self.cluster.folder / "prometheus.token"
        path.touch(mode=0o600)
        path.write_text(self.cluster.ctl("token", "create", "--role", "metrics:*", "--ttl", "1h").stdout.splitlines()[0], encoding="ascii")
        return path

    def send(self, first):
        client = self.cluster.connect()
        for body in itertools.islice(jobs(), first, None):
            if self.stopped.wait(0.02):
                break
            try:
                client.post(JOBS, body, {"Prefer": "wait=10"})
                self.ended += 1
            except Problem:
                pass  # refused by a quota
            except CONNECTION_ERRORS:
                client.close()
        client.close()

    def hold_up(self):
        """Stops the runners of a node for a moment, every few seconds: what runs there is late, and may get a second attempt."""
        while not self.stopped.wait(4):
            runners = self.cluster.agents["cloud-1"].process.children()
            tell(runners, signal.SIGSTOP)
            time.sleep(0.4)
            tell(runners, signal.SIGCONT)

    def lose_a_node(self):
        self.cluster.agents[VICTIM].process.kill()

    def bring_it_back(self):
        self.cluster.agents[VICTIM].process.start()
        self.cluster.wait_nodes_ready([VICTIM])


def tell(processes, number):
    for pid in processes:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # it ended meanwhile
