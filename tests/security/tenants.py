"""One tenant far above its quota beside another: how far the other's p99 moves."""

import statistics
import sys
import threading

from harness.cluster import Cluster, NodePlan, noop_model
from harness.programs import ROOT

JOBS = "/api/v1/jobs"
QUOTA_PER_S = 20
TIMES_OVER = 100
MOVES_AT_MOST = 1.2
SECONDS = 4
TURNS = 5


def job(ns):
    return {"model": "noop", "namespace": ns, "durability": "none",
            "inputs": {"x": {"dtype": "f32", "shape": [1], "data": [1]}}}


def run(suite):
    sys.path.insert(0, str(ROOT / "bench"))
    from process.load import load  # pylint: disable=import-outside-toplevel
    config = {"api_tls": {"built_in": "true"},
              "core": {"quotas": {"namespaces": [{"name": "noisy", "jobs_per_s": QUOTA_PER_S, "burst_jobs": QUOTA_PER_S}]}}}
    with Cluster(suite.programs, nodes=[NodePlan("edge-1", slots=2)], config=config, secure=True) as cluster:
        cluster.client.put("/api/v1/models/noop", noop_model())
        cluster.wait_model_known("noop")

        def quiet():
            return load(suite.programs, cluster, JOBS, [job("quiet")], connections=2, seconds=SECONDS, warmup_s=0.5,
                        headers=["Prefer: wait=30"], expect=200, rate_per_s=100)["p99_ms"]

        def beside_noise():
            noise = threading.Thread(target=noisy)
            noise.start()
            figure = quiet()
            noise.join()
            return figure

        def noisy():
            load(suite.programs, cluster, JOBS, [job("noisy")], connections=8, seconds=SECONDS + 1, warmup_s=0,
                 headers=["Prefer: wait=30"], expect=429, rate_per_s=QUOTA_PER_S * TIMES_OVER, tolerate=True, nice=19, name="noisy")
        pairs = [(quiet(), beside_noise()) for _ in range(TURNS)]
        ratio = statistics.median(beside / alone for alone, beside in pairs)
        suite.check(f"a tenant at {TIMES_OVER} x its quota: another's p99 beside it to alone "
                    f"(alone {statistics.median(a for a, _ in pairs):.2f} ms), median of {TURNS}",
                    MOVES_AT_MOST, round(ratio, 2), ratio <= MOVES_AT_MOST)
