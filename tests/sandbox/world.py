"""One agent with hostile runners, what it must keep to itself, and what must hold whatever they try.

The agent runs as root or as an ordinary user, in a cluster of its own on loopback; its runner is skerry-hostile, or the real
one for TorchScript. Beside the hostile model an honest one has a process of the same agent, which must stay the same process
and go on answering.
"""

import base64
import ctypes
import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

from harness.cluster import Agent, Cluster, NodePlan
from harness.processes import wait_until
from harness.rest import Problem

USER = 64_999           # an ordinary user, who owns nothing else
SECRET = "the-word-that-nobody-may-see"
TOKEN = "skerry-left"   # the name that stray processes give themselves; at most 15 letters
SEGMENT = 0x534B5259    # the key of a System V memory segment
JOBS = "/api/v1/jobs"
NO = "skerry/sandbox-no-"  # labels of layers that are missing begin with it
LIMIT_MIB = 320         # of one runner's private memory
IPC_CREAT, IPC_RMID = 0o1000, 0


class Listener:
    """Counts who connects to, or sends to, a socket."""

    def __init__(self, family, kind, address):
        self.socket = socket.socket(family, kind)
        self.socket.bind(address)
        self.kind = kind
        self.reached = 0
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        self.address = self.socket.getsockname()
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        try:
            while True:
                if self.kind == socket.SOCK_STREAM:
                    self.socket.accept()[0].close()
                else:
                    self.socket.recv(100)
                self.reached += 1
        except OSError:
            pass  # closed

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # ends the wait of the other thread
        except OSError:
            pass  # of a socket without connections
        self.socket.close()


class World:
    """`sandbox`, `models`: the agent's sections of that name. `runner`: a program; None: the real runner."""

    def __init__(self, programs, folder, who, sandbox, runner=None, models=None, memory="2GiB"):
        self.programs, self.folder, self.who = programs, folder, who
        self.sandbox, self.runner, self.models, self.memory = sandbox, runner, models or {}, memory
        self.cluster = self.agent = self.honest = None
        self.problems = []

    # ---- life

    def __enter__(self):
        self.folder.mkdir(parents=True)
        os.chmod(self.folder, 0o755)
        self.cluster = Cluster(self.programs, folder=self.folder / "cluster",
                               config={"core": {"probe_runs": 0, "probe_interval": "0s", "max_crashes": 1}})
        try:
            self.cluster.start()
            os.chmod(self.folder / "cluster", 0o755)
            self._start_agent()
            self._set_out_bait()
        except BaseException:
            self.__exit__(RuntimeError)
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None and kind is not KeyboardInterrupt:
            self.cluster.show_logs()
        self.cluster.stop()
        for listener in getattr(self, "listeners", []):
            listener.close()
        libc = ctypes.CDLL(None)
        if getattr(self, "segment", -1) >= 0:
            libc.shmctl(self.segment, IPC_RMID, None)
        for group in getattr(self, "groups", []):
            for path in sorted(group.glob("**/"), reverse=True):
                path.rmdir()

    def _start_agent(self):
        real = self.programs["runner"]
        settings = {"engines": ["torch"], "sandbox": self.sandbox, "models": self.models, "queue_depth": 16, "memory": self.memory,
                    "runner": {"program": str(self.runner or real), "memory_limit": f"{LIMIT_MIB}MiB", "device": "cpu"},
                    "log": {"level": "info", "format": "text"}}
        plan = NodePlan("box", slots=3, settings=settings)
        self.agent = Agent(plan, self.folder / "cluster" / "box", self.programs, self.cluster.agents_at)
        self.agent.process.env = {"SKERRY_TEST_SECRET": SECRET}
        if self.who == "user":
            self._move_programs()
            subprocess.run(["chown", "-R", f"{USER}:{USER}", self.agent.folder], check=True)
            self.groups = delegated_groups()
            self.agent.process.argv = ["sh", "-c", "".join(f"echo $$ > {group}/cgroup.procs && " for group in self.groups) + 'exec "$@"',
                                       "sh", "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--pdeathsig", "KILL",
                                       *self.agent.process.argv]
        self.cluster.agents["box"] = self.agent
        self.agent.process.start()
        self.cluster.wait_nodes_ready()
        self.client = self.cluster.client
        self.labels = self.cluster.nodes()["box"]["labels"]

    def _move_programs(self):
        """Where another user can read them, wherever the build is."""
        folder = self.folder / "programs"
        folder.mkdir()
        runner = pathlib.Path(self.runner or self.programs["runner"])
        for program in {self.programs["agent"], runner, self.programs["runner"].parent / "skerry-runner-torch.so"}:
            shutil.copy(program, folder)
        config = pathlib.Path(self.agent.folder / "agent.yaml")
        config.write_text(config.read_text().replace(str(runner), str(folder / runner.name)))
        self.agent.process.argv[0] = str(folder / self.programs["agent"].name)

    def _set_out_bait(self):
        """What an attack may be after: files, sockets, shared memory."""
        state = self.agent.folder / "state"
        self.target = self.agent.folder / "target"
        self.target.mkdir()
        self.secret = state / "key.pem"
        self.secret.write_text(SECRET)
        for path in (self.target, self.secret):
            if self.who == "user":
                os.chown(path, USER, USER)
        self.secret.chmod(0o600)
        self.listeners = [Listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
                          Listener(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
                          Listener(socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / "socket")),
                          Listener(socket.AF_UNIX, socket.SOCK_STREAM, f"\0skerry-{self.folder}")]
        os.chmod(self.folder / "socket", 0o777)
        self.segment = ctypes.CDLL(None).shmget(SEGMENT, 4096, IPC_CREAT | 0o666)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.free_port = free.getsockname()[1]

    # ---- what is known of it

    def held(self):
        """The words of attacks.py that hold here."""
        held = set(self.labels["skerry/sandbox-layers"].split(",")) - {"none"}
        if "user" in held and self.who == "root":
            held.add("uid")
        version = landlock_version()
        if "landlock" in held:
            held |= {f"landlock{number}" for number in range(1, version + 1)}
        return held

    def missing(self):
        """Layers that are wanted and that this machine does not permit."""
        return {label.removeprefix(NO) for label in self.labels if label.startswith(NO)}

    def order(self, attack):
        tcp, udp, path, abstract = self.listeners
        state = self.agent.folder / "state"
        return attack.order.format(
            secrets=f"{self.secret} {state}/state {state}/journal", target=self.target,
            disks=" ".join(disks()), tcp=tcp.address[1], udp=udp.address[1], socket=path.address,
            abstract=abstract.address.decode()[1:] if isinstance(abstract.address, bytes) else abstract.address[1:],
            free=self.free_port, agent=self.agent_pid(), other=self.honest, token=TOKEN, segment=SEGMENT, word=SECRET)

    def agent_pid(self):
        return self.agent.process.pid

    def runners(self):
        return set(self.agent.process.children())

    # ---- models and jobs

    def add_model(self, name, artifact, spec):
        """Registers a model of one variant."""
        digest = "sha256:" + hashlib.sha256(artifact).hexdigest()
        self.client.ask("PUT", f"/api/v1/blobs/{digest}", artifact, {"Content-Type": "application/octet-stream"})
        self.client.put(f"/api/v1/models/{name}", {
            "apiVersion": "skerry/v1", "kind": "Model", "metadata": {"name": name},
            "spec": {"engine": "torch", **spec, "variants": [{"name": "only", "digest": digest, "artifact_bytes": len(artifact),
                                                             "accuracy": 1.0, "memory_bytes": 64 << 20, "reference_ms": 1}]}})

    def submit(self, model, inputs):
        return self.client.post(JOBS, {"model": model, "inputs": inputs})["id"]

    def job(self, number):
        return self.client.get(f"{JOBS}/{number}")

    def cancel(self, number):
        try:
            self.client.post(f"{JOBS}/{number}:cancel")
        except Problem as problem:
            if problem.status != 409:  # it has just ended
                raise

    def end_of(self, number, timeout_s=60):
        """The job when it has ended, and the seconds until its first attempt had."""
        begun = time.monotonic()
        first_s = None

        def ended():
            nonlocal first_s
            job = self.job(number)
            over = job["state"] in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "QUARANTINED")
            if first_s is None and (over or job["retries"]["crashes"] > 0):
                first_s = time.monotonic() - begun
            return job if over else None
        return wait_until(ended, timeout_s, f"job {number} to end", every_s=0.005), first_s

    def wait_running(self, number):
        wait_until(lambda: self.job(number)["state"] == "RUNNING", 60, f"job {number} to run", every_s=0.005)

    # ---- what must hold

    def look_after(self, answers):
        """What is not as it must be, whoever did what. `answers`: asks the honest model, and is true if it answers."""
        wrong = []
        if not self.agent.process.alive():
            return ["the agent ended"]
        if not answers():
            wrong.append("the honest model does not answer")
        if self.honest is not None and self.honest not in self.runners():
            wrong.append("the honest model's process was replaced")
        if self.secret.read_text() != SECRET:
            wrong.append("the agent's key was changed")
        if list(self.target.iterdir()):
            wrong.append(f"files were written: {[path.name for path in self.target.iterdir()]}")
        wrong += [f"somebody reached {listener.address}" for listener in self.listeners if listener.reached]
        return wrong

    def clean_up(self):
        """After an attack that was not contained, for the next one."""
        for listener in self.listeners:
            listener.reached = 0
        for path in self.target.iterdir():
            path.unlink()


def stray_processes():
    """Those that gave themselves TOKEN for a name."""
    found = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() == TOKEN and "Z" not in (comm.parent / "stat").read_text().rpartition(")")[2].split()[0]:
                found.append(int(comm.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def delegated_groups():
    """Control groups of memory and pids that belong to USER, as systemd gives them to a service (version 1 alone)."""
    groups = []
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("memory", "pids"):
            group = pathlib.Path(f"/sys/fs/cgroup/{controllers}{path}") / f"skerry-test-{os.getpid()}"
            try:
                group.mkdir(exist_ok=True)
                for entry in (group, group / "cgroup.procs", group / "tasks"):
                    os.chown(entry, USER, USER)
            except OSError:
                return []
            groups.append(group)
    return groups


def landlock_version():
    version = ctypes.CDLL(None).syscall(444, None, 0, 1)
    return max(version, 0)


def disks():
    found = [f"/dev/{path.name}" for path in pathlib.Path("/sys/block").glob("[!lr]*")]  # not loop, not ram
    return [path for path in found if os.path.exists(path)][:2] or ["/dev/sda"]


def media(text):
    return {"order": {"b64": base64.b64encode(text.encode()).decode(), "type": "image/png"}}
