"""What second attempts of late interactive tasks bring and cost, in the controller's core with simulated nodes of which
one run in a hundred takes ten times as long."""

import json
import subprocess

TASKS = 50_000


def hedging(programs):
    """one run in 100 takes 10 x: p99, p99.9 and joules a task without and with second attempts, by preset"""
    done = subprocess.run([programs["fidelity"], "hedging", "--tasks", str(TASKS)], check=True, capture_output=True, text=True)
    metrics = {}
    for line in done.stdout.splitlines():
        played = json.loads(line)
        name = played["preset"] + ("" if played["slow"] == "runs" else "_slow_inputs")
        without, hedged = played["without"], played["with"]
        for key in ("p99_ms", "p999_ms", "joules"):
            metrics[f"{name}_{key}_without"] = without[key]
            metrics[f"{name}_{key}_with"] = hedged[key]
        metrics[f"{name}_p999_ratio"] = hedged["p999_ms"] / without["p999_ms"]
        metrics[f"{name}_joules_ratio"] = hedged["joules"] / without["joules"]
        metrics[f"{name}_second_attempts_percent"] = 100 * hedged["hedges"] / played["tasks"]
        metrics[f"{name}_second_attempts_won_percent"] = 100 * hedged["won"] / max(hedged["hedges"], 1)
    return metrics
