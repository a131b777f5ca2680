"""How far the simulator that policies are trained in is from the product: the same tasks in the simulator, in the
controller's core with simulated nodes, and on the quickstart's three real agents."""

import itertools
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from harness.cluster import Cluster
from harness.digits import export_held_out
from harness.programs import DIGITS_MANIFEST, ROOT
from harness.rest import media

sys.path.insert(0, str(ROOT / "scripts"))
import quickstart_fleet  # noqa: E402

LEARNED = ROOT / "models" / "policies" / "fleet.json"
HEURISTICS = ["greedy", "jsq", "round-robin", "random"]
OBJECTIVES = ["latency", "energy", "cost", "error"]

FLEETS = 48
ARRIVALS = 1000  # of each of those fleets

REQUESTS = 400
IMAGES = 100  # different ones
RATE_PER_S = 40
SENDERS = 4  # threads, each with every fourth request
SETTLING_S = 6  # repeated probes go on for a while; none may meet the requests


def policies():
    """[(name, what to give as --policy)]"""
    return [(name, name) for name in HEURISTICS] + [(json.loads(LEARNED.read_text())["name"], str(LEARNED))]


def play(programs, *words):
    """The objects that skerry-bench-fidelity prints, one a line."""
    given = itertools.chain.from_iterable(("--policy", path) for _, path in policies())
    done = subprocess.run([str(word) for word in (programs["fidelity"], *words, *given)], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- how alike two lists of costs are, by policy

def pairs_ordered_alike(ours, theirs, least_apart=0.02):
    """(alike, counted): of the pairs of policies that lie apart by more than that share in ours, how many theirs orders
    the same. What is as good as equal has no order."""
    counted = [(a, b) for a, b in itertools.combinations(sorted(ours), 2) if abs(ours[a] - ours[b]) > least_apart * max(ours[a], ours[b])]
    return sum((ours[a] < ours[b]) == (theirs[a] < theirs[b]) for a, b in counted), len(counted)


def regret_percent(ours, theirs):
    """What choosing a policy by ours costs in theirs, above the best one there."""
    return 100 * (theirs[min(ours, key=ours.get)] / min(theirs.values()) - 1)


# ---- the core with simulated nodes

def fidelity_core(programs):
    """the simulator against the controller's core with simulated nodes, on 48 drawn fleets: cost by policy, and their order"""
    fleets = play(programs, "fleets", "--count", FLEETS, "--arrivals", ARRIVALS)
    metrics, alike, counted, regrets = {}, 0, 0, []
    for name, _ in policies():
        apart = [100 * abs(fleet["policies"][name]["core"]["cost"] / fleet["policies"][name]["simulator"]["cost"] - 1) for fleet in fleets]
        metrics[f"{name}_cost_apart_percent_median"] = statistics.median(apart)
        metrics[f"{name}_cost_apart_percent_p90"] = statistics.quantiles(apart, n=10)[-1]
    for fleet in fleets:
        simulated = {name: played["simulator"]["cost"] for name, played in fleet["policies"].items()}
        core = {name: played["core"]["cost"] for name, played in fleet["policies"].items()}
        same, of = pairs_ordered_alike(simulated, core)
        alike, counted = alike + same, counted + of
        regrets.append(regret_percent(simulated, core))
    learned = policies()[-1][0]
    for place in ("simulator", "core"):
        metrics[f"learned_against_greedy_percent_{place}"] = statistics.mean(
            100 * (fleet["policies"][learned][place]["cost"] / fleet["policies"]["greedy"][place]["cost"] - 1) for fleet in fleets)
        metrics[f"missed_{place}"] = sum(fleet["policies"][name][place]["missed"] for fleet in fleets for name, _ in policies())
    metrics |= {"pairs_ordered_alike_percent": 100 * alike / counted, "choosing_by_simulator_regret_percent_mean": statistics.mean(regrets)}
    for objective in OBJECTIVES:
        # By fleet, since one of slow models would drown the others.
        played = [[p["core"] for p in fleet["policies"].values()] for fleet in fleets]
        metrics[f"predicted_{objective}_apart_percent_median"] = statistics.median(
            100 * sum(p["apart"][objective] for p in of_fleet) / sum(p["actual"][objective] for p in of_fleet) for of_fleet in played)
    return metrics


# ---- real agents

def drawn_requests(images, seed=1):
    """[{at_s, preset, input_bytes, image}]: Poisson arrivals, the quickstart's presets in turn."""
    draw, at_s, requests = random.Random(seed), 0.0, []
    for number in range(REQUESTS):
        at_s += draw.expovariate(RATE_PER_S)
        image = images[number % len(images)]
        requests.append({"at_s": at_s, "preset": quickstart_fleet.PRESETS[number % len(quickstart_fleet.PRESETS)],
                         "input_bytes": len(image), "image": image})
    return requests


def send_all(client, requests):
    """Submits each at its time, whatever has ended by then; their ids."""
    jobs = [None] * len(requests)

    def send(lane):
        for number in range(lane, len(requests), SENDERS):
            request = requests[number]
            time.sleep(max(0.0, began + request["at_s"] - time.monotonic()))
            body = {"model": "digits", "inputs": {"image": media(request["image"], "image/png")}, "preference": request["preset"]}
            jobs[number] = client.post("/api/v1/jobs", body)["id"]
    began = time.monotonic() + 0.2
    threads = [threading.Thread(target=send, args=(lane,)) for lane in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return jobs


def run_real(programs, policy, path, folder):
    """Plays the requests on a fresh cluster of the quickstart's three nodes under the policy: (requests, [ended job])."""
    config = {"default_policy": path} if policy not in HEURISTICS else {"core": {"policy": policy}, "default_policy": "none"}
    config.setdefault("core", {})["trace_every"] = 1
    with Cluster(programs, nodes=quickstart_fleet.NODES, config=config) as cluster:
        cluster.apply_model(DIGITS_MANIFEST)
        cluster.wait_model_known("digits")
        if policy not in HEURISTICS:
            cluster.client.post(f"/api/v1/policies/{policy}:promote")
        requests = drawn_requests([png for png, _ in export_held_out(programs, cluster.folder / "held-out")[:IMAGES]])
        time.sleep(SETTLING_S)
        ids = send_all(cluster.client, requests)
        jobs = [cluster.wait_job(job) for job in ids]
        wrong = [job for job in jobs if job["state"] != "SUCCEEDED"]
        assert not wrong, f"{len(wrong)} jobs did not succeed, the first: {wrong[0]}"
        (folder / f"{policy}.jsonl").write_bytes(cluster.client.call("GET", "/api/v1/decisions").body)
    return requests, jobs


def values_of(objectives):
    return {"latency": objectives["latency_ms"] / 1e3, "energy": objectives["energy_j"], "cost": objectives["cost_usd"], "error": objectives["error"]}


def cost_of(taken, weights, trace):
    """Weighed and scaled, as the simulator counts it."""
    cost = 0
    for name in OBJECTIVES:
        ideal, nadir = trace["ideal"][name], trace["nadir"][name]
        cost += weights[name] * (max(taken[name], ideal) - ideal) / (nadir - ideal) if nadir > ideal else 0
    return cost


def real_figures(jobs, trace):
    """Means a job: what it cost, what it took, how far predictions lay from it."""
    costs, apart, actual = [], dict.fromkeys(OBJECTIVES, 0.0), dict.fromkeys(OBJECTIVES, 0.0)
    for job in jobs:
        result = job["result"]
        predicted, took = values_of(result["predicted"]), values_of(result["actual"])
        costs.append(cost_of({**took, "latency": result["total_ms"] / 1e3}, job["preference"]["weights"], trace))
        for name in OBJECTIVES:
            apart[name] += abs(predicted[name] - took[name])
            actual[name] += took[name]
    return {"cost": statistics.mean(costs), "apart": apart, "actual": actual}


def fidelity(programs):
    """the simulator, the core with simulated nodes and the quickstart's three real agents, on one request trace"""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        runs = {}
        for name, path in policies():
            requests, runs[name] = run_real(programs, name, path, folder)
        written = folder / "requests.jsonl"
        written.write_text("".join(json.dumps({key: request[key] for key in ("at_s", "preset", "input_bytes")}) + "\n" for request in requests))
        decisions = itertools.chain.from_iterable(("--decisions", folder / f"{name}.jsonl") for name, _ in policies())
        [trace] = play(programs, "trace", "--requests", written, *decisions)
    real = {name: real_figures(jobs, trace) for name, jobs in runs.items()}
    costs = {"real": {name: figures["cost"] for name, figures in real.items()}}
    metrics = {}
    for place in ("simulator", "core"):
        costs[place] = {name: trace["policies"][name][place]["cost"] for name in real}
        alike, counted = pairs_ordered_alike(costs["real"], costs[place])
        metrics[f"pairs_ordered_alike_percent_{place}"] = 100 * alike / counted
        metrics[f"choosing_by_{place}_regret_percent"] = regret_percent(costs[place], costs["real"])
        metrics[f"cost_apart_percent_{place}"] = statistics.mean(100 * abs(costs[place][name] / costs["real"][name] - 1) for name in real)
    for name in real:
        metrics |= {f"{name}_cost_{place}": costs[place][name] for place in ("real", "core", "simulator")}
    for objective in OBJECTIVES:
        apart = sum(figures["apart"][objective] for figures in real.values())
        metrics[f"predicted_{objective}_apart_percent"] = 100 * apart / sum(figures["actual"][objective] for figures in real.values())
    return metrics
