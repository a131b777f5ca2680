"""Floods at the agents' port, from strangers and from an enrolled node: what they cost the API, how soon they are banned, and what
memory they make the controller take."""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

from harness.cluster import Cluster, NodePlan, noop_model
from harness.programs import ROOT

JOBS = "/api/v1/jobs"
P99_AT_MOST = 2.0
BANNED_WITHIN_S = 2.0
MEMORY_AT_MOST = 10.0
LEAST_BYTES = 1 << 20  # what comes and goes by itself, of the load and of allocators, says nothing of a flood of less
ATTACKER = pathlib.Path(__file__).with_name("flooder.py")
STRANGERS = ["garbage", "handshakes", "half_handshakes"]
ENROLLED = ["hpack", "continuation", "rapid_reset", "settings", "pings", "streams"]


class Watch:
    """The controller's memory while something happens: its peak."""

    def __init__(self, process):
        self.process, self.peak, self.over = process, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.wait(0.02):
            self.peak = max(self.peak, self.process.resident_bytes())

    def __enter__(self):
        self.before = self.peak = self.process.resident_bytes()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def attack(cluster, kind, identity, seconds):
    """The attacker's own report: {"sent_bytes", "banned_after_s", "cut"}."""
    words = ["nice", "-n", "19", sys.executable, ATTACKER, kind, cluster.agents_at, str(seconds)] + ([identity] if identity else [])
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=seconds + 60)
    if done.returncode != 0:
        raise RuntimeError(f"the attacker {kind} broke: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def run(suite):
    sys.path.insert(0, str(ROOT / "bench"))
    from process.load import load  # pylint: disable=import-outside-toplevel
    seconds = 3 if suite.quick else 8
    with Cluster(suite.programs, nodes=[NodePlan("edge-1", slots=2)], secure=True) as cluster:
        cluster.client.put("/api/v1/models/noop", noop_model())
        cluster.wait_model_known("noop")
        body = {"model": "noop", "durability": "none", "inputs": {"x": {"dtype": "f32", "shape": [1], "data": [1]}}}

        def p99(name):
            return load(suite.programs, cluster, JOBS, [body], connections=2, seconds=seconds, warmup_s=0.5,
                        headers=["Prefer: wait=30"], expect=200, rate_per_s=100, name=name)["p99_ms"]
        kinds = [(kind, None) for kind in STRANGERS]
        for kind in ENROLLED:
            folder = cluster.folder / f"attacker-{kind}"
            subprocess.run([suite.programs["agent"], "--name", f"attacker-{kind.replace('_', '-')}", "--state-dir", folder, "join", "-"],
                           input=cluster.join_line("attacker-*"), check=True, capture_output=True, text=True)
            kinds.append((kind, folder / "node.pem"))
        for kind, identity in kinds:
            who = "enrolled" if identity else "stranger"
            idle = p99("idle")
            reports = []
            with Watch(cluster.controller) as memory:
                attacker = threading.Thread(target=lambda k=kind, i=identity: reports.append(attack(cluster, k, i, seconds)))
                attacker.start()
                beside = p99("beside")
                attacker.join()
            if not reports:
                raise RuntimeError(f"the attacker {kind} did not report")
            report = reports[0]
            grown = (memory.peak - memory.before) / max(LEAST_BYTES, report["sent_bytes"])
            if not suite.quick:
                suite.check(f"{who}, {kind}: API p99 beside it to idle ({idle:.2f} ms)", P99_AT_MOST, round(beside / idle, 2),
                            beside <= P99_AT_MOST * idle)
            if kind != "half_handshakes":  # those are only bounded: others' may be under way behind the same address
                suite.check(f"{who}, {kind}: banned within, s", BANNED_WITHIN_S, report["banned_after_s"],
                            report["banned_after_s"] is not None and report["banned_after_s"] <= BANNED_WITHIN_S)
            suite.check(f"{who}, {kind}: memory grown to bytes sent ({report['sent_bytes']:,})", MEMORY_AT_MOST, round(grown, 2),
                        grown <= MEMORY_AT_MOST)
            assert cluster.nodes()["edge-1"]["state"] == "READY", "an honest node was lost"
            if not identity:
                time.sleep(0.1)
                cluster.restart_controller_after_stop()  # the ban of this address would keep honest nodes of it out, too
                cluster.wait_nodes_ready()
