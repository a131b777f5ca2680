"""The images: built, looked at, and run: a fleet as docs/deploy-docker.md has it typed, with the quickstart's requests, and one container
killed. Grafana's image cannot be had here; one that sleeps has its name, so its provisioning is not tried."""

import concurrent.futures
import contextlib
import datetime
import json
import re
import shutil
import socket
import sys
import time

from deploy import pages
from deploy.engine import BASE, Engine, Unavailable
from harness.digits import export_held_out
from harness.processes import wait_until
from harness.programs import ROOT
from harness.rest import CONNECTION_ERRORS, Client, Problem

sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "tests" / "observability"))

IMAGES = {"controller": "ghcr.io/skerry/skerry-controller:0.1.0", "agent": "ghcr.io/skerry/skerry-agent:0.1.0",
          "agent-slim": "ghcr.io/skerry/skerry-agent-slim:0.1.0", "skerryctl": "ghcr.io/skerry/skerryctl:0.1.0"}
PROGRAMS = {"controller": "skerry-controller", "agent": "skerry-agent", "agent-slim": "skerry-agent", "skerryctl": "skerryctl"}
AGENTS = ["edge-small", "edge-big", "cloud"]
VICTIM = "edge-big"
PAGE = ROOT / "docs" / "deploy-docker.md"
LABELS = ["title", "description", "version", "revision", "created", "licenses", "source"]
READY_WITHIN_S = 1.0
SERVES = {"controller": "REST on", "edge-small": "connected to"}  # what a service's log says once it does


def run(suite):
    try:
        with Engine(suite.folder / "engine") as engine:
            make_packages(suite)
            engine.import_base()
            build(suite, engine)
            look_at(suite, engine)
            fleet(suite, engine)
    except Unavailable as why:
        suite.skip("images", str(why))


def make_packages(suite):
    import subprocess  # pylint: disable=import-outside-toplevel
    subprocess.run(["cmake", "--build", suite.build, "--target", "packages"], check=True, capture_output=True)


def build(suite, engine):
    began = time.monotonic()
    engine.run(ROOT / "docker" / "build", "--network", "host", "--sbom", suite.folder / "images", timeout_s=1800)
    took = time.monotonic() - began
    suite.check("images built, without what is compiled, s", "all four", round(took, 1), True)


def look_at(suite, engine):
    base = engine.inspect(BASE)["Size"]
    for name, image in IMAGES.items():
        facts = engine.inspect(image)
        config = facts["Config"]
        labels = {key.removeprefix("org.opencontainers.image."): value for key, value in (config["Labels"] or {}).items()}
        version = engine.docker("run", "--rm", "--read-only", "--cap-drop", "ALL", "--network", "none", image, "--version").stdout.strip()
        packages = json.loads((suite.folder / "images" / f"{name}.spdx.json").read_text())["packages"]
        names = {package["name"] for package in packages}
        wrong = [word for word, ok in {
            f"user {config['User']}": config["User"] == "10001:10001",
            f"labels {sorted(set(LABELS) - set(labels))} missing": all(labels.get(label) for label in LABELS),
            "no health check": name == "skerryctl" or config.get("Healthcheck", {}).get("Test", [""])[0] == "CMD",
            f"starts by a shell: {config['Entrypoint']}": config["Entrypoint"] == [f"/usr/bin/{PROGRAMS[name]}"],
            f"says {version!r}": version.startswith(PROGRAMS[name]),
            "its SBOM lacks the package or the C library": {"libc6", "skerry-" + name if name != "skerryctl" else name} <= names,
        }.items() if not ok]
        suite.check(f"image {name}: user, labels, health check, read-only root, SBOM of {len(packages)} packages", "as said",
                    ", ".join(wrong) or "as said", not wrong)
        suite.check(f"image {name}: size, MB, and what it adds to the base", "told", f"{facts['Size'] / 1e6:.0f}, {(facts['Size'] - base) / 1e6:.0f}",
                    True)


class Fleet:
    """docker/compose.yaml in an engine."""

    def __init__(self, engine, programs):
        self.engine = engine
        self.ports = [free_port() for _ in range(3)]
        self.folder = engine.folder / "typed"
        for name in ("docker", "helm", "models/digits"):  # what the page uses of a clone; it writes beside it
            shutil.copytree(ROOT / name, self.folder / name)
        self.env = {"SKERRY_PORT": str(self.ports[0]), "SKERRY_PROMETHEUS_PORT": str(self.ports[1]), "SKERRY_GRAFANA_PORT": str(self.ports[2]),
                    "SKERRY_PROMETHEUS_IMAGE": "skerry-test-prometheus:local", "SKERRY_GRAFANA_IMAGE": "skerry-test-asleep:local",
                    "COMPOSE_PROJECT_NAME": "skerry", "PATH": f"{shim(engine)}:{engine.env['PATH']}"}
        self.programs = programs

    def compose(self, *words, **options):
        return self.engine.run("docker-compose", "--file", self.folder / "docker" / "compose.yaml", *words, env=self.env, **options)

    def type_page(self, where):
        """The page's blocks of this kind; returns how many lines they have, and what they print."""
        typed, said = 0, ""
        for block in pages.blocks(PAGE):
            if block.where == where:
                said += self.engine.run("bash", "-ec", block.script, env=self.env, cwd=self.folder).stdout
                typed += len(block.script.splitlines())
        return typed, said

    def container(self, service):
        return f"skerry_{service}_1"

    def started_at(self, service):
        return parse_time(self.engine.inspect(self.container(service))["State"]["StartedAt"])

    def log(self, service):
        done = self.engine.docker("logs", self.container(service))
        return [json.loads(line) for line in (done.stdout + done.stderr).splitlines() if line.startswith("{")]

    def said_after_start(self, service, words):
        """Seconds from a container's start to a line of its log, None if it is not there yet."""
        began = self.started_at(service)
        for line in self.log(service):
            after = (parse_time(line["time"]) - began).total_seconds()
            if after >= 0 and words in line["message"]:
                return after
        return None

    def secrets(self, folder):
        folder.mkdir()
        for path in ("ca.pem", "tokens/admin"):
            target = folder / path.rsplit("/", maxsplit=1)[-1]
            self.engine.docker("cp", f"{self.container('controller')}:/run/skerry/secrets/{path}", target)
            target.chmod(0o600)
        return folder


def shim(engine):
    """A `docker` that knows `compose`, as newer ones do, by Debian's docker-compose."""
    folder = engine.folder / "bin"
    folder.mkdir()
    (folder / "docker").write_text('#!/bin/sh\n[ "$1" = compose ] && { shift; exec docker-compose "$@"; }\nexec /usr/bin/docker "$@"\n')
    (folder / "docker").chmod(0o755)
    return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def parse_time(text):
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00"))


def others_images(engine, folder):
    """Debian's Prometheus under the name that compose is told, and what sleeps in Grafana's place."""
    import prometheus  # pylint: disable=import-outside-toplevel
    program = prometheus.program("prometheus")
    if not program:
        raise Unavailable("Debian's prometheus is not here: scripts/install-deps")
    folder.mkdir()
    (folder / "Dockerfile").write_text(f'FROM {BASE} AS asleep\nCMD ["sleep", "infinity"]\n'
                                       f'FROM {BASE} AS prometheus\nCOPY prometheus /bin/prometheus\nENTRYPOINT ["/bin/prometheus"]\n')
    engine.run("cp", program, folder / "prometheus")
    for name in ("asleep", "prometheus"):
        engine.docker("build", "--target", name, "--tag", f"skerry-test-{name}:local", folder)


@contextlib.contextmanager
def running_fleet(engine, programs, folder):
    """(the fleet, a client of its controller with every right), once all agents are READY."""
    it = Fleet(engine, programs)
    others_images(engine, folder / "others")
    try:
        it.type_page("start")
        wait_until(lambda: it.said_after_start("controller", SERVES["controller"]), 60, "the controller to serve", every_s=0.5)
        secrets = it.secrets(folder / "secrets")
        client = Client(f"127.0.0.1:{it.ports[0]}", 60, secrets / "ca.pem", secrets / "admin")
        wait_until(lambda: ready_nodes(client) == set(AGENTS), 60, "the agents to join", every_s=0.5)
        yield it, client
    except BaseException:
        print(it.compose("logs", "--tail", "30", check=False).stdout[-6000:], file=sys.stderr)
        raise
    finally:
        it.compose("down", "--volumes", "--timeout", "60", check=False)


def fleet(suite, engine):
    with running_fleet(engine, suite.programs, suite.folder) as (it, client):
        suite.check("docker compose up: the agents join and are READY", str(sorted(AGENTS)), str(sorted(ready_nodes(client))), True)
        typed, said = it.type_page("use")
        suite.check("docs/deploy-docker.md: what its commands answer: the check, the digit", "both",
                    "both" if "the answer is what was sent" in said and "\n7\n" in said else said[-300:],
                    "the answer is what was sent" in said and "\n7\n" in said)
        wait_until(lambda: ready_nodes(client) == set(AGENTS), 60, "the agent that the page kills to be back", every_s=0.5)
        for service, words in SERVES.items():
            took = start_to_ready_s(it, service, words)
            suite.check(f"container {service}: start to ready, s (bench/run deploy takes medians)", READY_WITHIN_S, round(took, 2),
                        suite.quick or took <= READY_WITHIN_S)
        client.close()  # the connection to a controller that was restarted
        requests(suite, it, client)
        scraped(suite, it)
        hardened(suite, it)
        last, _ = it.type_page("stop")
        suite.check("docs/deploy-docker.md: lines typed, each with exit status 0", "all", 1 + typed + last, typed > 10)


def start_to_ready_s(it, service, words):
    """Of a container that has its state: the first start makes stores and joins."""
    it.engine.docker("restart", "--time", "30", it.container(service))
    return wait_until(lambda: it.said_after_start(service, words), 60, f"{service} to be back", every_s=0.5)


def ready_nodes(client):
    try:
        return {node["name"] for node in client.get("/api/v1/nodes")["items"] if node["state"] == "READY"}
    except (Problem, *CONNECTION_ERRORS):
        return set()


def requests(suite, it, client):
    import quickstart  # pylint: disable=import-outside-toplevel
    from quickstart_fleet import PRESETS  # pylint: disable=import-outside-toplevel
    images = export_held_out(suite.programs, suite.folder / "held-out")[:300]
    sent = [quickstart.SentImage(number, PRESETS[number % len(PRESETS)], label) for number, (_, label) in enumerate(images)]
    watch = quickstart.CommitWatch(client).start()
    killed = False
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(quickstart.send, client, image, images[image.number][0]) for image in sent]
        for done, future in enumerate(concurrent.futures.as_completed(waiting), 1):
            future.result()
            if not killed and done >= len(sent) // 3:
                it.engine.docker("kill", it.container(VICTIM))
                killed = True
    audit = quickstart.audit(client, sent, watch)
    right = sum(image.succeeded for image in sent)
    suite.check("requests of the quickstart against containers, one of them killed: succeeded", len(sent), right, right == len(sent))
    suite.check("of these lost, and committed twice", "0, 0", f"{audit.lost}, {audit.duplicated}", audit.lost == audit.duplicated == 0)
    it.engine.docker("start", it.container(VICTIM))
    wait_until(lambda: VICTIM in ready_nodes(client), 30, "the killed agent to be back", every_s=0.5)
    suite.check("the killed container, started again, is READY", VICTIM, VICTIM, True)


def scraped(suite, it):
    import urllib.request  # pylint: disable=import-outside-toplevel

    def succeeded():
        url = f"http://127.0.0.1:{it.ports[1]}/api/v1/query?query=sum(skerry_node_succeeded_jobs_total)"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return float(found[0]["value"][1]) if found else 0
    wait_until(lambda: succeeded() >= 300, 60, "Prometheus to have scraped all of them", every_s=1)
    suite.check("Prometheus in compose scrapes over TLS with its token: jobs that succeeded", "300 or more", succeeded(), True)
    with urllib.request.urlopen(f"http://127.0.0.1:{it.ports[1]}/api/v1/rules", timeout=10) as answer:
        groups = json.load(answer)["data"]["groups"]
    suite.check("Prometheus in compose has the rules", "some", sum(len(group["rules"]) for group in groups), bool(groups))


def hardened(suite, it):
    wrong = []
    for service in ["controller", *AGENTS]:
        facts = it.engine.inspect(it.container(service))
        host = facts["HostConfig"]
        if not host["ReadonlyRootfs"] or host["CapDrop"] != ["ALL"] or not any("no-new-privileges" in one for one in host["SecurityOpt"] or []):
            wrong.append(service)
        if service != "controller" and "skerry_operators" in facts["NetworkSettings"]["Networks"]:
            wrong.append(f"{service} is in the operators' network")
        if any("/run/skerry/secrets" == mount["Destination"] for mount in facts["Mounts"]) and service != "controller":
            wrong.append(f"{service} sees the controller's secrets")
    suite.check("containers: read-only, without capabilities, each in its network with its secrets", "all", ", ".join(wrong) or "all", not wrong)
    states = {name: it.engine.inspect(it.container(name))["State"].get("Health", {}).get("Status") for name in ["controller", *AGENTS]}
    wait_until(lambda: all(it.engine.inspect(it.container(name))["State"]["Health"]["Status"] == "healthy" for name in states), 60,
               "all containers to be healthy", every_s=1)
    suite.check("containers are healthy, as Docker sees them", len(states), len(states), True)
