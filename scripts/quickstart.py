#!/usr/bin/env python3
"""Starts a controller and three agents, sends real images under four presets, kills an agent in the middle, and reports.

./quickstart installs and builds first, then runs this. Options: --help.
"""

import argparse
import concurrent.futures
import dataclasses
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from harness.cluster import Cluster  # noqa: E402
from harness.digits import export_held_out  # noqa: E402
from harness.processes import NotReady, wait_until  # noqa: E402
from harness.programs import DIGITS_MANIFEST, Programs  # noqa: E402
from harness.rest import CONNECTION_ERRORS, Problem, media  # noqa: E402

import quickstart_fleet as fleet  # noqa: E402
import quickstart_report as report  # noqa: E402

IN_FLIGHT = 8       # images under way at once
JOB_TIMEOUT_S = 60


@dataclasses.dataclass
class SentImage:
    """One image of the run: what was sent, and the job as it ended (None: nobody knows)."""
    number: int
    preset: str
    label: str
    job_id: str = ""
    job: dict | None = None

    @property
    def succeeded(self):
        return self.job is not None and self.job["state"] == "SUCCEEDED"


@dataclasses.dataclass
class Audit:
    """What the controller's own list says after the run."""
    lost: int
    duplicated: int


def send(client, image, png):
    """Submits one durable job and waits for its end; the key makes a repeated submit harmless."""
    body = {"model": "digits", "inputs": {"image": media(png, "image/png")}, "preference": image.preset}
    headers = {"Prefer": f"wait={JOB_TIMEOUT_S}", "Idempotency-Key": f"quickstart-{image.number}"}
    job = client.ask_patiently("POST", "/api/v1/jobs", body, headers, within_s=JOB_TIMEOUT_S)
    image.job_id = job["id"]
    image.job = job if "ended_at" in job else client.get(f"/api/v1/jobs/{job['id']}?wait={JOB_TIMEOUT_S}")
    return image


class CommitWatch:
    """Counts, by the event stream, how often each job was said to have succeeded: a job with two results is a double."""

    def __init__(self, client):
        self.times = {}
        self.gaps = 0
        self._client = client
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def _watch(self):
        try:
            for event in self._client.events("/api/v1/events?types=job", timeout_s=3600):
                if event.type == "gap":
                    self.gaps += 1
                elif isinstance(event.data, dict) and event.data.get("state") == "SUCCEEDED":
                    job = event.data.get("job") or event.data.get("id")
                    self.times[job] = self.times.get(job, 0) + 1
        except (Problem, *CONNECTION_ERRORS):
            pass  # the cluster stops

    def doubled(self):
        return sum(times > 1 for times in self.times.values())


def audit(client, sent, watch):
    """Every accepted job must be in the controller's list, ended, and ended once."""
    listed, cursor = {}, ""
    while True:
        page = client.get(f"/api/v1/jobs?limit=1000&cursor={cursor}" if cursor else "/api/v1/jobs?limit=1000")
        for job in page["items"]:
            listed.setdefault(job["id"], []).append(job)
        cursor = page.get("next_cursor")
        if not cursor:
            break
    lost = sum(not any("ended_at" in job for job in listed.get(image.job_id, [])) for image in sent)
    twice = sum(len(jobs) > 1 for jobs in listed.values()) + len(sent) - len({image.job_id for image in sent})
    return Audit(lost=lost, duplicated=twice + watch.doubled())


def kill_with_work(cluster, name):
    """SIGKILL to the agent while it holds tasks; returns when that was (wall clock).

    A task takes milliseconds and may end between a look and the kill. So the agent is stopped first, and killed only
    if the controller still counts a task on it once what was under way has come in.
    """
    process = cluster.agents[name].process

    def busy():
        return cluster.client.get(f"/api/v1/nodes/{name}")["outstanding"] > 0

    def caught():
        if not busy():
            return False
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.02)
        if busy():
            return True
        os.kill(process.pid, signal.SIGCONT)
        return False

    try:
        wait_until(caught, 5, f"{name} to hold a task", every_s=0)
    except NotReady:
        pass  # idle for 5 s: kill it all the same
    at = time.time()
    process.kill()
    return at


def failover_ms(client, sent, victim, killed_at):
    """From the kill until the last job that was on the killed node had its result from elsewhere; None if it held none."""
    ends = []
    for image in sent:
        if not image.succeeded or image.job["attempts"] < 2:
            continue
        decisions = client.get(f"/api/v1/jobs/{image.job_id}/decisions")
        records = decisions["items"] if isinstance(decisions, dict) else decisions
        ended_at = datetime.datetime.fromisoformat(image.job["ended_at"].replace("Z", "+00:00")).timestamp()
        if ended_at >= killed_at and any(record["choice"]["node"] == victim for record in records[:-1]):
            ends.append(ended_at)
    return round((max(ends) - killed_at) * 1e3, 1) if ends else None


def run(cluster, images, say):
    """Sends all images, kills and restarts the victim on the way; returns the summary."""
    client = cluster.client
    sent = [SentImage(number, fleet.PRESETS[number % len(fleet.PRESETS)], label) for number, (_, label) in enumerate(images)]
    watch = CommitWatch(client).start()
    marks = {len(sent) * tenth // 10: tenth for tenth in range(1, 11)}
    killed_at, restarted = None, False
    with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
        waiting = [pool.submit(send, client, image, images[image.number][0]) for image in sent]
        for done, future in enumerate(concurrent.futures.as_completed(waiting), 1):
            future.result()
            if done in marks:
                say(f"   {done} of {len(sent)} images answered")
            if killed_at is None and done >= len(sent) * 0.45:
                killed_at = kill_with_work(cluster, fleet.VICTIM)
                say(f"   SIGKILL to the agent of {fleet.VICTIM}")
            elif killed_at is not None and not restarted and done >= len(sent) * 0.6:
                cluster.agents[fleet.VICTIM].process.start()
                restarted = True
                say(f"   {fleet.VICTIM} is started again")
    return report.summary(sent, audit(client, sent, watch), failover_ms(client, sent, fleet.VICTIM, killed_at))


def how_to_go_on(cluster, programs, example):
    ctl = programs["skerryctl"]
    try:
        ctl = ctl.relative_to(pathlib.Path.cwd())
    except ValueError:
        pass
    ways = {"SKERRY_SERVER": cluster.url, "SKERRY_CA_FILE": cluster.ca_file, "SKERRY_TOKEN_FILE": cluster.token_file}
    return ["", f"The cluster is at {cluster.url} (its files: {cluster.folder}). Go on with:",
            "", *[f"  export {name}={value}" for name, value in ways.items() if value],
            f"  {ctl} get nodes",
            f"  {ctl} infer digits --image {example} --preference green",
            f"  {ctl} get jobs      # then: {ctl} explain JOB",
            "", "Ctrl-C stops it."]


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exit", action="store_true", help="stop the cluster at the end")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line of standard output")
    parser.add_argument("--images", type=int, default=1000, help="how many images to send")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="folder of the programs")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    out = sys.stderr if options.json else sys.stdout

    def say(text):
        print(text, file=out, flush=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    programs = Programs(options.build)
    try:
        say("== starting a controller and three agents, with TLS, enrolled nodes and tokens: " + ", ".join(node.name for node in fleet.NODES))
        # The policy that the controller comes with, as a user would have it.
        with Cluster(programs, nodes=fleet.NODES, config={"default_policy": ""}, secure=True) as cluster:
            held_out = cluster.folder / "held-out"
            images = export_held_out(programs, held_out)[:options.images]
            say("== registering the model digits; every node measures every variant")
            cluster.apply_model(DIGITS_MANIFEST)
            cluster.wait_model_known("digits")
            say(f"== sending {len(images)} images that the model has never seen, under {len(fleet.PRESETS)} presets")
            figures = run(cluster, images, say)
            say("")
            for line in report.text_of(figures):
                say(line)
            if not options.exit:
                for line in how_to_go_on(cluster, programs, held_out / "0007.png"):
                    say(line)
            if options.json:
                print(json.dumps(figures), flush=True)
            if not options.exit:
                threading.Event().wait()
        return 0 if figures["lost"] == figures["duplicated"] == 0 else 1
    except KeyboardInterrupt:
        say("\nstopped")
        return 0
    except (FileNotFoundError, NotReady, subprocess.CalledProcessError) as failure:
        print(f"quickstart: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
