"""The ledger: what clients asked for, what they were promised, and every end of a job that anybody saw.

It lives in the process that kills and is never killed itself. It only writes down; join.py judges afterwards. Any thread may
call it. Times are seconds of a monotonic clock, given by the caller.
"""

import dataclasses
import threading

ENDS = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "QUARANTINED")


@dataclasses.dataclass
class Asked:
    """One job that a client asked for. Its number is its own for ever and travels with it as a label."""
    number: int
    model: str = "noop"
    deadline: bool = False
    request: int = 0            # the first number of the request that it came with: a batch is taken as a whole or not at all
    refused: bool = False       # the one answer was a refusal, so it must not exist
    ids: list = dataclasses.field(default_factory=list)  # each acknowledgement's, in order; more than one if a key was used again
    acknowledged_s: float | None = None
    cancel_asked: bool = False
    cancel_promised: bool = False  # the answer was 2xx
    cancel_refused: bool = False   # "it has ended otherwise"
    missing: str = ""           # who was told, after the acknowledgement, that there is no such job


@dataclasses.dataclass(frozen=True)
class End:
    """How a job ended, as far as one witness tells; None = it does not."""
    state: str
    attempt: int | None = None   # whose result it is; only with SUCCEEDED
    node: str | None = None
    ended_at: str | None = None
    outputs: dict | None = None  # as the API shows them
    by: str = ""                 # who saw it

    def against(self, other):
        """The names of what both tell and tell differently."""
        return [name for name in ("state", "attempt", "node", "ended_at", "outputs")
                if None not in (getattr(self, name), getattr(other, name)) and getattr(self, name) != getattr(other, name)]

    def and_also(self, other):
        """This, with what only the other tells."""
        missing = {name: getattr(other, name) for name in ("attempt", "node", "ended_at", "outputs") if getattr(self, name) is None}
        return dataclasses.replace(self, **missing)


@dataclasses.dataclass
class Seen:
    """What clients saw of one job."""
    end: End | None = None
    ended_s: float | None = None       # when the first witness of the end had its answer
    contradictions: list = dataclasses.field(default_factory=list)  # sentences


def end_of(job, by):
    """The End that a job's JSON tells (docs/rest-api.md), None while it is open. A page of jobs has no outputs."""
    if "ended_at" not in job:
        return None
    result = job.get("result") or {}
    return End(state=job["state"], attempt=result.get("attempt"), node=result.get("node"), ended_at=job["ended_at"],
               outputs=result.get("outputs"), by=by)


class Ledger:
    def __init__(self):
        self._lock = threading.Lock()
        self.asked = {}    # number -> Asked
        self.numbers = {}  # id -> number, of acknowledged jobs
        self.seen = {}     # id -> Seen
        self._acknowledged = []  # the ids of numbers, to choose from
        self.looks = 0     # answers about jobs that were compared with what was known

    # ---- what clients ask and are told

    def ask(self, jobs):
        with self._lock:
            for job in jobs:
                self.asked[job.number] = job

    def acknowledge(self, numbers, ids, at_s):
        with self._lock:
            for number, job_id in zip(numbers, ids, strict=True):
                job = self.asked[number]
                job.ids.append(job_id)
                if job.acknowledged_s is None:
                    job.acknowledged_s = at_s
                if job_id not in self.numbers:
                    self.numbers[job_id] = number
                    self._acknowledged.append(job_id)

    def refuse(self, numbers):
        with self._lock:
            for number in numbers:
                self.asked[number].refused = True

    def cancel(self, job_id, promised=False, refused=False):
        """Once before it is asked, once more with the answer if there is one."""
        with self._lock:
            job = self.asked[self.numbers[job_id]]
            job.cancel_asked = True
            job.cancel_promised |= promised
            job.cancel_refused |= refused

    def missed(self, job_id, by):
        with self._lock:
            self.asked[self.numbers[job_id]].missing = by

    # ---- what anybody sees

    def saw(self, job, asked_s, answered_s, by):
        """A job's JSON as an answer to a request that was sent at asked_s."""
        end = end_of(job, by)
        if end:
            self.saw_end(job["id"], end, answered_s)
        else:
            self.saw_open(job["id"], job["state"], asked_s, by)

    def saw_end(self, job_id, end, at_s):
        with self._lock:
            self.looks += 1
            seen = self.seen.setdefault(job_id, Seen())
            if seen.end is None:
                seen.end, seen.ended_s = end, at_s
                return
            if seen.end.against(end):
                seen.contradictions.append(f"{seen.end.by} saw {told(seen.end)}, {end.by} saw {told(end)}")
            else:
                seen.end = seen.end.and_also(end)
                seen.ended_s = min(seen.ended_s, at_s)

    def saw_open(self, job_id, state, asked_s, by):
        """Wrong only if the question was put after somebody knew the end: answers overtake each other."""
        with self._lock:
            self.looks += 1
            seen = self.seen.get(job_id)
            if seen and seen.end and asked_s > seen.ended_s:
                seen.contradictions.append(f"{seen.end.by} saw {told(seen.end)}, later {by} saw it {state} again")

    # ---- how far it is

    def any_acknowledged(self, chance):
        with self._lock:
            return chance.choice(self._acknowledged)

    def counts(self):
        with self._lock:
            return {"asked": len(self.asked), "acknowledged": len(self.numbers), "ended": len(self.seen)}


def told(end):
    parts = {"attempt": end.attempt, "node": end.node, "at": end.ended_at, "outputs": end.outputs and str(end.outputs)[:80]}
    return " ".join([end.state, *(f"{name} {value}" for name, value in parts.items() if value is not None)])
