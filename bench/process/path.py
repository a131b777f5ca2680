"""How fast work goes in and through: submit, submit-batch, infer, infer-secure, throughput."""

import contextlib
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

from harness.cluster import Cluster, NodePlan, noop_model
from harness.digits import export_held_out
from harness.processes import wait_until
from harness.programs import DIGITS_MANIFEST
from harness.rest import media

from process.load import load

JOBS = "/api/v1/jobs"
NOOP_JOB = {"model": "noop", "inputs": {"x": {"dtype": "f32", "shape": [4], "data": [1, 2, 3, 4]}}}


@contextlib.contextmanager
def noop_cluster(programs, agents):
    with Cluster(programs, nodes=[NodePlan(f"edge-{i}", slots=2) for i in range(agents)]) as cluster:
        cluster.client.put("/api/v1/models/noop", noop_model())
        yield cluster


def submit(programs):
    """durable single jobs, acknowledged after fdatasync: rate over 64 connections, latency alone on one; no agents"""
    with noop_cluster(programs, agents=0) as cluster:
        alone = load(programs, cluster, JOBS, [NOOP_JOB], connections=1, seconds=4)
        crowd = load(programs, cluster, JOBS, [NOOP_JOB], connections=64, seconds=8)
    return {"acks_per_s": crowd["per_s"], "crowd_p50_ms": crowd["p50_ms"], "crowd_p99_ms": crowd["p99_ms"],
            "single_p50_ms": alone["p50_ms"], "single_p99_ms": alone["p99_ms"]}


def submit_batch(programs):
    """durable jobs, 1,000 a request over 4 connections; no agents"""
    # Nothing takes the jobs, and a controller holds two million: short enough for 500,000 a second.
    with noop_cluster(programs, agents=0) as cluster:
        report = load(programs, cluster, f"{JOBS}:batch", [{"jobs": [NOOP_JOB] * 1000}], connections=4, seconds=4)
    return {"jobs_per_s": report["per_s"] * 1000, "request_p50_ms": report["p50_ms"], "request_p99_ms": report["p99_ms"]}


def infer(programs):
    """waiting call, smallest digits variant, one connection, minus the same runner called directly"""
    with Cluster(programs, nodes=[NodePlan("edge-0")]) as cluster:
        cluster.apply_model(DIGITS_MANIFEST)
        cluster.wait_model_known("digits")
        image, variant, direct = call_directly(programs, cluster)
        job = {"model": "digits", "inputs": {"image": media(image, "image/png")}, "constraints": {"variants": [variant]}}
        metrics = {"direct_p50_ms": direct["p50_ms"], "direct_p99_ms": direct["p99_ms"]}
        for durability in ("none", "durable"):
            report = load(programs, cluster, JOBS, [{**job, "durability": durability}], connections=1, seconds=6,
                          headers=["Prefer: wait=30"], expect=200)
            for figure in ("p50", "p99"):
                metrics[f"added_{figure}_ms_{durability}"] = report[f"{figure}_ms"] - direct["p50_ms"]
    return metrics


def infer_secure(programs, turns=80, seconds=0.6):
    """what TLS, tokens, enrolled nodes and the sandbox add to the p50 of infer's waiting call: the same call on two clusters, in
    turns"""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bare = NodePlan("edge-0", settings={"sandbox": {"profile": "off"}})
        plain = stack.enter_context(Cluster(programs, nodes=[bare]))
        secure = stack.enter_context(Cluster(programs, nodes=[NodePlan("edge-0")], secure=True))
        for cluster in (plain, secure):
            cluster.apply_model(DIGITS_MANIFEST)
            cluster.wait_model_known("digits")
        image = export_held_out(programs, folder / "held-out")[0][0]
        variants = plain.client.get("/api/v1/models/digits")["manifest"]["spec"]["variants"]
        smallest = min(variants, key=lambda variant: variant["artifact_bytes"])["name"]
        job = {"model": "digits", "inputs": {"image": media(image, "image/png")}, "constraints": {"variants": [smallest]}}
        metrics = {}
        for durability in ("none", "durable"):
            def call(cluster):
                return load(programs, cluster, JOBS, [{**job, "durability": durability}], connections=1, seconds=seconds,
                            warmup_s=0.2, headers=["Prefer: wait=30"], expect=200)["p50_ms"]
            p50s = {plain: [], secure: []}
            for turn in range(turns):
                for cluster in (plain, secure) if turn % 2 == 0 else (secure, plain):
                    p50s[cluster].append(call(cluster))
            metrics[f"plain_p50_ms_{durability}"] = statistics.median(p50s[plain])
            metrics[f"secure_p50_ms_{durability}"] = statistics.median(p50s[secure])
            metrics[f"added_p50_ms_{durability}"] = statistics.median(
                with_tls - without for with_tls, without in zip(p50s[secure], p50s[plain]))
    return metrics


def call_directly(programs, cluster):
    """(an image, the smallest variant's name, the runner's figures when nothing is between it and the caller)"""
    held_out = cluster.folder / "held-out"
    export_held_out(programs, held_out)
    manifest = cluster.client.get("/api/v1/models/digits")["manifest"]
    smallest = min(manifest["spec"]["variants"], key=lambda variant: variant["artifact_bytes"])
    artifact, written = cluster.folder / "artifact", cluster.folder / "manifest.json"
    artifact.write_bytes(cluster.client.get(f"/api/v1/blobs/{smallest['digest']}"))
    written.write_text(json.dumps(manifest))
    image = held_out / "0000.png"
    done = subprocess.run([programs["bench-runner"], programs["runner"], written, artifact, image, "image"],
                          check=True, capture_output=True, text=True)
    return image.read_bytes(), smallest["name"], json.loads(done.stdout)


def throughput(programs, tasks=40_000):
    """the full path with a no-op variant on 3 agents: durable jobs from submit to committed result, tasks a second"""
    with noop_cluster(programs, agents=3) as cluster:
        cluster.client.post(f"{JOBS}:batch", {"jobs": [NOOP_JOB] * 1000})
        wait_until(lambda: ended_jobs(cluster) == 1000, 60, "the warm-up to end")
        began = time.monotonic()
        for _ in range(tasks // 1000):
            cluster.client.post(f"{JOBS}:batch", {"jobs": [NOOP_JOB] * 1000})
        wait_until(lambda: ended_jobs(cluster) == 1000 + tasks, 120, "all tasks to end", every_s=0.02)
        return {"tasks_per_s": tasks / (time.monotonic() - began)}


def ended_jobs(cluster):
    """How many jobs have succeeded, by the metrics."""
    text = cluster.client.call("GET", "/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith("skerry_jobs_ended_total") and "SUCCEEDED" in line.upper())


def open_jobs(cluster):
    """How many jobs have not ended, by the metrics."""
    text = cluster.client.call("GET", "/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("skerry_queue_jobs{"))
