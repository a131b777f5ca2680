"""What ten times too much costs: overload."""

import contextlib
import json
import re
import subprocess
import threading
import time

from harness.cluster import Cluster, noop_model
from harness.processes import wait_until

from process.path import JOBS, NOOP_JOB, ended_jobs, open_jobs

AGENTS, SERVICE_MS = 60, 80  # two slots each: 1,500 tasks a second
MAX_OPEN_JOBS = 6000         # what the fleet does in 4 s, so that nobody waits for long
PEAK_S, OVERLOAD_S = 10, 60
FLOOD_CONNECTIONS = 400
CONFIG = {"core": {"max_open_jobs": MAX_OPEN_JOBS, "probe_runs": 0, "max_retained_jobs": 1_000_000}}


def overload(programs):
    """60 s of ten times the jobs that the fleet can do (open loop): results a second, nodes lost, back to normal"""
    with swarm_cluster(programs) as cluster:
        idle = sorted(probe(cluster.client) for _ in range(100))
        peak_per_s = saturated(cluster)
        drained(cluster)
        watch = Watch(cluster)
        flood = start_flood(programs, cluster, 10 * peak_per_s)
        time.sleep(2)  # its own start
        ended, began = ended_jobs(cluster), time.monotonic()
        flood.wait(OVERLOAD_S + 60)
        goodput_per_s = (ended_jobs(cluster) - ended) / (time.monotonic() - began)
        normal_s = until_normal(cluster.client, 2 * p99(idle))
        watch.stop()
        drained(cluster)
        report = json.loads(flood.stdout.read())
        accepted, refused = report["by_status"].get("202", 0), report["by_status"].get("503", 0)
        strange = {status: count for status, count in report["by_status"].items() if status not in ("202", "503")}
        assert not strange, f"answers that are neither 202 nor 503: {strange}, the first: {report['first_error']}"
        return {"peak_per_s": peak_per_s, "offered_per_s": 10 * peak_per_s, "answered_per_s": (accepted + refused) / report["seconds"],
                "accepted_per_s": accepted / report["seconds"], "goodput_per_s": goodput_per_s,
                "goodput_fraction": goodput_per_s / peak_per_s, "nodes_falsely_lost": lost_nodes(cluster) + watch.not_ready,
                "oldest_heartbeat_s": watch.oldest_s, "idle_p99_ms": 1000 * p99(idle),
                "interactive_p50_ms": 1000 * watch.latencies()[len(watch.latencies()) // 2],
                "interactive_p99_ms": 1000 * p99(watch.latencies()), "interactive_refused": watch.refused, "normal_after_s": normal_s}


@contextlib.contextmanager
def swarm_cluster(programs):
    with Cluster(programs, config=CONFIG) as cluster:
        cluster.client.put("/api/v1/models/noop", noop_model())
        swarm = subprocess.Popen([programs["swarm"], cluster.agents_at, str(AGENTS), "600", str(SERVICE_MS)], stdout=subprocess.PIPE, text=True)
        try:
            assert json.loads(swarm.stdout.readline())["connected"] == AGENTS
            yield cluster
            assert swarm.poll() is None, "the simulated agents ended: a stream of them broke"
        finally:
            swarm.kill()
            swarm.wait()


def probe(client, priority="normal"):
    """Seconds of one waiting job; its own result, not only a place in line."""
    began = time.monotonic()
    client.post(JOBS, {**NOOP_JOB, "priority": priority}, {"Prefer": "wait=60"})
    return time.monotonic() - began


def saturated(cluster):
    """Results a second while there is always enough to do, and nobody else to serve."""
    def fill():
        while cluster.client.call("POST", f"{JOBS}:batch", {"jobs": [NOOP_JOB] * 100}).status == 202:
            pass
    fill()
    time.sleep(1)
    ended, began = ended_jobs(cluster), time.monotonic()
    while time.monotonic() - began < PEAK_S:
        fill()
        time.sleep(0.05)
    return (ended_jobs(cluster) - ended) / (time.monotonic() - began)


def start_flood(programs, cluster, rate_per_s):
    body = cluster.folder / "flood"
    body.write_text(json.dumps(NOOP_JOB) + "\n")
    words = [programs["load"], cluster.api, JOBS, "--method", "POST", "--bodies", body, "--connections", FLOOD_CONNECTIONS,
             "--rate", rate_per_s, "--seconds", OVERLOAD_S, "--expect", 202, "--header", "Content-Type: application/json"]
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True)


class Watch:
    """Sends interactive jobs, one after the other, and looks at the nodes, until it is stopped."""

    def __init__(self, cluster):
        self.client, self.stopped = cluster.connect(timeout_s=70), threading.Event()
        self.times, self.refused, self.oldest_s, self.not_ready = [], 0, 0.0, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        looked = 0.0
        while not self.stopped.wait(0.05):
            began = time.monotonic()
            answer = self.client.call("POST", JOBS, {**NOOP_JOB, "priority": "interactive"}, {"Prefer": "wait=60"})
            if answer.status == 200:
                self.times.append(time.monotonic() - began)
            else:
                self.refused += 1
            if began - looked > 1:
                looked = began
                self.look()
        self.client.close()

    def look(self):
        text = self.client.call("GET", "/metrics").body.decode()
        ages = [float(age) for age in re.findall(r"^skerry_node_heartbeat_age_seconds\S* (\S+)$", text, re.M)]
        self.oldest_s = max(self.oldest_s, *ages)
        ready = sum(float(one) for one in re.findall(r'^skerry_node_state\{\S*state="READY"\S*\} (\S+)$', text, re.M))
        self.not_ready = max(self.not_ready, AGENTS - int(ready))

    def latencies(self):
        return sorted(self.times)

    def stop(self):
        self.stopped.set()
        self.thread.join(90)


def until_normal(client, limit_s):
    """Seconds until a job of the flood's own class takes no longer than limit_s, three times in a row."""
    began, in_a_row = time.monotonic(), 0
    while in_a_row < 3:
        assert time.monotonic() - began < 120, "it is not back to normal after two minutes"
        answer_began = time.monotonic()
        status = client.call("POST", JOBS, NOOP_JOB, {"Prefer": "wait=60"}).status
        in_a_row = in_a_row + 1 if status == 200 and time.monotonic() - answer_began <= limit_s else 0
    return time.monotonic() - began


def drained(cluster):
    wait_until(lambda: open_jobs(cluster) == 0, 120, "all jobs to end", every_s=0.1)


def lost_nodes(cluster):
    """How often a node became SUSPECT or DISCONNECTED."""
    text = cluster.client.call("GET", "/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith("skerry_node_changes_total") and ("SUSPECT" in line or "DISCONNECTED" in line))


def p99(times):
    return times[min(len(times) - 1, int(0.99 * len(times)))]
