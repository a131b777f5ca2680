"""The clients: they submit, wait, cancel, look and watch over links that break, and tell the ledger all they were promised.

What a job is follows from the seed and its number; what a client does, from the seed and the client's own number. When it
happens depends on the machine and on what is done to the controller meanwhile.
"""

import collections
import random
import threading
import time

from harness.rest import CONNECTION_ERRORS, Client, Problem, media

from chaos.ledger import ENDS, Asked, End

JOBS = "/api/v1/jobs"
TIMEOUT_S = 6          # of an answer; a controller that is stopped for longer leaves its clients in doubt
WAIT_S = 3
PATIENCE_S = 240       # with the same key
QUIET_S = 5            # without an event, after which a watcher comes anew
LATER = (429, 503)
LOOK_UP_S = 0.02      # how soon a client that waits for its time sees that it must hurry
DONE_EARLY = 0.95      # of the plan's length, so that the last jobs meet faults, too

KEYED = 0.75           # the shares of requests
WAITING = 0.2          # of single jobs
CANCELLED = 0.03
REPLAYED = 0.1         # of keyed requests that were acknowledged
MODEL_JOBS = 0.04      # the shares of jobs
WITH_DEADLINE = 0.04


class Work:
    """The jobs to be asked for, at a pace that ends with the plan; shared by all clients. Made before they start."""

    def __init__(self, total, length_s, seed, images):
        self.total, self.length_s, self.seed, self.images = total, length_s, seed, images
        self.began_s = time.monotonic()
        self.outputs = {}                         # number -> what a no-op job must answer
        self.recent = collections.deque(maxlen=2000)  # ids, the last acknowledged
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._next = 0
        self._hurry_until_s = 0.0

    def take(self, chance):
        """The numbers of the next request, when it is time for it; empty once all are taken."""
        with self._lock:
            first = self._next
            due = (time.monotonic() - self.began_s) / (self.length_s * DONE_EARLY) * self.total
            sizes = [1, 40, 200] if due - first > 500 else [1] * 20 + [5] * 5 + [40, 40, 200]
            count = min(chance.choice(sizes), self.total - first)
            self._next += count
        due_s = self.began_s + first / self.total * self.length_s * DONE_EARLY
        while count and (left_s := due_s - time.monotonic()) > 0 and time.monotonic() > self._hurry_until_s:
            self.stopped.wait(min(left_s, LOOK_UP_S))
        return range(first, first + count)

    def hurry(self, for_s):
        """Do not wait for your time: a kill is near."""
        self._hurry_until_s = time.monotonic() + for_s

    def make(self, number, request):
        """(what the ledger keeps of it, the body of the job)"""
        chance = random.Random(self.seed * 1_000_003 + number)
        body = {"model": "noop", "labels": {"number": str(number)}, "priority": chance.choice(["interactive", "normal", "batch"])}
        if self.images and chance.random() < MODEL_JOBS:
            body |= {"model": "digits", "inputs": {"image": media(chance.choice(self.images)[0], "image/png")}}
        else:
            body["inputs"] = {"x": {"dtype": "f32", "shape": [1], "data": [float(number)]}}
            self.outputs[number] = body["inputs"]
        deadline = chance.random() < WITH_DEADLINE
        if deadline:
            body["constraints"] = {"deadline_ms": chance.randrange(50, 5000)}
        return Asked(number, model=body["model"], deadline=deadline, request=request), body


class Talker(threading.Thread):
    """A client in a thread of its own. failure is what ended it early."""

    def __init__(self, name, address, work, ledger):
        super().__init__(name=name, daemon=True)
        self.client = Client(address, timeout_s=TIMEOUT_S)
        self.work, self.ledger = work, ledger
        self.chance = random.Random(f"{work.seed} {name}")
        self.counts = collections.Counter()
        self.surprises = []   # answers that are neither a yes nor a promise for later
        self.failure = None

    def run(self):
        try:
            self.talk()
        except Exception as failure:  # told by the run
            self.failure = failure
        self.client.close()

    def ask(self, method, path, body=None, headers=None):
        """(the answer or None if there is none, when it was asked, when it was there)"""
        asked_s = time.monotonic()
        try:
            answer = self.client.call(method, path, body, headers)
        except CONNECTION_ERRORS:
            self.counts["without an answer"] += 1
            answer = None
        return answer, asked_s, time.monotonic()

    def surprise(self, call, answer):
        self.surprises.append(f"{self.name}: {call}: {answer.status} {str(answer.body)[:200]}")

    def look(self, job_id, wait=""):
        answer, asked_s, answered_s = self.ask("GET", f"{JOBS}/{job_id}{wait}")
        if answer is None or answer.status in LATER:
            return
        if answer.status == 200:
            self.ledger.saw(answer.body, asked_s, answered_s, self.name)
        elif answer.status == 404:
            self.ledger.missed(job_id, self.name)
        else:
            self.surprise(f"GET {job_id}", answer)

    def cancel(self, job_id):
        self.ledger.cancel(job_id)
        answer, _, _ = self.ask("POST", f"{JOBS}/{job_id}:cancel")
        if answer is None or answer.status in LATER:
            return
        if answer.status == 200:
            self.counts["cancelled"] += 1
            self.ledger.cancel(job_id, promised=True)
        elif answer.status == 409:
            self.ledger.cancel(job_id, refused=True)
        elif answer.status == 404:
            self.ledger.missed(job_id, self.name)
        else:
            self.surprise(f"cancel {job_id}", answer)


class Submitter(Talker):
    """Single jobs and batches, with and without a key, waiting for the end or not."""

    def talk(self):
        while numbers := self.work.take(self.chance):
            made = [self.work.make(number, numbers[0]) for number in numbers]
            self.ledger.ask([asked for asked, _ in made])
            self.submit(numbers, [body for _, body in made])

    def submit(self, numbers, bodies):
        single = len(bodies) == 1
        path, body = (JOBS, bodies[0]) if single else (f"{JOBS}:batch", {"jobs": bodies})
        headers = {"Prefer": f"wait={WAIT_S}"} if single and self.chance.random() < WAITING else {}
        if self.chance.random() >= KEYED:
            ids = self.once(numbers, path, body, headers)
        else:
            headers["Idempotency-Key"] = f"chaos-{numbers[0]}"
            ids = self.until_answered(numbers, path, body, headers)
            if ids and self.chance.random() < REPLAYED:
                self.counts["keys used again"] += 1
                self.until_answered(numbers, path, body, headers)
        for job_id in ids or []:
            self.work.recent.append(job_id)
        if ids and self.chance.random() < CANCELLED:
            self.cancel(self.chance.choice(ids))

    def once(self, numbers, path, body, headers):
        answer, asked_s, answered_s = self.ask("POST", path, body, headers)
        if answer is None:
            self.counts["left in doubt"] += len(numbers)
            return None
        if answer.status in LATER:
            self.ledger.refuse(numbers)
            self.counts["refused"] += len(numbers)
            return None
        return self.taken(numbers, answer, asked_s, answered_s)

    def until_answered(self, numbers, path, body, headers):
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            answer, asked_s, answered_s = self.ask("POST", path, body, headers)
            if answer is not None and answer.status not in LATER:
                return self.taken(numbers, answer, asked_s, answered_s)
            self.counts["asked again under the same key"] += 1
            time.sleep(self.chance.uniform(0.02, 0.1))
        raise TimeoutError(f"no answer under the key of job {numbers[0]} within {PATIENCE_S} s")

    def taken(self, numbers, answer, asked_s, answered_s):
        """The ids of an acknowledgement."""
        if answer.status not in (200, 202):
            self.surprise(f"submit of job {numbers[0]}", answer)
            return None
        ids = answer.body["ids"] if "ids" in answer.body else [answer.body["id"]]
        self.ledger.acknowledge(numbers, ids, answered_s)
        if answer.status == 200:
            self.counts["waited for the end"] += 1
            self.ledger.saw(answer.body, asked_s, answered_s, self.name)
        return ids


class Looker(Talker):
    """Looks at jobs, old and new, alone and by the page, and cancels some."""

    def talk(self):
        while not self.work.stopped.wait(self.chance.uniform(0.01, 0.05)):
            if not self.work.recent:
                continue
            kind = self.chance.choice(["newest", "recent", "recent", "any", "any", "page", "cancel"])
            recent = list(self.work.recent)
            if kind == "newest":
                self.look(recent[-1], f"?wait={WAIT_S}")
            elif kind == "recent":
                self.look(self.chance.choice(recent))
            elif kind == "any":
                self.look(self.ledger.any_acknowledged(self.chance))
            elif kind == "page":
                self.look_at_page()
            elif self.chance.random() < 0.3:
                self.cancel(recent[-1])

    def look_at_page(self):
        answer, asked_s, answered_s = self.ask("GET", f"{JOBS}?limit=200")
        if answer is not None and answer.status == 200:
            for job in answer.body["items"]:
                self.ledger.saw(job, asked_s, answered_s, self.name)


class Watcher(Talker):
    """Follows the events and comes back where it was cut off."""

    def talk(self):
        last_id = None
        while not self.work.stopped.is_set():
            try:
                for event in self.client.events("/api/v1/events?types=job", last_event_id=last_id, timeout_s=QUIET_S):
                    last_id = event.id or last_id
                    self.counts[f"events of {event.type}"] += 1
                    self.take_in(event.data)
                    if self.work.stopped.is_set():
                        return
            except (Problem, *CONNECTION_ERRORS):
                self.work.stopped.wait(0.1)

    def take_in(self, data):
        if isinstance(data, dict) and data.get("state") in ENDS:
            succeeded = data["state"] == "SUCCEEDED"
            self.ledger.saw_end(data["job"], End(data["state"], attempt=data.get("attempt") if succeeded else None,
                                                 node=data.get("node") if succeeded else None, by=self.name), time.monotonic())
