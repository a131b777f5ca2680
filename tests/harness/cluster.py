"""A whole Skerry on loopback in a folder of its own: one controller, its agents, and a bad link for those that want one.

Nobody proves who he is, unless it is made secure: then as it comes out of the box, with enrolled nodes, TLS and tokens.

    with Cluster(Programs(), nodes=[NodePlan("edge"), NodePlan("cloud", link=Link(delay_ms=20, rate_mbit=20))]) as cluster:
        cluster.client.get("/api/v1/nodes")

Ports are picked by the kernel at the first start and kept over restarts. On an exception inside `with`, the ends of all
logs are printed. Only processes that it started are ended, and all of them are. Use it from the main thread.
"""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness.processes import Process, wait_until
from harness.relay import Relay
from harness.rest import CONNECTION_ERRORS, Client, Problem


OPEN = {"insecure_dev": True, "allow_anonymous": True, "agent_tls": False}  # a controller that asks nobody for anything


@dataclasses.dataclass(frozen=True)
class Link:
    """One way, each way; what is not said is not limited."""
    delay_ms: float = 0
    jitter_ms: float = 0
    rate_mbit: float = 0


@dataclasses.dataclass(frozen=True)
class NodePlan:
    """A node: what its agent declares, and the limits that its agent enforces (threads, CPU share)."""
    name: str
    tier: str = "edge"
    site: str = ""
    labels: dict = dataclasses.field(default_factory=dict)
    slots: int = 1
    threads: int = 1
    cpu_share: float = 1.0      # of one core per thread; 1 = no limit
    idle_w: float = 2
    busy_w: float = 5
    transfer_j_per_byte: float = 0
    price_usd_per_hour: float = 0.01
    link: Link | None = None    # None: straight to the controller
    settings: dict = dataclasses.field(default_factory=dict)  # further settings of the agent's configuration, by section


class Agent:
    """One node's agent, its configuration, and the relay before it if there is one."""

    def __init__(self, plan, folder, programs, controller_address, join_line=None):
        """join_line: by which it becomes a node before its first start (skerryctl node token create)."""
        self.plan = plan
        self.folder = folder
        folder.mkdir()
        self.relay = None
        if plan.link:
            self.relay = Relay(programs["relay"], controller_address, folder, **dataclasses.asdict(plan.link)).start()
        runner = programs["runner"] if "torch" in plan.settings.get("engines", ["torch"]) else None
        config = agent_config(plan, self.relay.address if self.relay else controller_address, folder, runner)
        if "local_api" in config and not join_line:
            config["insecure_dev"] = True
            config["local_api"]["allow_anonymous"] = True
        config_path = folder / "agent.yaml"
        config_path.write_text(json.dumps(config, indent=1))  # JSON is YAML
        self.argv = [programs["agent"], "--config", config_path]
        if join_line:
            self.join(join_line)
        self.process = Process(plan.name, self.argv, folder / "agent.log")

    def join(self, line, check=True):
        return subprocess.run([*self.argv, "join", "-"], input=line, check=check, capture_output=True, text=True)

    def stop(self):
        self.process.stop()
        if self.relay:
            self.relay.stop()


class Cluster:
    def __init__(self, programs, nodes=(), config=None, folder=None, keep=False, tls=False, token_file=None,
                 secure=False):
        """config: the controller's configuration, a dict. folder: where to live; by default a temporary one, removed at
        the end unless keep. tls: REST over it, with certificates made for this cluster. token_file: what callers show.
        secure: nothing is left open; callers here have the first admin's token, and agents join before they start."""
        self.programs = programs
        self.plans = list(nodes)
        self.config = config
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="skerry-"))
        self.keep = keep or folder is not None
        self.certificates = self.folder / "certificates" if tls else None  # ca.pem, server.pem, server.key
        self.secure = secure
        self.token_file = token_file or (self.folder / "data" / "admin.token" if secure else None)
        self.controller = None
        self.agents = {}
        self.api = None        # "127.0.0.1:port" of REST
        self.agents_at = None  # of the agents' port
        self.client = None

    # ---- life

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.certificates:
            self.make_certificates()
        self._make_controller("127.0.0.1:0", "127.0.0.1:0")
        self.start_controller()
        self._make_controller(self.api, self.agents_at, self.controller)
        self.client = self.connect()
        for plan in self.plans:
            self.add_agent(plan)
        self.wait_nodes_ready()
        return self

    def stop(self):
        for agent in self.agents.values():
            agent.stop()
        if self.controller:
            self.controller.stop()
        if self.client:
            self.client.close()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.show_logs()
            self.stop()
            raise

    def __exit__(self, kind, *_):
        if kind is not None and kind is not KeyboardInterrupt:
            self.show_logs()
        self.stop()

    def show_logs(self, lines=25):
        for process in self.processes():
            print(process.tail(lines), file=sys.stderr)

    def processes(self):
        started = [self.controller] if self.controller else []
        for agent in self.agents.values():
            started += [agent.process] + ([agent.relay.process] if agent.relay else [])
        return started

    # ---- how REST is reached

    @property
    def url(self):
        return f"{'https' if self.ca_file else 'http'}://{self.api}"

    @property
    def ca_file(self):
        if self.secure:
            return self.folder / "data" / "authorities.pem"
        return self.certificates / "ca.pem" if self.certificates else None

    def connect(self, timeout_s=60, address=None):
        """A Client of the controller's API, or of another that has a certificate of the same authority."""
        return Client(address or self.api, timeout_s, self.ca_file, self.token_file)

    def ctl_flags(self, url=None):
        """What skerryctl is told to reach the API, or another like it."""
        return (["--server", url or self.url] + (["--ca-file", str(self.ca_file)] if self.ca_file else []) +
                (["--token-file", str(self.token_file)] if self.token_file else []))

    def ctl(self, *words, check=True):
        """Runs skerryctl; the finished process, whose output is text."""
        return subprocess.run([self.programs["skerryctl"], *self.ctl_flags(), *map(str, words)], check=check,
                              capture_output=True, text=True)

    def make_certificates(self):
        """A new authority and a certificate of it, in place of those before."""
        self.certificates.mkdir(exist_ok=True)
        subprocess.run([self.programs["certificates"], self.certificates], check=True)

    def tls_settings(self):
        return {"certificate_file": str(self.certificates / "server.pem"), "key_file": str(self.certificates / "server.key")}

    # ---- parts

    def _make_controller(self, api, agents_at, running=None):
        argv = [self.programs["controller"], "--data-dir", self.folder / "data", "--api-listen", api, "--agent-listen", agents_at,
                "--ready-file", self.folder / "controller.ready"]
        if "default_policy" not in (self.config or {}):
            argv += ["--default-policy", "none"]  # tests and benchmarks are about greedy, unless they say so
        config = {**({"api_tls": {"built_in": "true"}} if self.secure else OPEN),
                  **({"api_tls": self.tls_settings()} if self.certificates else {}), **(self.config or {})}
        path = self.folder / "controller.yaml"
        path.write_text(json.dumps({"apiVersion": "skerry/v1", "kind": "ControllerConfig", **config}, indent=1))
        argv += ["--config", path]
        process = Process("controller", argv, self.folder / "controller.log", ready_file=self.folder / "controller.ready")
        if running:  # the same process; only later starts use the ports that it got
            process.popen, process.starts = running.popen, running.starts
        self.controller = process

    def start_controller(self, timeout_s=60):
        self.controller.start()
        ready = self.controller.wait_ready(timeout_s)
        self.api, self.agents_at = ready["api"], ready["agents"]

    def restart_controller(self, timeout_s=60):
        """After a kill or a stop."""
        self.start_controller(timeout_s)
        self.client.close()

    def restart_controller_after_stop(self, timeout_s=60):
        self.controller.stop()
        self.restart_controller(timeout_s)

    def add_agent(self, plan):
        agent = Agent(plan, self.folder / plan.name, self.programs, self.agents_at,
                      self.join_line(plan.name) if self.secure else None)
        self.agents[plan.name] = agent
        agent.process.start()
        return agent

    def join_line(self, name, *flags):
        return self.ctl("node", "token", "create", "--name", name, *flags).stdout

    # ---- waiting

    def nodes(self):
        return {node["name"]: node for node in self.client.get("/api/v1/nodes")["items"]}

    def wait_nodes_ready(self, names=None, timeout_s=30):
        wanted = set(names if names is not None else self.agents)

        def ready():
            dead = [name for name in wanted if not self.agents[name].process.alive()]
            assert not dead, f"agents ended: {dead}"
            try:
                nodes = self.nodes()
            except (Problem, *CONNECTION_ERRORS):
                return False
            return all(nodes.get(name, {}).get("state") == "READY" for name in wanted)
        wait_until(ready, timeout_s, f"nodes {sorted(wanted)} to be READY", every_s=0.05)

    # ---- models and work

    def apply_model(self, manifest):
        """Uploads a model.yaml and its artifacts, as a user does."""
        self.ctl("model", "apply", "-f", manifest)

    def wait_model_known(self, model, nodes=None, timeout_s=60):
        """Until every variant was measured on these nodes by the probe runs, so that predictions rest on measurements."""
        wanted = set(nodes if nodes is not None else self.agents)

        def known():
            answer = self.client.get(f"/api/v1/models/{model}")
            measured = {(e["node"], e["variant"]) for e in answer["estimates"] if e["service"]["samples"] > 0}
            variants = {variant["name"] for variant in answer["manifest"]["spec"]["variants"]}
            return all((node, variant) in measured for node in wanted for variant in variants)
        wait_until(known, timeout_s, f"every variant of {model} to be measured", every_s=0.1)

    def wait_job(self, job, timeout_s=60):
        return self.client.get(f"/api/v1/jobs/{job}?wait={int(timeout_s)}")


def agent_config(plan, controller, folder, runner):
    """The plan in the words of the agent's configuration (docs/agent.md)."""
    config = {
        "apiVersion": "skerry/v1", "kind": "AgentConfig",
        "name": plan.name, "controller": controller, "state_dir": str(folder / "state"),
        "tier": plan.tier, "site": plan.site, "labels": plan.labels,
        "slots": plan.slots, "speed": plan.cpu_share, "price_usd_per_hour": plan.price_usd_per_hour,
        "cpu": {"threads": plan.threads, "share": plan.cpu_share},
        # several nodes share this machine's sensors, so none of them may claim what those say
        "power": {"idle_w": plan.idle_w, "busy_w": plan.busy_w, "transfer_j_per_byte": plan.transfer_j_per_byte, "source": "modelled"},
        "memory": "1GiB", "log": {"format": "text"},
    }
    if runner:
        config["runner"] = {"program": str(runner)}
    if plan.link:
        config["link"] = {"rtt": f"{2 * plan.link.delay_ms:g}ms",
                          **({"bandwidth_per_s": int(plan.link.rate_mbit * 1e6 / 8)} if plan.link.rate_mbit else {})}
    for section, values in plan.settings.items():
        config[section] = {**config[section], **values} if isinstance(config.get(section), dict) else values
    return config


def noop_model(name="noop"):
    """A model whose answer is its input, for measuring the path: the manifest for PUT /api/v1/models/<name>."""
    return {"apiVersion": "skerry/v1", "kind": "Model", "metadata": {"name": name},
            "spec": {"engine": "noop", "inputs": [{"name": "x", "kind": "tensor", "dtype": "f32", "shape": [-1]}],
                     "outputs": [{"name": "x", "kind": "tensor"}],
                     "variants": [{"name": "only", "accuracy": 1.0, "reference_ms": 0.01}]}}
