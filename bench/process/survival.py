"""What a dead, silent, flapping or cut-off node costs its tasks: failover, partition, flap, brake, spool.

Tasks hang because their runners are stopped (SIGSTOP), so that each is running when its node is lost.
"""

import contextlib
import datetime
import os
import re
import signal
import time

from harness.cluster import Cluster, Link, NodePlan
from harness.digits import export_held_out
from harness.processes import wait_until
from harness.programs import DIGITS_MANIFEST
from harness.rest import media

from process.path import ended_jobs

JOBS = "/api/v1/jobs"
LINK = Link(delay_ms=0)  # a relay that adds nothing until it is told to
HANGING = 20


@contextlib.contextmanager
def digits_cluster(programs, nodes, config=None, measured=True):
    """A cluster that has the digits model and an image for it; measured: every node has measured every variant."""
    with Cluster(programs, nodes=nodes, config=config) as cluster:
        cluster.apply_model(DIGITS_MANIFEST)
        if measured:
            cluster.wait_model_known("digits")
        cluster.image = export_held_out(programs, cluster.folder / "held-out")[0][0]
        yield cluster


def jobs_of(cluster, count, **more):
    return [{"model": "digits", "inputs": {"image": media(cluster.image, "image/png")}, "priority": "interactive", **more} for _ in range(count)]


def hang_on(cluster, names, count=HANGING):
    """Jobs that run on these nodes, count on each, and do not end. All other nodes are cordoned meanwhile."""
    others = [name for name in cluster.agents if name not in names]
    for name in others:
        cluster.client.post(f"/api/v1/nodes/{name}:cordon")
    stopped = [pid for name in names for pid in cluster.agents[name].process.children()]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    ids = cluster.client.post(f"{JOBS}:batch", {"jobs": jobs_of(cluster, count * len(names))})["ids"]
    wait_until(lambda: all(cluster.client.get(f"{JOBS}/{job}")["state"] in ("LEASED", "RUNNING") for job in ids), 20, "all jobs to be placed")
    for name in others:
        cluster.client.post(f"/api/v1/nodes/{name}:uncordon")
    return ids, stopped


def go_on(stopped):
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def moved_after(cluster, ids, since, victims):
    """Seconds from `since` until each job's next attempt was given to a node that is not lost."""
    times = []
    for job in ids:
        decisions = cluster.client.get(f"{JOBS}/{job}/decisions")["items"]
        assert len(decisions) >= 2 and decisions[0]["choice"]["node"] in victims, decisions
        elsewhere = next(d for d in decisions if d["choice"]["node"] not in victims)
        times.append(at(elsewhere["at"]) - since)
    return sorted(times)


def p99(times):
    return times[min(len(times) - 1, int(0.99 * len(times)))]


def wait_ended(cluster, ids, within_s):
    jobs = [cluster.wait_job(job, within_s) for job in ids]
    open_ones = [job for job in jobs if job["state"] != "SUCCEEDED"]
    assert not open_ones, f"{len(open_ones)} jobs did not succeed, the first: {open_ones[0]}"
    return jobs


ROOMY = {"queue_depth": HANGING, "runner": {"stall_limit": "10m"}}  # a runner that we stopped is not to be ended for it
THREE = [NodePlan("victim", link=LINK, settings=ROOMY), NodePlan("other-1", settings=ROOMY),
         NodePlan("other-2", settings=ROOMY)]


def failover(programs):
    """an agent is killed: from the SIGKILL until its interactive tasks have been given to another node"""
    with digits_cluster(programs, THREE) as cluster:
        ids, _ = hang_on(cluster, ["victim"])
        since = time.time()
        cluster.agents["victim"].process.kill()
        wait_ended(cluster, ids, 30)
        times = moved_after(cluster, ids, since, ["victim"])
        return {"moved_p50_s": times[len(times) // 2], "moved_p99_s": p99(times)}


def partition(programs):
    """a node falls silent, its connection open: until its interactive tasks have been given to another node"""
    with digits_cluster(programs, THREE) as cluster:
        ids, stopped = hang_on(cluster, ["victim"])
        since = time.time()
        cluster.agents["victim"].relay.ask("stall")
        jobs = wait_ended(cluster, ids, 30)
        times = moved_after(cluster, ids, since, ["victim"])
        go_on(stopped)  # it finishes, too late
        cluster.agents["victim"].relay.ask("resume")
        cluster.wait_nodes_ready()
        time.sleep(1)
        again = [cluster.client.get(f"{JOBS}/{job['id']}") for job in jobs]
        doubled = sum(now["result"] != before["result"] for now, before in zip(again, jobs))
        return {"moved_p50_s": times[len(times) // 2], "moved_p99_s": p99(times), "doubled": doubled}


def flap(programs):
    """a link that stalls 1 s of every 2 for 60 s, then once for 2.5 s: what was running fine is not moved"""
    with digits_cluster(programs, THREE) as cluster:
        ids, stopped = hang_on(cluster, ["victim"])
        relay = cluster.agents["victim"].relay
        for _ in range(30):
            relay.ask("stall")
            time.sleep(1)
            relay.ask("resume")
            time.sleep(1)
        relay.ask("stall")
        time.sleep(2.5)
        relay.ask("resume")
        time.sleep(1)
        cluster.client.close()  # idle for a minute: the server has ended it
        moved = sum(cluster.client.get(f"{JOBS}/{job}")["attempts"] > 1 for job in ids)
        go_on(stopped)
        jobs = wait_ended(cluster, ids, 60)
        return {"moved": moved, "attempts_beyond_the_first": sum(job["attempts"] - 1 for job in jobs)}


def brake(programs):
    """three of five agents fall silent together for 20 s: the brake holds, and all is well soon after they are back"""
    cut = [f"cut-{i}" for i in range(3)]
    nodes = [NodePlan(name, link=LINK, settings=ROOMY) for name in cut]
    nodes += [NodePlan(f"stays-{i}", settings=ROOMY) for i in range(2)]
    with digits_cluster(programs, nodes) as cluster:
        ids, stopped = hang_on(cluster, cut, 5)
        for name in cut:
            cluster.agents[name].relay.ask("stall")
        time.sleep(20)
        moved = sum(cluster.client.get(f"{JOBS}/{job}")["attempts"] > 1 for job in ids)
        braking = float(re.search(r"^skerry_braking (\S+)", cluster.client.call("GET", "/metrics").body.decode(), re.M).group(1))
        go_on(stopped)
        healed = time.monotonic()
        for name in cut:
            cluster.agents[name].relay.ask("resume")
        wait_ended(cluster, ids, 30)
        cluster.wait_nodes_ready()
        return {"moved": moved, "braking": braking, "recovered_s": time.monotonic() - healed}


def spool(programs, results=10_000):
    """10,000 results that end while the node is cut off, kept over its SIGKILL: delivered when the link is back"""
    # At a tenth of a processor loading takes long enough to cut the node off before anything ends.
    node = NodePlan("edge", cpu_share=0.1, link=LINK, settings={"queue_depth": results})
    with digits_cluster(programs, [node], config={"core": {"probe_runs": 0}}, measured=False) as cluster:
        small = {"constraints": {"variants": ["small"]}}
        cluster.wait_job(cluster.client.post(JOBS, jobs_of(cluster, 1, **small)[0])["id"])  # its artifact is there from now on
        agent, relay = cluster.agents["edge"].process, cluster.agents["edge"].relay
        restart(agent)
        wait_until(lambda: cluster.nodes()["edge"]["state"] == "READY" and not cluster.nodes()["edge"]["resident"], 20, "a new agent")
        ids = []
        for _ in range(results // 1000):
            ids += cluster.client.post(f"{JOBS}:batch", {"jobs": jobs_of(cluster, 1000, **small)})["ids"]
        wait_until(lambda: cluster.nodes()["edge"]["outstanding"] == results, 30, "all tasks to be leased")
        time.sleep(0.5)  # and to have arrived
        relay.ask("refuse")
        relay.ask("reset")
        journal = cluster.folder / "edge" / "state" / "journal"
        cut = journal.stat().st_size
        wait_until(lambda: journal.stat().st_size > cut, 120, "the first result", every_s=0.1)
        size = 0
        while journal.stat().st_size != size:
            size = journal.stat().st_size
            time.sleep(2)
        kept = restart(agent)
        relay.ask("accept")
        back = time.monotonic()
        wait_until(lambda: ended_jobs(cluster) >= results + 1, 120, "all results to be delivered", every_s=0.05)
        delivered_s = time.monotonic() - back
        jobs = [cluster.client.get(f"{JOBS}/{job}") for job in ids]
        return {"kept_over_the_restart": kept, "delivered_s": delivered_s, "lost": sum(job["state"] != "SUCCEEDED" for job in jobs),
                "doubled": sum(job["attempts"] - 1 for job in jobs)}


def restart(agent):
    """SIGKILL and start; how many results it had kept."""
    agent.kill()
    logged = len(agent.log_path.read_text())
    agent.start()
    wait_until(lambda: "starts:" in agent.log_path.read_text()[logged:], 10, "the agent to start")
    time.sleep(0.5)
    said = re.search(r"(\d+) results to deliver", agent.log_path.read_text()[logged:])
    return int(said.group(1)) if said else 0
