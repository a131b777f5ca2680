"""The cluster that chaos is let loose on, its clients, and the last look at it.

Four nodes: two run models, two only the noop engine. Every agent's way to the controller and both ways of the clients lead
through relays. Runners are killed on two nodes only: a model that crashes on three is kept from new work for a minute, as it
should be, and could not end all its jobs in that time.
"""

import dataclasses
import re
import time

from harness.cluster import Cluster, Link, NodePlan, noop_model
from harness.digits import export_held_out
from harness.programs import DIGITS_MANIFEST
from harness.relay import Relay

from chaos import witness
from chaos.clients import JOBS, Looker, Submitter, Watcher
from chaos.plan import Victims

RUN_MODELS = ["edge-1", "edge-2"]
ONLY_NOOP = ["edge-3", "edge-4"]
CLIENT_LINKS = ["clients-1", "clients-2"]
FAR = Link(delay_ms=25, jitter_ms=25)  # so that there is always something under way to be lost
NEAR = Link(delay_ms=4, jitter_ms=4)
QUEUE = 32                             # and always something on an agent that is killed
SUBMITTERS = 8
LOOKERS = 2
LOUD = {"level": "debug", "format": "json"}  # a line for each execution and each end
FULL_LOOKS = 2000


class World(Cluster):
    def __init__(self, programs, models, retained):
        engines = {**dict.fromkeys(RUN_MODELS, ["torch", "noop"] if models else ["noop"]), **dict.fromkeys(ONLY_NOOP, ["noop"])}
        nodes = [NodePlan(name, slots=2, link=FAR, settings={"engines": have, "queue_depth": QUEUE, "log": LOUD})
                 for name, have in engines.items()]
        super().__init__(programs, nodes=nodes, config={
            "log": LOUD, "core": {"probe_runs": 3, "max_retained_jobs": retained}})
        self.models = models
        self.images = []
        self.client_relays = {}

    def start(self):
        super().start()
        for number, name in enumerate(CLIENT_LINKS):
            self.client_relays[name] = Relay(self.programs["relay"], self.api, self.folder, name=name, seed=number + 1,
                                              **dataclasses.asdict(NEAR)).start()
        self.client.put("/api/v1/models/noop", noop_model())
        if self.models:
            self.images = export_held_out(self.programs, self.folder / "held-out")
            self.apply_model(DIGITS_MANIFEST)
            self.wait_model_known("digits", RUN_MODELS)
        return self

    def stop(self):
        for relay in self.client_relays.values():
            relay.stop()
        super().stop()

    def links(self):
        return {**{f"link of {name}": agent.relay for name, agent in self.agents.items()}, **self.client_relays}

    def links_of(self, whom):
        """Those over which it talks."""
        return [self.agents[whom].relay] if whom in self.agents else list(self.links().values())

    def victims(self):
        return Victims(agents=sorted(self.agents), with_runners=RUN_MODELS if self.models else [], links=sorted(self.links()))

    def clients(self, work, ledger):
        addresses = [relay.address for relay in self.client_relays.values()]
        kinds = [(Submitter, "submitter", SUBMITTERS), (Looker, "looker", LOOKERS), (Watcher, "watcher", 1)]
        return [kind(f"{name} {number}", addresses[number % len(addresses)], work, ledger)
                for kind, name, count in kinds for number in range(count)]

    # ---- the last look

    def open_jobs(self):
        text = self.client.call("GET", "/metrics").body.decode()
        return sum(float(value) for value in re.findall(r"^skerry_queue_jobs\{[^}]*\} (\S+)$", text, re.M))

    def wait_all_ended(self, timeout_s):
        """True if they have; by the metric first, so that looking costs nothing, then by the jobs themselves."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            if self.open_jobs() == 0:
                return True
            time.sleep(0.1)
        return False

    def look_at_all(self, ledger, by):
        """Every job as the controller lists it, each told to the ledger."""
        asked_s = time.monotonic()
        jobs = list(self.client.all_jobs())
        for job in jobs:
            ledger.saw(job, asked_s, time.monotonic(), by)
        return jobs

    def look_closely(self, ledger, ids, by):
        """With outputs. Jobs that are not there any more are left to the list."""
        for job_id in ids:
            asked_s = time.monotonic()
            answer = self.client.call("GET", f"{JOBS}/{job_id}")
            if answer.status == 200:
                ledger.saw(answer.body, asked_s, time.monotonic(), by)

    def executions(self):
        return [run for name, agent in self.agents.items() for run in witness.executions(agent.process.log_path, name)]

    def reports(self):
        """What sanitizers say, where the programs were built with one."""
        return [f"{process.name}: {line}" for process in self.processes() for line in witness.sanitizer_reports(process.log_path)]
