#!/usr/bin/env python3
"""That the programs work with what the chart gives them: its pods run here as processes, from install to an inference.

SKERRY_BUILD: the build folder (default: build/release). Exit status: 77 without helm, or where the programs are not built.
"""

import base64
import contextlib
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

from deploy import chart_test  # noqa: E402
from harness.cluster import noop_model  # noqa: E402
from harness.processes import wait_until  # noqa: E402
from harness.programs import ROOT, Programs  # noqa: E402
from harness.rest import Client, Problem  # noqa: E402

PROGRAMS = Programs(os.environ.get("SKERRY_BUILD", ROOT / "build" / "release"))
NODE, NAME = "worker-1", "k8s-worker-1"
READY_S = 90


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


# The chart's own values, and an API of the agent's, which nobody has by default.
VALUES = {"agents": {"tiers": {"cloud": {"localApi": {"enabled": True, "existingSecret": "local-api"}}}}}
LOCAL_NAME = "skerry-agent-cloud.islands.svc"


def local_certificate(folder):
    """The Secret that localApi asks for: a certificate for its Service's name that signs itself."""
    files = {"tls.key": folder / "local.key", "tls.crt": folder / "local.crt"}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=local",
                    "-addext", f"subjectAltName=DNS:{LOCAL_NAME}", "-keyout", files["tls.key"], "-out", files["tls.crt"]], check=True, capture_output=True)
    return {"kind": "Secret", "metadata": {"name": "local-api"}, "data": {key: base64.b64encode(path.read_bytes()).decode() for key, path in files.items()}}


class Cluster:
    """A controller's and an agent's pod."""

    def __init__(self):
        from deploy.pods import Pod
        from deploy.rendering import CHART, Helm
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skerry-pods-"))
        self.folder.chmod(0o755)
        helm = Helm()
        self.objects = helm.template(chart=CHART, values=VALUES)
        helm.close()
        self.objects.objects.append(local_certificate(self.folder))
        self.api, self.agents, self.local = free_ports(3)
        self.others = {"skerry.islands.svc:8443": f"127.0.0.1:{self.api}", "0.0.0.0:8443": f"127.0.0.1:{self.api}", "0.0.0.0:8444": f"127.0.0.1:{self.agents}",
                       "0.0.0.0:8090": f"127.0.0.1:{self.local}",
                       ":8443": f":{self.api}", ":8444": f":{self.agents}"}
        self.controller = Pod(self.folder / "controller", self.objects, self.objects.one("StatefulSet", "skerry-controller"), PROGRAMS, self.others)
        self.agent = self.agent_pod("agent")

    def agent_pod(self, name):
        from deploy.pods import Pod
        return Pod(self.folder / name, self.objects, self.objects.one("DaemonSet", "skerry-agent-cloud"), PROGRAMS, self.others, node=NODE,
                   labels={"topology.kubernetes.io/zone": "eu-1a"})

    def secret(self, name, key="token"):
        return base64.b64decode(self.objects.one("Secret", name)["data"][key]).decode()

    def ca_file(self):
        path = self.folder / "ca.crt"
        path.write_text(self.objects.one("ConfigMap", "skerry-ca")["data"]["ca.crt"], encoding="utf-8")
        return path

    def get(self, token, path):
        return self.ask(token, "GET", path)

    def ask(self, token, method, path, body=None, headers=None):
        """What the API answers to who shows the token; Problem if it refuses."""
        file = self.folder / "token"
        file.write_text(token, encoding="utf-8")
        with contextlib.closing(Client(f"127.0.0.1:{self.api}", 30, self.ca_file(), file)) as client:
            return client.ask(method, path, body, headers)

    def node(self):
        return {one["name"]: one for one in self.get(self.secret("skerry-admin-token"), "/api/v1/nodes")["items"]}.get(NAME, {})

    def wait_node_ready(self):
        wait_until(lambda: self.node().get("state") == "READY", READY_S, f"{NAME} to be READY", every_s=0.1)

    def close(self):
        for pod in (self.agent, self.controller):
            pod.process.stop(15)
        shutil.rmtree(self.folder, ignore_errors=True)


class Pods(unittest.TestCase):
    """In the order of their names: each goes on where the last one ended, as an installation does."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)

    def wait_well(self, pod, *probes, timeout_s=READY_S):
        for probe in probes:
            wait_until(lambda probe=probe: pod.is_well(probe), timeout_s, f"{pod.process.name} to pass its {probe}\n{pod.process.tail()}", every_s=0.1)

    def test_01_an_agent_that_waits_for_its_controller_lives_and_is_not_ready(self):
        agent = self.cluster.agent
        self.assertFalse(agent.is_well("livenessProbe"), "nothing runs")
        agent.process.start()
        self.wait_well(agent, "startupProbe", "livenessProbe", timeout_s=10)
        self.assertFalse(agent.is_well("readinessProbe"), agent.process.tail())

    def test_02_the_controller_starts_and_the_agent_joins_by_itself(self):
        cluster = self.cluster
        self.assertFalse(cluster.controller.is_well("livenessProbe"))
        cluster.controller.process.start()
        self.wait_well(cluster.controller, "startupProbe", "livenessProbe", "readinessProbe")
        cluster.wait_node_ready()
        self.wait_well(cluster.agent, "livenessProbe", "readinessProbe")
        node = cluster.node()
        self.assertEqual((node["tier"], node["labels"]["zone"], node["labels"]["region"]), ("cloud", "eu-1a", ""))

    def test_03_the_api_is_known_by_every_name_of_its_service(self):
        context = ssl.create_default_context(cafile=self.cluster.ca_file())
        for name in ("skerry", "skerry.islands", "skerry.islands.svc", "skerry.islands.svc.cluster.local", "localhost"):
            with self.subTest(name), socket.create_connection(("127.0.0.1", self.cluster.api)) as plain, context.wrap_socket(plain, server_hostname=name):
                pass

    def test_04_tokens_may_what_they_are_for_and_no_more(self):
        get = self.cluster.get
        admin, metrics, test = (self.cluster.secret(f"skerry-{name}-token") for name in ("admin", "metrics", "test"))
        self.assertEqual(get(admin, "/api/v1/whoami")["caller"], "file:admin")
        self.assertIn(b"skerry_build_info", get(metrics, "/metrics"))
        for token, path in ((metrics, "/api/v1/jobs"), (test, "/metrics"), ("x" * 48, "/api/v1/nodes")):
            with self.subTest(path), self.assertRaises(Problem) as caught:
                get(token, path)
            self.assertIn(caught.exception.status, (401, 403))
        self.assertFalse((self.cluster.controller.folder / "data/controller/admin.token").exists(), "the chart's token is the admin's")

    def test_05_the_test_pod_sends_an_inference(self):
        from deploy.pods import Pod
        pod = Pod(self.cluster.folder / "test", self.cluster.objects, self.cluster.objects.one("Pod", "skerry-test"), {"skerryctl": PROGRAMS["skerryctl"]}, self.cluster.others)
        command = pod.container["command"] + pod.container["args"]
        if "\n  check " in pod.run([command[0], "--help"]).stdout:
            told = pod.run(command, 240)
            self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
            return
        # The same by REST, with the same token and namespace.
        space, token = pod.environment()["SKERRY_NAMESPACE"], self.cluster.secret("skerry-test-token")
        manifest = noop_model("smoke")
        manifest["metadata"]["namespace"] = space
        self.cluster.ask(token, "PUT", "/api/v1/models/smoke", manifest)
        sent = {"dtype": "f32", "shape": [2], "data": [1, 2]}
        job = self.cluster.ask(token, "POST", "/api/v1/jobs", {"model": "smoke", "namespace": space, "inputs": {"x": sent}}, {"Prefer": "wait=60"})
        self.assertEqual(job["state"], "SUCCEEDED", job)
        self.assertEqual(job["result"]["outputs"]["x"]["data"], sent["data"], job)
        self.skipTest("this skerryctl has no `check`; an inference over REST succeeded")

    def test_06_pods_of_a_node_use_the_api_of_its_agent(self):
        cluster = self.cluster
        admin = cluster.folder / "admin"
        admin.write_text(cluster.secret("skerry-admin-token"), encoding="utf-8")
        admin.chmod(0o600)
        told = subprocess.run([PROGRAMS["skerryctl"], "--server", f"https://127.0.0.1:{cluster.api}", "--ca-file", cluster.ca_file(), "--token-file", admin,
                               "token", "create", "--role", "viewer:*"], capture_output=True, text=True, check=True)
        context = ssl.create_default_context(cafile=cluster.folder / "local.crt")

        def status(token):
            """Of the answer to a request by the Service's name, which leads to the node's own agent."""
            with socket.create_connection(("127.0.0.1", cluster.local)) as plain, context.wrap_socket(plain, server_hostname=LOCAL_NAME) as tls:
                tls.sendall(f"GET /api/v1/jobs HTTP/1.1\r\nHost: {LOCAL_NAME}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode())
                return int(tls.recv(4096).split()[1])
        wait_until(lambda: status(told.stdout.strip()) == 200, 30, "the agent to know the token", every_s=0.2)
        self.assertEqual(status(cluster.secret("skerry-admin-token")), 401, "tokens that are files count at the controller alone")

    def test_07_a_pod_that_takes_the_place_of_another_has_its_nodes_name(self):
        self.cluster.agent.remove()
        self.cluster.agent = self.cluster.agent_pod("agent-2")  # nothing is left of the first one's state
        self.cluster.agent.process.start()
        self.wait_well(self.cluster.agent, "startupProbe", "readinessProbe")
        self.cluster.wait_node_ready()

    def test_08_the_controller_comes_back_on_its_volume(self):
        controller = self.cluster.controller
        controller.process.stop(controller.spec["terminationGracePeriodSeconds"])
        self.assertEqual(controller.process.popen.returncode, 0, controller.process.tail())
        self.wait_well(self.cluster.agent, "livenessProbe")
        controller.process.start()
        self.wait_well(controller, "startupProbe", "readinessProbe")
        self.cluster.wait_node_ready()

    def test_09_a_token_that_is_replaced_counts_and_the_old_one_does_not(self):
        from deploy.pods import content_of
        before = self.cluster.secret("skerry-admin-token")
        after = secrets.token_hex(32)
        sources = next(volume["projected"]["sources"] for volume in self.cluster.controller.spec["volumes"] if "projected" in volume)
        files = {path: content for source in sources for path, content in content_of(source, self.cluster.objects).items()}
        self.cluster.controller.write("files", files | {"tokens/admin": after.encode()})

        def counts(token):
            try:
                return bool(self.cluster.get(token, "/api/v1/whoami"))
            except Problem as problem:
                self.assertEqual(problem.status, 401)
                return False
        wait_until(lambda: counts(after) and not counts(before), 30, "the new token to count", every_s=0.1)

    def test_10_pods_end_when_they_are_told_within_their_grace(self):
        for pod in (self.cluster.agent, self.cluster.controller):
            pod.process.stop(pod.spec["terminationGracePeriodSeconds"] - pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0))
            self.assertEqual(pod.process.popen.returncode, 0, pod.process.tail())


def lacking():
    """What keeps the tests from running here; "" if nothing does."""
    try:
        chart_test.needed()
    except chart_test.Missing as missing:
        return str(missing)
    if not PROGRAMS.has("controller", "agent", "skerryctl"):
        return f"{PROGRAMS.build} has no programs: SKERRY_BUILD names a build folder"
    from deploy.check_programs import NEWEST, PROGRAMS as PATHS, validate
    for key, path in PATHS.items():
        said = validate(PROGRAMS.build / path, NEWEST[key])
        if said:
            return f"{path} does not know the chart's settings: {said[0]}"
    if os.geteuid() == 0:
        reached = subprocess.run(["setpriv", "--reuid", "10001", "--clear-groups", str(PROGRAMS["agent"]), "--version"], capture_output=True, check=False)
        if reached.returncode != 0:
            return f"user 10001 cannot run {PROGRAMS['agent']}"
    return ""


if __name__ == "__main__":
    why = lacking()
    if why:
        print(f"skipped: {why}")
        sys.exit(chart_test.SKIPPED)
    unittest.main()
