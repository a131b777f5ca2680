"""How soon a killed controller serves again."""

import time

from process.path import JOBS, NOOP_JOB, noop_cluster, open_jobs

BATCH = {"jobs": [NOOP_JOB] * 1000}


def restart(programs):
    """after SIGKILL with 100,000 and with 1,000,000 open durable jobs: seconds until a submit is accepted; and memory then"""
    with noop_cluster(programs, agents=0) as cluster:
        return {**killed_with(cluster, 100_000, "100k"), **killed_with(cluster, 1_000_000, "1m")}


def killed_with(cluster, jobs, name):
    while open_jobs(cluster) < jobs:
        cluster.client.post(f"{JOBS}:batch", BATCH)
    before = cluster.controller.resident_bytes()
    cluster.controller.kill()
    began = time.monotonic()
    cluster.restart_controller()
    cluster.client.post(JOBS, NOOP_JOB)
    ready_s = time.monotonic() - began
    found = open_jobs(cluster)
    assert found >= jobs, f"{found} of {jobs} jobs are there after the restart"
    return {f"accepting_{name}_s": ready_s, f"rss_before_{name}_mb": before / 1e6, f"rss_{name}_mb": cluster.controller.resident_bytes() / 1e6}
