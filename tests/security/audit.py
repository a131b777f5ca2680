"""The audit trail: mutations without a record, and edits that nobody notices."""

import json
import random
import subprocess

from harness.cluster import Cluster, NodePlan, noop_model
from harness.rest import Problem

JOBS = "/api/v1/jobs"


def mutate(cluster, rounds):
    """Changes all that callers can change, and returns how often each action was done."""
    client, done = cluster.client, {}

    def count(action, call, *words):
        call(*words)
        done[action] = done.get(action, 0) + 1
    for number in range(rounds):
        model = noop_model()
        model["spec"]["description"] = f"applied {number} times before"  # what is the same is no change
        count("model.apply", client.put, "/api/v1/models/noop", model)
        job = {"model": "noop", "inputs": {"x": {"dtype": "f32", "shape": [1], "data": [1]}}}
        answer = client.post(JOBS, job)
        done["job.submit"] = done.get("job.submit", 0) + 1
        try:
            client.post(f"{JOBS}/{answer['id']}:cancel", {})
            done["job.cancel"] = done.get("job.cancel", 0) + 1
        except Problem:
            pass  # it ended before
        count("node.cordon", cluster.ctl, "cordon", "edge-1") if number == 0 else None
        made = client.post("/api/v1/tokens", {"grants": [{"role": "viewer", "namespace": "vision"}]})
        done["token.create"] = done.get("token.create", 0) + 1
        count("token.revoke", client.delete, f"/api/v1/tokens/{made['id']}")
        joining = client.post("/api/v1/join-tokens", {"name": f"n-{number}"})
        done["join-token.create"] = done.get("join-token.create", 0) + 1
        count("join-token.delete", client.delete, f"/api/v1/join-tokens/{joining['id']}")
    count("authority.rotate", client.post, "/api/v1/authorities:rotate", {})
    return done


def edited(lines, randomness):
    """A trail with one change: an edited byte, a line less, two exchanged, one twice, or a made-up one."""
    kind = randomness.choice(["edit", "delete", "swap", "repeat", "invent"])
    changed = list(lines)
    at = randomness.randrange(len(lines) - 1)  # the last line alone may be cut off: then the controller's is longer
    if kind == "edit":
        line = changed[at]
        place = randomness.randrange(len(line))
        letter = randomness.choice([c for c in "abc0123456789" if c != line[place]])
        changed[at] = line[:place] + letter + line[place + 1:]
    elif kind == "delete":
        del changed[at]
        if at == 0:
            return None  # a trail whose beginning is left out is an export from there on
    elif kind == "swap":
        changed[at], changed[at + 1] = changed[at + 1], changed[at]
    elif kind == "repeat":
        changed.insert(at, changed[at])
    else:
        changed.insert(at + 1, changed[at].replace("seq", "Seq", 1))
    return changed


def run(suite):
    with Cluster(suite.programs, nodes=[NodePlan("edge-1")], secure=True) as cluster:
        done = mutate(cluster, 2 if suite.quick else 20)
        trail = suite.folder / "trail.jsonl"
        cluster.ctl("audit", "export", "-f", trail)
        lines = trail.read_text().splitlines()
        found = {}
        for line in lines:
            whole = json.loads(line)
            if "line" not in whole:
                continue  # what the export says of itself
            entry = json.loads(whole["line"])
            if entry["outcome"] == "done":
                found[entry["action"]] = found.get(entry["action"], 0) + 1
        missing = {action: count - found.get(action, 0) for action, count in done.items() if found.get(action, 0) < count}
        suite.check(f"mutations without a record{f' ({missing})' if missing else ''}", 0, sum(missing.values()), not missing)
        cluster.ctl("audit", "verify", trail)
        randomness = random.Random(1)
        edits = 40 if suite.quick else 1000
        unseen = 0
        for number in range(edits):
            changed = None
            while changed is None:
                changed = edited(lines, randomness)
            path = suite.folder / "edited.jsonl"
            path.write_text("\n".join(changed) + "\n")
            verified = subprocess.run([cluster.programs["skerryctl"], "audit", "verify", "--offline", path], check=False,
                                      capture_output=True)
            unseen += verified.returncode == 0
        suite.check(f"audit trail: of {edits} random edits, deletions, reorderings unnoticed", 0, unseen, unseen == 0)
        shortened = suite.folder / "short.jsonl"
        shortened.write_text("\n".join(lines[:-1]).replace("done", "gone", 1) + "\n")
        suite.check("an edited trail against the controller's: unnoticed", 0,
                    int(cluster.ctl("audit", "verify", shortened, check=False).returncode == 0),
                    cluster.ctl("audit", "verify", shortened, check=False).returncode != 0)
