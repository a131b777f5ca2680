"""Machines that join, race, and are revoked: real agents against a real controller, also across its death."""

import concurrent.futures
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from harness.cluster import Cluster, NodePlan
from harness.processes import wait_until


def join(suite, folder, name, line):
    done = subprocess.run([suite.programs["agent"], "--name", name, "--state-dir", folder / name, "join", "-"],
                          input=line, capture_output=True, text=True, check=False)
    return done.returncode == 0


def race(suite, cluster, racers, kill):
    """How many of the racers have a certificate in the end; those that got no answer try again."""
    line = cluster.join_line("racer-*")
    folder = pathlib.Path(tempfile.mkdtemp(dir=suite.folder))
    names = [f"racer-{time.monotonic_ns()}-{number}" for number in range(racers)]  # a node that won once is a member
    begun = threading.Barrier(racers + 1)

    def one(name):
        begun.wait()
        return join(suite, folder, name, line)
    with concurrent.futures.ThreadPoolExecutor(racers) as pool:
        futures = [pool.submit(one, name) for name in names]
        begun.wait()
        if kill:
            time.sleep(0.02)
            cluster.controller.kill()
            cluster.start_controller()
            cluster.client.close()
        results = [future.result() for future in futures]
    if kill and not any(results):  # none had an answer before the kill: each comes again, with its key
        results = [join(suite, folder, name, line) for name in names]
    return sum(results)


def handshake_refused(cluster, identity):
    """Whether the agents' port turns this certificate away at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cluster.ca_file)
    context.load_cert_chain(identity)
    context.set_alpn_protocols(["h2"])
    host, port = cluster.agents_at.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=5) as raw, context.wrap_socket(raw) as wrapped:
            wrapped.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
            return wrapped.recv(1) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def run(suite):
    races = 3 if suite.quick else 100
    racers = 4
    plan = NodePlan("edge-1")
    cluster = Cluster(suite.programs, nodes=[plan], secure=True).start()
    try:
        winners = [race(suite, cluster, racers, kill=number % 5 == 2) for number in range(races)]
        suite.check(f"join token raced {races} times by {racers}, a fifth across a SIGKILL: races without exactly one winner", 0,
                    sum(count != 1 for count in winners), all(count == 1 for count in winners))
        slowest, refused = 0.0, 0
        rounds = 2 if suite.quick else 10
        cluster.wait_nodes_ready()
        agent = cluster.agents["edge-1"]
        for _ in range(rounds):
            identity = pathlib.Path(agent.folder) / "state" / "node.pem"
            assert os.access(identity, os.R_OK)
            began = time.monotonic()
            cluster.ctl("node", "revoke", "edge-1")
            refused += handshake_refused(cluster, identity)
            wait_until(lambda: cluster.nodes()["edge-1"]["state"] != "READY", 30, "the revoked node's stream to end")
            slowest = max(slowest, time.monotonic() - began)
            agent.process.stop()
            agent.join(cluster.join_line("edge-1"))
            agent.process.start()
            cluster.wait_nodes_ready()
        suite.check("revoked on a live stream: cut off within, s", 5, round(slowest, 2), slowest <= 5)
        suite.check("new handshakes of a revoked node refused at once, %", 100, 100 * refused / rounds, refused == rounds)
    finally:
        cluster.stop()
