"""Joins the ledger with what was found when everything had ended, and names what breaks a promise. Pure.

    charges = join(ledger, Found(jobs=..., executions=..., logged_ends=..., runner_kills=...))

Each charge is of one KIND and says what the contradiction is. An empty list is an acquittal.
"""

import dataclasses
from typing import NamedTuple

from chaos.ledger import ENDS, End, end_of, told

KINDS = {
    "lost": "acknowledged and lost",
    "doubled": "committed twice",
    "unasked": "jobs that nobody asked for",
    "unexplained": "ends that nothing explains",
    "open": "jobs that did not end",
}


class Charge(NamedTuple):
    kind: str
    job: str    # id, "" if it has none
    text: str


class Execution(NamedTuple):
    """A run of a model that ended, by the log of the node's agent, which says so before it tells anybody else."""
    job: str
    number: int   # of the attempt
    uid: str
    node: str
    outcome: str


@dataclasses.dataclass
class Found:
    """The state of things after healing."""
    jobs: list                                        # every job that the controller lists, as JSON
    executions: list = dataclasses.field(default_factory=list)
    logged_ends: list = dataclasses.field(default_factory=list)  # (id, End), each line of the controller's log that says so
    runner_kills: int = 0
    outputs: dict = dataclasses.field(default_factory=dict)      # number -> the outputs that this job must have, where known


def join(ledger, found):
    listed = {}
    for job in found.jobs:
        listed.setdefault(job["id"], []).append(job)
    return [*lost(ledger, listed), *doubled(ledger, found, listed), *unasked(ledger, found),
            *unexplained(ledger, found), *still_open(found)]


def lost(ledger, listed):
    for asked in ledger.asked.values():
        for job_id in dict.fromkeys(asked.ids):
            if job_id not in listed:
                yield Charge("lost", job_id, f"job {asked.number} was acknowledged as {job_id}; there is no such job")
            elif asked.missing:
                yield Charge("lost", job_id, f"job {asked.number} was acknowledged as {job_id}; {asked.missing} was told that there is none")


def doubled(ledger, found, listed):
    for asked in ledger.asked.values():
        if len(set(asked.ids)) > 1:
            yield Charge("doubled", asked.ids[0], f"job {asked.number} was acknowledged as {' and as '.join(dict.fromkeys(asked.ids))}")
    for number, ids in by_number(found.jobs).items():
        if len(ids) > 1:
            yield Charge("doubled", ids[0], f"job {number} is there {len(ids)} times: {', '.join(ids)}")
    for job_id, jobs in listed.items():
        last = end_of(jobs[-1], "the last look")
        seen = ledger.seen.get(job_id)
        for text in seen.contradictions if seen else []:
            yield Charge("doubled", job_id, text)
        if seen and seen.end and not last:
            yield Charge("doubled", job_id, f"{seen.end.by} saw {told(seen.end)}, the last look saw it {jobs[-1]['state']}")
        elif seen and seen.end and seen.end.against(last):
            yield Charge("doubled", job_id, f"{seen.end.by} saw {told(seen.end)}, the last look saw {told(last)}")
    yield from doubled_in_logs(found, listed)


def doubled_in_logs(found, listed):
    logged = {}
    for job_id, end in found.logged_ends:
        before = logged.setdefault(job_id, end)
        if before is not end:
            yield Charge("doubled", job_id, f"the controller's log tells two ends: {told(before)}, and {told(end)}")
        last = end_of(listed[job_id][-1], "the last look") if job_id in listed else None
        if last and last.against(end):
            yield Charge("doubled", job_id, f"the controller's log tells {told(end)}, the last look saw {told(last)}")
    uids = {}
    for run in found.executions:
        uid = uids.setdefault((run.job, run.number), run.uid)
        if uid != run.uid:
            yield Charge("doubled", run.job, f"attempt {run.number} was given out twice, as {uid} and as {run.uid}")


def unasked(ledger, found):
    there = by_number(found.jobs)
    for number, ids in there.items():
        asked = ledger.asked.get(number)
        if asked is None:
            yield Charge("unasked", ids[0], f"nobody asked for job {number}")
        elif asked.refused:
            yield Charge("unasked", ids[0], f"job {number} was refused and is there")
    requests = {}
    for asked in ledger.asked.values():
        requests.setdefault(asked.request, []).append(asked.number)
    for numbers in requests.values():
        halves = [number in there for number in numbers]
        if any(halves) and not all(halves):
            yield Charge("unasked", "", f"of the batch {numbers[0]} to {numbers[-1]} only {sum(halves)} of {len(halves)} jobs are there")


def unexplained(ledger, found):
    ran = {(run.job, run.number, run.node) for run in found.executions if run.outcome == "succeeded"}
    for job in found.jobs:
        asked = ledger.asked.get(number_of(job))
        if asked is None or job["state"] not in ENDS:
            continue
        seen = ledger.seen.get(job["id"])
        why = unexplained_end(job, asked, ran, found) or wrong_outputs(seen and seen.end, found.outputs.get(asked.number))
        if why:
            yield Charge("unexplained", job["id"], f"job {asked.number}: {why}")


def unexplained_end(job, asked, ran, found):
    """A sentence, or "" if the end is one that this job may have."""
    state = job["state"]
    if state == "SUCCEEDED":
        result = job["result"]
        if asked.cancel_promised:
            return "its cancel was acknowledged and it succeeded"
        if (job["id"], result["attempt"], result["node"]) not in ran:
            return f"its result is of attempt {result['attempt']} on {result['node']}, which nobody there has run"
        return wrong_outputs(end_of(job, "the last look"), found.outputs.get(asked.number))
    if state == "CANCELLED":
        if asked.cancel_refused:
            return "its cancel was refused, since it had ended otherwise, and it is CANCELLED"
        return "" if asked.cancel_asked else "CANCELLED, and nobody asked for that"
    if asked.cancel_promised:
        return f"its cancel was acknowledged and it is {state}"
    if state == "EXPIRED":
        return "" if asked.deadline else "EXPIRED without a deadline"
    error = job.get("error") or {}
    if state == "QUARANTINED" and asked.model != "noop" and found.runner_kills >= 2:
        return ""
    return f"{state}: {error.get('code')}: {error.get('message')}"


def wrong_outputs(end, expected):
    if end is None or end.outputs is None or expected is None or end.outputs == expected:
        return ""
    return f"{end.by} saw outputs {str(end.outputs)[:80]}, they must be {str(expected)[:80]}"


def still_open(found):
    for job in found.jobs:
        if job["state"] not in ENDS:
            yield Charge("open", job["id"], f"job {number_of(job)} is {job['state']}")


def number_of(job):
    number = job.get("labels", {}).get("number", "")
    return int(number) if number.isdigit() else -1


def by_number(jobs):
    """number -> the different ids that carry it."""
    ids = {}
    for job in jobs:
        have = ids.setdefault(number_of(job), [])
        if job["id"] not in have:
            have.append(job["id"])
    return ids


__all__ = ["KINDS", "Charge", "End", "Execution", "Found", "join"]
