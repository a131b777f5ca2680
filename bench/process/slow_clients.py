"""What clients that dawdle cost those that do not: slow-clients."""

import selectors
import socket
import threading
import time

from process.load import load
from process.path import JOBS, NOOP_JOB, noop_cluster

CLIENTS = 2000
ADDRESSES = 4  # that they come from, each under the limit of connections per address
MEASURED_S = 15
RATE_PER_S = 200
PHASES = 100  # of a second: clients that know nothing of each other do not all send at once


def slow_clients(programs):
    """2,000 clients that send a byte a second or never read: p99 of others' submits beside what it is without them"""
    with noop_cluster(programs, agents=0) as cluster:
        honest = {"connections": 20, "seconds": MEASURED_S, "rate_per_s": RATE_PER_S}
        idle = load(programs, cluster, JOBS, [NOOP_JOB], **honest)
        rss = cluster.controller.resident_bytes()
        crowd = Crowd(cluster.api)
        try:
            crowd.wait_connected()
            beside = load(programs, cluster, JOBS, [NOOP_JOB], **honest)
            connected = crowd.connected
            grown = cluster.controller.resident_bytes() - rss
        finally:
            crowd.stop()
        return {"slow_clients": connected, "idle_p50_ms": idle["p50_ms"], "idle_p99_ms": idle["p99_ms"], "beside_p50_ms": beside["p50_ms"],
                "beside_p99_ms": beside["p99_ms"], "p99_ratio": beside["p99_ms"] / idle["p99_ms"], "kib_each": grown / 1024 / connected,
                "cut_and_back": crowd.cut}


HEAD = b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\n"
# What each kind sends at once, and what it sends a byte of every second after that.
KINDS = [
    (b"", HEAD * 1000),                                               # a header
    (HEAD + b"Content-Length: 1000000\r\n\r\n", b" " * 1000),         # a body
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 1000),
    (b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200, b""),    # never reads the answers
]


class Crowd:
    """All of them in one thread; who is cut comes back."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.target = (host, int(port))
        self.selector = selectors.DefaultSelector()
        self.clients, self.connected, self.cut = {}, 0, 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def connect(self, number):
        first, slowly = KINDS[number % len(KINDS)]
        client = socket.socket()
        if first.startswith(b"GET"):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.bind((f"127.0.0.{2 + number % ADDRESSES}", 0))
        client.connect(self.target)
        client.setblocking(False)
        if first:
            client.send(first)
        self.clients[number] = [client, slowly, 0]
        if slowly:
            self.selector.register(client, selectors.EVENT_READ, number)
        self.connected += 1

    def drop(self, number):
        client = self.clients.pop(number)[0]
        if client in self.selector.get_map():
            self.selector.unregister(client)
        client.close()
        self.connected -= 1
        self.cut += 1

    def run(self):
        for number in range(CLIENTS):
            self.connect(number)
        due = time.monotonic()
        while not self.stopped.is_set():
            for phase in range(PHASES):
                for number in range(phase, CLIENTS, PHASES):
                    self.send_byte(number)
                due += 1 / PHASES
                while (left := due - time.monotonic()) > 0:
                    for key, _ in self.selector.select(left):
                        self.drop(key.data)  # an answer: it was cut off
                        self.connect(key.data)

    def send_byte(self, number):
        client, slowly, sent = self.clients[number]
        try:
            if slowly:
                client.send(slowly[sent % len(slowly):][:1])
                self.clients[number][2] += 1
        except OSError:
            self.drop(number)
            self.connect(number)

    def wait_connected(self):
        while self.connected < CLIENTS:
            assert self.thread.is_alive(), "the slow clients could not connect"
            time.sleep(0.1)
        time.sleep(2)

    def stop(self):
        self.stopped.set()
        self.thread.join(30)
        for client, _, _ in self.clients.values():
            client.close()
