"""Secrets that were planted all over a cluster at trace level: none may be found in logs, metrics, the audit trail, the store, or
on a command line."""

import json
import pathlib
import re

from harness.cluster import Cluster, NodePlan, noop_model
from harness.rest import Client, Problem

KEY = re.compile("-----BEGIN PRIVATE KEY-----\n(.*?)\n-----END PRIVATE KEY-----", re.DOTALL)
OWN_FILES = {"admin.token", "audit.key", "controller.pem", "node.pem", "join.key"}  # and those of authorities/


def plant(suite, cluster):
    """What must not be found: name -> bytes."""
    planted = {}
    data = cluster.folder / "data"
    planted["the first admin's token"] = (data / "admin.token").read_text().strip()
    planted["the audit trail's key"] = (data / "audit.key").read_text().strip()
    planted["the controller's key"] = KEY.search((data / "controller.pem").read_text()).group(1).split("\n")[1]
    for path in (data / "authorities").iterdir():
        planted["an authority's key"] = KEY.search(path.read_text()).group(1).split("\n")[1]
    for name in cluster.agents:
        planted[f"the key of {name}"] = KEY.search((cluster.folder / name / "state" / "node.pem").read_text()).group(1).split("\n")[1]
    for number in range(4):
        planted[f"token {number}"] = cluster.ctl("token", "create", "--role", "viewer:vision").stdout.strip()
        planted[f"join token {number}"] = cluster.join_line(f"shop-{number}").split("@")[0]
    for number, target in enumerate(["/api/v1/nodes", "/api/v1/whoami", "/nothing", "/metrics"]):
        secret = f"sky_{number}planted_{'z' * 30}{number}"
        planted[f"a token that is none, at {target}"] = secret
        file = suite.folder / f"token-{number}"
        file.write_text(secret)
        client = Client(cluster.api, 60, cluster.ca_file, file)
        for path in (target, f"{target}?token={secret}"):
            try:
                client.get(path)
            except Problem as problem:
                assert secret not in json.dumps(problem.body), "an answer repeats a token"
        client.close()
    for number, name in enumerate(["a", "b"]):
        secret = f"skyjoin_{number}planted_{'y' * 30}{number}"
        planted[f"a join token that is none, {name}"] = secret
        try:
            cluster.client.post(f"/api/v1/nodes/{name}:enrol", {"token": secret, "csr": "x"})
        except Problem:
            pass
    return {name: secret.encode() for name, secret in planted.items()}


def places(cluster, suite):
    """Where they are looked for: name -> bytes."""
    for path in cluster.folder.rglob("*"):
        if path.is_file() and path.name not in OWN_FILES and path.parent.name != "authorities":
            yield str(path.relative_to(cluster.folder)), path.read_bytes()
    yield "/metrics", cluster.client.get("/metrics")
    trail = suite.folder / "trail"
    cluster.ctl("audit", "export", "-f", trail)
    yield "the audit trail", trail.read_bytes()
    for process in cluster.processes():
        for pid in [process.pid, *process.children()]:
            for what in ("cmdline", "environ"):
                try:
                    yield f"{what} of {process.name}", pathlib.Path(f"/proc/{pid}/{what}").read_bytes()
                except (FileNotFoundError, PermissionError, ProcessLookupError):
                    pass


def run(suite):
    plan = {"log": {"level": "trace", "format": "text"}}
    nodes = [NodePlan(name, settings=plan) for name in ("edge-1", "edge-2")]
    with Cluster(suite.programs, nodes=nodes, config={"api_tls": {"built_in": "true"}, "log": {"level": "trace"}}, secure=True) as cluster:
        planted = plant(suite, cluster)
        cluster.client.put("/api/v1/models/noop", noop_model())
        cluster.wait_model_known("noop")
        cluster.restart_controller_after_stop()
        found = [f"{name} in {place}" for place, content in places(cluster, suite) for name, secret in planted.items()
                 if secret in content]
    suite.check("secrets planted", 20, len(planted), len(planted) >= 20)
    suite.check("planted secrets found in logs, metrics, audit, store, command lines", 0, len(found), not found)
    for sentence in found[:20]:
        print(f"    {sentence}")
