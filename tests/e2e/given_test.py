#!/usr/bin/env python3
"""An installation whose secrets were there before it: an authority, callers' tokens and a join key that a chart made, as files."""

import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import tempfile
import unittest

import support  # noqa: F401  (knows where the harness is)
from harness.processes import Process, wait_until
from harness.rest import CONNECTION_ERRORS, Client, Problem
from support import JOBS, PROGRAMS, noop_model, tensor


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Installation:
    """Files as a chart lays them out, a controller and an agent that use them; neither is started."""

    def __init__(self, folder, replace=True):
        self.folder = pathlib.Path(folder)
        self.ports = free_port(), free_port()
        for name in ("admin", "metrics", "smoke", "join"):
            self.write_secret(name)
        self.make_authority()
        common = {"apiVersion": "skerry/v1"}
        self.write("controller.yaml", {
            **common, "kind": "ControllerConfig", "data_dir": str(self.folder / "data"), "default_policy": "none",
            "api_listen": f"127.0.0.1:{self.ports[0]}", "agent_listen": f"127.0.0.1:{self.ports[1]}",
            "api_tls": {"built_in": "true"},
            "authority": {"key_file": self.path("ca.key"), "chain_file": self.path("ca.pem")},
            "token_files": [{"name": "admin", "file": self.path("admin"), "role": "cluster-admin"},
                            {"name": "prometheus", "file": self.path("metrics"), "role": "metrics"},
                            {"name": "smoke", "file": self.path("smoke"), "role": "submitter", "namespaces": ["default"]}],
            "join_keys": [{"name": "kubernetes", "file": self.path("join"), "nodes": "k8s-*", "site": "eu-1",
                           "labels": {"platform": "kubernetes"}, "replace": replace}]})
        self.write("agent.yaml", {
            **common, "kind": "AgentConfig", "name": "k8s-1", "state_dir": str(self.folder / "agent"), "engines": ["noop"],
            "memory": "1GiB", "power": {"source": "modelled"},
            "join": {"url": f"https://127.0.0.1:{self.ports[0]}", "key_file": self.path("join"), "ca_file": self.path("ca.pem")}})
        self.controller = Process("controller", [PROGRAMS["controller"], "--config", self.path("controller.yaml"), "--ready-file",
                                                 self.path("ready")], self.path("controller.log"), ready_file=self.path("ready"))
        self.agent = Process("agent", [PROGRAMS["agent"], "--config", self.path("agent.yaml")], self.path("agent.log"))

    def path(self, name):
        return str(self.folder / name)

    def write(self, name, document):
        (self.folder / name).write_text(json.dumps(document, indent=1))

    def write_secret(self, name):
        path = self.folder / name
        path.touch(0o600)
        path.write_text(secrets.token_hex(24) + "\n")

    def make_authority(self):
        """As charts make one: an EC key, a certificate that signs itself."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                        "-subj", "/CN=skerry-authority", "-addext", "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign",
                        "-addext", "extendedKeyUsage=serverAuth,clientAuth", "-keyout", self.path("ca.key"), "-out", self.path("ca.pem")],
                       check=True, capture_output=True)
        (self.folder / "ca.key").chmod(0o600)

    def client(self, token):
        return Client(f"127.0.0.1:{self.ports[0]}", 30, self.path("ca.pem"), self.path(token))

    def node_state(self, node="k8s-1"):
        client = self.client("admin")
        try:
            nodes = {one["name"]: one for one in client.get("/api/v1/nodes")["items"]}
        except (Problem, *CONNECTION_ERRORS):
            return None
        finally:
            client.close()
        return nodes.get(node, {}).get("state")

    def wait_node_ready(self, timeout_s=60):
        wait_until(lambda: self.node_state() == "READY", timeout_s, "k8s-1 to be READY", every_s=0.1)


class Given(unittest.TestCase):
    def installation(self, **options):
        folder = tempfile.mkdtemp(prefix="skerry-")
        self.addCleanup(shutil.rmtree, folder, True)
        made = Installation(folder, **options)
        self.addCleanup(made.controller.stop)
        self.addCleanup(made.agent.stop)
        return made

    def client(self, installation, token):
        client = installation.client(token)
        self.addCleanup(client.close)
        return client

    def refused(self, status, call, *words):
        with self.assertRaises(Problem) as caught:
            call(*words)
        self.assertEqual(caught.exception.status, status, caught.exception)

    def test_an_agent_that_was_there_first_joins_and_works(self):
        installation = self.installation()
        installation.agent.start()
        wait_until(lambda: "has not joined" in installation.agent.log_path.read_text(), 20, "the agent to try")
        installation.controller.start().wait_ready()
        installation.wait_node_ready()

        admin, smoke = self.client(installation, "admin"), self.client(installation, "smoke")
        node = admin.get("/api/v1/nodes/k8s-1")
        self.assertEqual((node["site"], node["labels"]["platform"]), ("eu-1", "kubernetes"))
        self.assertEqual(admin.get("/api/v1/whoami")["caller"], "file:admin")
        admin.put("/api/v1/models/noop", noop_model())
        job = smoke.call("POST", JOBS, {"model": "noop", "inputs": tensor(1, 2)}, {"Prefer": "wait=30"})
        self.assertEqual((job.status, job.body.get("state")), (200, "SUCCEEDED"), job.body)
        self.refused(403, smoke.put, "/api/v1/models/noop", noop_model())
        self.assertIn(b"skerry_node_info{", self.client(installation, "metrics").call("GET", "/metrics").body)
        self.assertFalse((installation.folder / "data" / "admin.token").exists(), "there is an admin already")
        for name in ("admin", "join"):
            secret = (installation.folder / name).read_text().strip()
            for log in ("controller.log", "agent.log"):
                self.assertNotIn(secret, (installation.folder / log).read_text())

    def test_an_agent_that_waits_to_join_ends_well_when_it_is_told(self):
        agent = self.installation().agent.start()
        wait_until(lambda: "has not joined" in agent.log_path.read_text(), 20, "the agent to try")
        self.assertEqual(agent.stop(), 0)

    def test_what_strangers_send_does_not_keep_it_from_starting_again(self):
        installation = self.installation()
        installation.controller.start().wait_ready()
        smoke = self.client(installation, "smoke")
        for method, path, status in (("POST", "/api/v1/nodes/%ff:renew", 400), ("DELETE", "/api/v1/models/%ff", 403),
                                     ("DELETE", "/api/v1/models/" + 66 * "%e2%82%ac" + "%ff", 403)):
            self.assertEqual(smoke.call(method, path, {"certificate": "x", "csr": "x"}).status, status)
        self.assertEqual(installation.controller.stop(), 0)
        installation.controller.start().wait_ready()
        self.assertEqual(self.client(installation, "admin").get("/api/v1/whoami")["caller"], "file:admin")

    def test_probes_hear_how_the_daemons_are(self):
        installation = self.installation()

        def health(process, *words):
            done = subprocess.run([*process.argv, "health", *words], capture_output=True, text=True, timeout=30, check=False)
            return done.returncode, done.stderr
        self.assertEqual(health(installation.controller)[0], 1)
        self.assertIn("nobody answers", health(installation.agent)[1])
        installation.agent.start()
        wait_until(lambda: health(installation.agent)[0] == 0, 20, "the agent to be alive while it waits to join")
        self.assertIn("has not joined yet", health(installation.agent, "--ready")[1])
        installation.controller.start().wait_ready()
        installation.wait_node_ready()
        for process in (installation.controller, installation.agent):
            self.assertEqual(health(process, "--ready"), (0, ""))
        installation.controller.stop()
        wait_until(lambda: health(installation.agent, "--ready")[0] == 1, 20, "the agent to miss its controller")
        self.assertIn("not connected", health(installation.agent, "--ready")[1])
        self.assertEqual(health(installation.agent), (0, ""), "alive it is")

    def test_the_controller_makes_secrets_for_who_has_nothing_else_that_does(self):
        installation = self.installation()
        made = pathlib.Path(installation.path("made"))
        for expected in (5, 0):  # the second time everything is there
            done = subprocess.run([PROGRAMS["controller"], "secrets", made, "--for-agents", made / "agents"], capture_output=True, text=True, timeout=30, check=True)
            self.assertEqual(len(done.stdout.splitlines()), expected, done.stdout)
        for path in made.rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)
        self.assertEqual(sorted(path.name for path in (made / "agents").iterdir()), ["ca.pem", "join.key"])
        for source, name in (("tokens/admin", "admin"), ("tokens/metrics", "metrics"), ("tokens/test", "smoke"), ("join.key", "join"),
                             ("authority.key", "ca.key"), ("ca.pem", "ca.pem")):
            shutil.copy(made / source, installation.path(name))
        installation.controller.start().wait_ready()
        installation.agent.start()
        installation.wait_node_ready()

    def test_check_says_whether_inference_works(self):
        installation = self.installation()
        config = json.loads(pathlib.Path(installation.path("controller.yaml")).read_text())
        config["token_files"][2] |= {"role": "namespace-admin", "namespaces": ["trial"]}
        installation.write("controller.yaml", config)
        installation.controller.start().wait_ready()

        def check(*words):
            ways = {"SKERRY_SERVER": f"https://127.0.0.1:{installation.ports[0]}", "SKERRY_CA_FILE": installation.path("ca.pem"),
                    "SKERRY_TOKEN_FILE": installation.path("smoke")}
            return subprocess.run([PROGRAMS["skerryctl"], "check", *words], capture_output=True, text=True, timeout=60, check=False,
                                  env={**os.environ, **ways})
        self.assertEqual(check("-n", "trial", "--timeout", "1s").returncode, 5, "there is no node")
        installation.agent.start()
        for _ in range(2):
            done = check("-n", "trial", "--timeout", "30s")
            self.assertEqual(done.returncode, 0, done)
            self.assertIn("the answer is what was sent", done.stdout)
        self.assertNotEqual(check("-n", "elsewhere").returncode, 0)

    def test_a_token_follows_its_file(self):
        installation = self.installation()
        installation.controller.start().wait_ready()
        before = self.client(installation, "admin")
        before.get("/api/v1/nodes")
        installation.write_secret("admin")

        def is_known(client):
            return client.call("GET", "/api/v1/nodes").status == 200
        after = self.client(installation, "admin")
        wait_until(lambda: is_known(after), 10, "the new token to count")
        self.refused(401, before.get, "/api/v1/nodes")
        (installation.folder / "admin").unlink()
        wait_until(lambda: not is_known(after), 10, "the token to be gone")

    def test_a_node_without_its_state_comes_back_and_so_does_one_whose_controller_lost_everything(self):
        installation = self.installation()
        installation.controller.start().wait_ready()
        installation.agent.start()
        installation.wait_node_ready()

        installation.agent.stop()
        shutil.rmtree(installation.folder / "agent")
        installation.agent.start()
        wait_until(lambda: "joined as node k8s-1" in installation.agent.log_path.read_text(), 20, "the agent to join anew")
        installation.wait_node_ready()

        installation.controller.stop()
        shutil.rmtree(installation.folder / "data")
        installation.controller.start().wait_ready()
        installation.wait_node_ready()
        self.assertIn("joined again as k8s-1", installation.agent.log_path.read_text())

    def test_who_was_revoked_or_has_another_name_stays_out(self):
        installation = self.installation()
        installation.controller.start().wait_ready()
        installation.agent.start()
        installation.wait_node_ready()
        self.client(installation, "admin").post("/api/v1/nodes/k8s-1:revoke", {})
        installation.agent.stop()
        shutil.rmtree(installation.folder / "agent")
        for name, words in (("k8s-1", "was revoked"), ("shop-1", "is for nodes named 'k8s-*'")):
            done = subprocess.run([*installation.agent.argv, "--name", name], capture_output=True, text=True, timeout=30, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words, done.stderr)

    def test_what_cannot_be_used_is_said_at_the_start(self):
        installation = self.installation()
        (installation.folder / "metrics").write_text("short")
        done = subprocess.run(installation.controller.argv, capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "token_files: .*metrics.* must hold one line of 32 to 256")


if __name__ == "__main__":
    unittest.main()
