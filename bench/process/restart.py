"""How soon a killed controller serves again."""

import time

from process.path import JOBS, NOOP_JOB, noop_cluster

OPEN_JOBS = 100_000


def restart(programs):
    """after SIGKILL with 100,000 open durable jobs: seconds until it says that it is ready; and its memory then"""
    with noop_cluster(programs, agents=0) as cluster:
        for _ in range(OPEN_JOBS // 1000):
            cluster.client.post(f"{JOBS}:batch", {"jobs": [NOOP_JOB] * 1000})
        cluster.controller.kill()
        began = time.monotonic()
        cluster.restart_controller()
        while cluster.client.call("GET", "/readyz").status != 200:
            time.sleep(0.005)
        ready_s = time.monotonic() - began
        return {"ready_s": ready_s, "rss_mb": cluster.controller.resident_bytes() / 1e6}
