#!/usr/bin/env python3
"""A Skerry as it comes out of the box, with real processes: the first token, machines that join, renew and are cut off, callers
with roles, authorities that follow one another, the audit trail."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import support
from harness.processes import Process, wait_until
from harness.rest import Client, Problem
from support import JOBS, PROGRAMS, Cluster, NodePlan, noop_model, tensor

REVOKED_WITHIN_S = 5


class Secure(unittest.TestCase):
    def cluster(self, nodes=("edge-1",), **options):
        cluster = Cluster(PROGRAMS, nodes=[NodePlan(name) for name in nodes], secure=True, **options).start()
        self.addCleanup(cluster.stop)
        return cluster

    def client(self, cluster, token):
        """Of the API, with this token's text."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(token)
            file.flush()
            client = Client(cluster.api, 60, cluster.ca_file, file.name)
        self.addCleanup(client.close)
        return client

    def refused(self, status, call, *words):
        with self.assertRaises(Problem) as caught:
            call(*words)
        self.assertEqual(caught.exception.status, status, caught.exception)
        return caught.exception


class FreshStart(Secure):
    def test_with_no_options_it_is_safe(self):
        with tempfile.TemporaryDirectory() as folder:
            process = Process("controller", [PROGRAMS["controller"], "--data-dir", f"{folder}/data", "--api-listen", "127.0.0.1:0",
                                             "--agent-listen", "127.0.0.1:0", "--ready-file", f"{folder}/ready"],
                              f"{folder}/log", ready_file=f"{folder}/ready")
            self.addCleanup(process.kill)
            api = process.start().wait_ready()["api"]
            data = pathlib.Path(folder) / "data"
            for path in data.rglob("*"):
                public = path.name == "authorities.pem"
                self.assertEqual(path.stat().st_mode & 0o077, 0o044 if public else 0, path)
            stranger = Client(api)
            self.addCleanup(stranger.close)
            self.assertEqual(self.refused(401, stranger.get, "/api/v1/nodes").code, "unauthenticated")
            self.refused(401, stranger.get, "/metrics")
            admin = Client(api, token_file=data / "admin.token")
            self.addCleanup(admin.close)
            self.assertEqual(admin.get("/api/v1/nodes")["items"], [])
            token = (data / "admin.token").read_text().strip()
            self.assertNotIn(token, process.log_path.read_text())

    def test_what_is_open_needs_insecure_dev(self):
        with tempfile.TemporaryDirectory() as folder:
            for setting in ("agent_tls=false", "allow_anonymous=true", "api_tls.built_in=false"):
                done = subprocess.run([PROGRAMS["controller"], "--data-dir", f"{folder}/data", "--api-listen", "0.0.0.0:0",
                                       "--set", setting], capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(done.returncode, 78, done)
                self.assertRegex(done.stderr, "insecure.dev")


class Members(Secure):
    def test_a_machine_joins_works_is_revoked_and_joins_again(self):
        cluster = self.cluster()
        cluster.client.put("/api/v1/models/noop", noop_model())
        cluster.wait_model_known("noop")
        job = cluster.client.post(JOBS, {"model": "noop", "inputs": tensor()}, {"Prefer": "wait=30"})
        self.assertEqual(job["state"], "SUCCEEDED")
        agent = cluster.agents["edge-1"]
        began = time.monotonic()
        cluster.ctl("node", "revoke", "edge-1")
        wait_until(lambda: cluster.nodes()["edge-1"]["state"] != "READY", REVOKED_WITHIN_S, "the node to be cut off")
        self.assertLess(time.monotonic() - began, REVOKED_WITHIN_S)
        wait_until(lambda: "node 'edge-1' was revoked" in cluster.controller.tail(50), 10, "the next handshake to be turned away")
        time.sleep(1.5)  # it tries again meanwhile
        self.assertNotEqual(cluster.nodes()["edge-1"]["state"], "READY")
        self.assertNotEqual(agent.process.argv and subprocess.run(
            [*map(str, agent.argv), "renew"], capture_output=True, text=True, check=False).returncode, 0)
        agent.process.stop()
        agent.join(cluster.join_line("edge-1"))
        agent.process.start()
        cluster.wait_nodes_ready()

    def test_one_token_makes_one_member_however_many_race(self):
        cluster = self.cluster(nodes=())
        line = cluster.join_line("shop-*")
        results = []

        def join(number):
            folder = cluster.folder / f"racer-{number}"
            folder.mkdir()
            done = subprocess.run([PROGRAMS["agent"], "--name", f"shop-{number}", "--state-dir", folder / "state", "join", "-"],
                                  input=line, capture_output=True, text=True, check=False)
            results.append((done.returncode, done.stderr))
        racers = [threading.Thread(target=join, args=(number,)) for number in range(8)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        self.assertEqual(sorted(code == 0 for code, _ in results), [False] * 7 + [True], results)

    def test_a_line_is_good_for_its_name_and_its_authority_alone(self):
        cluster = self.cluster(nodes=())
        line = cluster.join_line("shop-17").strip()
        for wrong, said in ((line.replace(",shop-17", ",shop-18"), "shop-18"), (line[:-20] + "0" * 12 + line[-8:], "believed")):
            done = subprocess.run([PROGRAMS["agent"], "--state-dir", cluster.folder / "wrong", "join", wrong],
                                  capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0, wrong)
            self.assertIn(said, done.stderr)
        done = subprocess.run([PROGRAMS["agent"], "--state-dir", cluster.folder / "right", "join", line],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("shop-17", done.stdout)

    def test_certificates_are_renewed_with_the_same_key(self):
        cluster = self.cluster()
        agent = cluster.agents["edge-1"]
        path = cluster.folder / "edge-1" / "state" / "node.pem"
        before = path.read_text()
        time.sleep(1.1)
        subprocess.run([*map(str, agent.argv), "renew"], check=True, capture_output=True)
        after = path.read_text()
        self.assertNotEqual(before, after)
        key = re.compile("-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----", re.DOTALL)
        self.assertEqual(key.search(before).group(), key.search(after).group())
        agent.process.kill()
        agent.process.start()
        cluster.wait_nodes_ready()

    def test_an_authority_follows_another(self):
        cluster = self.cluster(nodes=("edge-1", "edge-2"))
        first = json.loads(cluster.ctl("authority", "list", "-o", "json").stdout)["items"]
        self.assertEqual([a["state"] for a in first], ["signing"])
        cluster.ctl("authority", "rotate", "--announcement", "3s")
        items = json.loads(cluster.ctl("authority", "list", "-o", "json").stdout)["items"]
        self.assertEqual([a["state"] for a in items], ["signing", "announced"])
        renew = [*map(str, cluster.agents["edge-1"].argv), "renew"]
        for agent in cluster.agents.values():  # each hears of it
            subprocess.run([*map(str, agent.argv), "renew"], check=True, capture_output=True)

        def signing():
            return [a["fingerprint"] for a in json.loads(cluster.ctl("authority", "list", "-o", "json").stdout)["items"]
                    if a["state"] == "signing"]
        wait_until(lambda: signing() == [items[1]["fingerprint"]], 20, "the new authority to sign", every_s=0.2)
        subprocess.run(renew, check=True, capture_output=True)  # signed by the new one
        for name in ("edge-1", "edge-2"):  # edge-2 still shows what the first one signed
            cluster.agents[name].process.kill()
            cluster.agents[name].process.start()
        cluster.wait_nodes_ready()
        cluster.restart_controller_after_stop()  # which now shows a certificate of the new one
        cluster.client = cluster.connect()
        cluster.wait_nodes_ready()


class Callers(Secure):
    def test_roles_namespaces_and_revocation(self):
        cluster = self.cluster()
        cluster.client.put("/api/v1/models/noop", noop_model())
        cluster.wait_model_known("noop")
        token = cluster.ctl("token", "create", "--role", "submitter:vision", "--description", "ci").stdout
        mine = self.client(cluster, token)
        job = mine.post(JOBS, {"model": "noop", "namespace": "vision", "inputs": tensor()}, {"Prefer": "wait=30"})
        self.assertEqual(job["state"], "SUCCEEDED")
        self.refused(403, mine.post, JOBS, {"model": "noop", "namespace": "speech", "inputs": tensor()})
        theirs = cluster.client.post(JOBS, {"model": "noop", "namespace": "speech", "inputs": tensor()}, {"Prefer": "wait=30"})
        self.refused(404, mine.get, f"/api/v1/jobs/{theirs['id']}")
        self.assertEqual({item["id"] for item in mine.get("/api/v1/jobs")["items"]}, {job["id"]})
        self.refused(403, mine.get, "/api/v1/tokens")
        self.assertEqual(mine.get("/api/v1/access?permission=submit-jobs&namespace=vision")["allowed"], True)
        listed = json.loads(cluster.ctl("token", "list", "-o", "json").stdout)["items"]
        found = [t["id"] for t in listed if t.get("description") == "ci"]
        cluster.ctl("token", "revoke", found[0])

        def turned_away():
            try:
                mine.get("/api/v1/whoami")
            except Problem as problem:
                return problem.status == 401
            return False
        wait_until(turned_away, 1, "a revoked token to be refused")

    def test_a_sites_own_api_shows_its_metrics_to_whom_the_controllers_does(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        cluster = Cluster(PROGRAMS, nodes=[NodePlan("shop-1", settings={"local_api": {"listen": address}})], secure=True).start()
        self.addCleanup(cluster.stop)
        asked = {}
        for role in ("metrics:*", "viewer:*"):
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(cluster.ctl("token", "create", "--role", role).stdout)
                file.flush()
                asked[role] = Client(address, 60, token_file=file.name)
            self.addCleanup(asked[role].close)
        wait_until(lambda: asked["metrics:*"].call("GET", "/metrics").status == 200, 20, "the site to hear of the token")
        self.assertIn(b"skerry_site_controller_connected 1", asked["metrics:*"].call("GET", "/metrics").body)
        self.refused(403, asked["metrics:*"].get, "/api/v1/nodes")
        self.refused(403, asked["viewer:*"].get, "/metrics")

    def test_the_audit_trail_is_whole_and_an_edit_shows(self):
        cluster = self.cluster()
        cluster.ctl("token", "create", "--role", "auditor:*", "--description", "look")
        cluster.ctl("cordon", "edge-1")
        trail = cluster.folder / "trail.jsonl"
        trail.write_text(cluster.ctl("audit", "export").stdout)
        lines = trail.read_text().splitlines()
        actions = [json.loads(json.loads(line)["line"])["action"] for line in lines if "line" in json.loads(line)]
        for action in ("node.enrol", "token.create", "node.cordon"):
            self.assertIn(action, actions)
        cluster.ctl("audit", "verify", trail)
        trail.write_text(trail.read_text().replace("node.cordon", "node.uncord", 1))
        self.assertNotEqual(cluster.ctl("audit", "verify", trail, check=False).returncode, 0)


if __name__ == "__main__":
    os.chdir(support.ROOT)
    unittest.main()
