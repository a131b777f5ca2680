#!/usr/bin/env python3
"""REST over TLS with real processes: what is served and refused, certificates that change under a running controller, what
insecure_dev says about itself, and a site that sends its callers on."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

import support
from harness.processes import Process, wait_until
from harness.rest import Client
from support import JOBS, PROGRAMS, Cluster, NodePlan, noop_model, tensor


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Tls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def cluster(self, **options):
        cluster = Cluster(PROGRAMS, **{"tls": True, **options}).start()
        self.addCleanup(cluster.stop)
        return cluster

    def token(self, mode=0o600):
        path = self.folder / "token"
        path.write_text("sk_end-to-end\n")
        path.chmod(mode)
        return path

    def certificates(self):
        subprocess.run([PROGRAMS["certificates"], self.folder], check=True)
        return {"certificate_file": str(self.folder / "server.pem"), "key_file": str(self.folder / "server.key")}

    def controller(self, *words, config=None):
        """A controller's process that is expected to end; what it ended with."""
        config_path = self.folder / "controller.yaml"
        config_path.write_text(json.dumps({"apiVersion": "skerry/v1", "kind": "ControllerConfig", **(config or {})}))
        argv = [PROGRAMS["controller"], "--config", config_path, "--data-dir", self.folder / "data", *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)


class Served(Tls):
    def test_jobs_and_events_over_tls_with_a_token(self):
        cluster = self.cluster(tls=False, secure=True, nodes=[NodePlan("edge-1")])
        client = cluster.client
        client.put("/api/v1/models/noop", noop_model())
        cluster.wait_model_known("noop")
        job = client.post(JOBS, {"model": "noop", "inputs": tensor()}, {"Prefer": "wait=30"})
        self.assertEqual(job["state"], "SUCCEEDED", job)
        events = client.events("/api/v1/events?types=job", last_event_id="0")
        self.assertEqual(next(event.data["job"] for event in events if event.type == "job"), job["id"])
        self.assertIn("edge-1", cluster.ctl("get", "nodes").stdout)
        self.assertIn(job["id"], cluster.ctl("get", "jobs").stdout)
        metrics = client.get("/metrics").decode()
        self.assertRegex(metrics, r'skerry_tls_handshakes_total{result="ok"} [1-9]')
        self.assertIn("skerry_insecure_dev 0\n", metrics)
        self.assertNotIn(cluster.token_file.read_text().strip(), metrics + cluster.controller.tail(1000))

    def test_an_artifact_of_several_records_arrives_whole(self):
        cluster = self.cluster(nodes=[NodePlan("edge-1")])
        cluster.apply_model(support.DIGITS_MANIFEST)
        cluster.wait_model_known("digits")

    def test_who_speaks_plain_text_is_told(self):
        cluster = self.cluster()
        answer = Client(cluster.api).call("GET", "/livez")
        self.assertEqual((answer.status, answer.body["code"]), (400, "tls_required"))
        done = subprocess.run([PROGRAMS["skerryctl"], "--server", f"http://{cluster.api}", "get", "nodes"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("https://", done.stderr)

    def test_skerryctl_trusts_the_named_authority_only(self):
        cluster = self.cluster()
        done = subprocess.run([PROGRAMS["skerryctl"], "--server", cluster.url, "get", "nodes"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--ca-file", done.stderr)

    def test_a_token_that_others_may_read_is_not_used(self):
        cluster = self.cluster()
        cluster.token_file = self.token(mode=0o644)
        done = cluster.ctl("get", "nodes", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("chmod 600", done.stderr)

    def test_ciphers_without_authentication_are_refused(self):
        cluster = self.cluster()
        host, port = cluster.api.split(":")

        def speak(ciphers):
            context = ssl.create_default_context(cafile=cluster.ca_file)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
            with contextlib.closing(http.client.HTTPSConnection(host, int(port), context=context, timeout=10)) as connection:
                connection.request("GET", "/livez")
                return connection.getresponse().status
        self.assertEqual(speak("ECDHE-ECDSA-AES128-GCM-SHA256"), 200)
        with self.assertRaises(ssl.SSLError):
            speak("ECDHE-ECDSA-AES128-SHA")


class Rotation(Tls):
    def replace(self, cluster):
        """As renewing programs do: each file appears whole under its name."""
        fresh = self.folder / "fresh"
        fresh.mkdir(exist_ok=True)
        subprocess.run([PROGRAMS["certificates"], fresh], check=True)
        for name in ("server.pem", "server.key", "ca.pem"):
            os.replace(fresh / name, cluster.certificates / name)

    def test_new_connections_take_the_newest_and_old_ones_go_on(self):
        cluster = self.cluster()
        old = cluster.client
        self.assertEqual(old.get("/livez"), b"ok\n")
        self.replace(cluster)

        def fresh_works():
            client = cluster.connect(timeout_s=10)
            try:
                return client.get("/livez") == b"ok\n"
            except ssl.SSLError:
                return False
            finally:
                client.close()
        wait_until(fresh_works, 10, "the new certificate to be shown")
        self.assertEqual(old.get("/livez"), b"ok\n")
        self.assertIn("is in use from now on", cluster.controller.tail(100))

    def test_what_cannot_be_used_leaves_the_old_one(self):
        cluster = self.cluster()
        (cluster.certificates / "server.key").write_text("no key")

        def said():
            client = cluster.connect()
            self.assertEqual(client.get("/livez"), b"ok\n")
            client.close()
            return "still in use" in cluster.controller.tail(100)
        wait_until(said, 10, "the log to say so")


class Settings(Tls):
    def test_beyond_loopback_it_takes_tls(self):
        refused = self.controller("--api-listen", "0.0.0.0:0", config={"api_tls": {"built_in": False}})
        self.assertEqual(refused.returncode, 78)
        self.assertIn("api_listen", refused.stderr)
        self.assertIn("certificate", refused.stderr)
        ready = self.folder / "ready"
        config = {"api_tls": self.certificates()}
        path = self.folder / "with-tls.yaml"
        path.write_text(json.dumps({"apiVersion": "skerry/v1", "kind": "ControllerConfig", **config}))
        process = Process("controller", [PROGRAMS["controller"], "--config", path, "--data-dir", self.folder / "data",
                                         "--api-listen", "0.0.0.0:0", "--agent-listen", "127.0.0.1:0", "--ready-file", ready],
                          self.folder / "log", ready_file=ready)
        self.addCleanup(process.kill)
        found = process.start().wait_ready(30)
        self.assertRegex(found["url"], r"https://0\.0\.0\.0:\d+")
        port = found["api"].rpartition(":")[2]
        client = Client(f"127.0.0.1:{port}", ca_file=self.folder / "ca.pem")
        self.addCleanup(client.close)
        self.assertEqual(client.get("/livez"), b"ok\n")
        self.assertNotIn("insecure_dev", process.tail(100))

    def test_mistakes_are_told_before_it_starts(self):
        files = self.certificates()
        half = self.controller(config={"api_tls": {"certificate_file": files["certificate_file"]}})
        self.assertEqual(half.returncode, 78)
        self.assertIn("api_tls.key_file", half.stderr)
        os.chmod(files["key_file"], 0o644)
        open_to_others = self.controller(config={"api_tls": files, "agent_listen": "127.0.0.1:0", "api_listen": "127.0.0.1:0"})
        self.assertEqual(open_to_others.returncode, 1)
        self.assertIn("chmod 600", open_to_others.stderr)
        lost = self.controller(config={"api_tls": {**files, "certificate_file": "/nowhere.pem"}, "agent_listen": "127.0.0.1:0",
                                       "api_listen": "127.0.0.1:0"})
        self.assertEqual(lost.returncode, 1)
        self.assertIn("/nowhere.pem", lost.stderr)

    def test_insecure_dev_says_so_in_the_log_and_the_metrics(self):
        cluster = self.cluster(tls=False, config={"insecure_dev": True}, nodes=[NodePlan("edge-1", settings={"insecure_dev": True})])
        self.assertIn("skerry_insecure_dev 1\n", cluster.client.get("/metrics").decode())
        self.assertIn("insecure_dev is on", cluster.controller.tail(1000))
        self.assertIn("insecure_dev is on", cluster.agents["edge-1"].process.tail(1000))


class Site(Tls):
    def test_a_site_over_tls_sends_its_callers_to_the_controller_with_their_token(self):
        files = self.certificates()
        address = f"127.0.0.1:{free_port()}"
        nodes = [NodePlan("shop-1", site="shop", settings={"local_api": {"listen": address, "tls": files}})]
        cluster = self.cluster(nodes=nodes, token_file=self.token())
        site = Client(address, ca_file=self.folder / "ca.pem")
        self.addCleanup(site.close)

        def sent_on():
            answer = site.call("DELETE", "/api/v1/models/noop")
            return answer.status == 307 and answer.headers["location"]
        self.assertEqual(wait_until(sent_on, 20, "the site to know the controller"), f"{cluster.url}/api/v1/models/noop")
        self.assertIn("skerry_api_certificate_expiry_timestamp_seconds ", site.get("/metrics").decode())

        # Each has an authority of its own here: skerryctl trusts both, or does not go on.
        both = self.folder / "both.pem"
        with open(both, "wb") as joined:
            for part in (self.folder / "ca.pem", cluster.ca_file):
                with open(part, "rb") as source:
                    shutil.copyfileobj(source, joined)
        argv = [PROGRAMS["skerryctl"], "--server", f"https://{address}", "--token-file", cluster.token_file]
        done = subprocess.run([*argv, "--ca-file", both, "cordon", "shop-1"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(cluster.client.get("/api/v1/nodes/shop-1")["state"], "CORDONED")
        done = subprocess.run([*argv, "--ca-file", self.folder / "ca.pem", "uncordon", "shop-1"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(re.search(r"authority", done.stderr), done.stderr)


if __name__ == "__main__":
    support.main()
