#!/usr/bin/env python3
"""What passes through skerry-relay, and what each of its commands does to it. Usage: relay_test.py PATH/TO/skerry-relay"""

import hashlib
import pathlib
import random
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.processes import wait_until  # noqa: E402
from harness.relay import Relay  # noqa: E402

PROGRAM = None


class Echo:
    """A server that sends back what it gets, and ends its side when the other ended."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.ended = []  # how each connection ended: "end" or "reset"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
                self.ended.append("end")
            except (ConnectionResetError, BrokenPipeError):
                self.ended.append("reset")

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
        except OSError:
            return  # closed already
        self.listener.close()


def send_in_background(connection, data):
    """Sends until it is done or the connection is reset."""
    def send():
        try:
            connection.sendall(data)
        except OSError:
            pass
    threading.Thread(target=send, daemon=True).start()


def receive_exactly(connection, count):
    parts, left = [], count
    while left:
        part = connection.recv(min(left, 65536))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


class RelayTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.echo = Echo()
        self.addCleanup(self.echo.close)

    def relay(self, **link):
        relay = Relay(PROGRAM, self.echo.address, self.folder, **link)
        self.addCleanup(relay.stop)
        return relay.start()

    def connect(self, relay):
        host, port = relay.address.split(":")
        connection = socket.create_connection((host, int(port)), timeout=20)
        self.addCleanup(connection.close)
        return connection

    def exchange(self, connection, message=b"hello"):
        connection.sendall(message)
        self.assertEqual(receive_exactly(connection, len(message)), message)

    def assert_silent(self, connection, for_s):
        connection.settimeout(for_s)
        with self.assertRaises(TimeoutError):
            connection.recv(1)
        connection.settimeout(20)

    def test_bytes_are_intact_in_order_under_random_chunks_and_jitter_on_many_connections(self):
        relay = self.relay(delay_ms=2, jitter_ms=3, rate_mbit=400)
        failures = []

        def talk(seed):
            chunks = random.Random(seed)
            sent, received = hashlib.sha256(), hashlib.sha256()
            sizes = [chunks.choice([1, 7, 1000, 70_000, 300_000]) for _ in range(12)]
            connection = self.connect(relay)

            def send():
                for size in sizes:
                    data = chunks.randbytes(size)
                    sent.update(data)
                    connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            sender = threading.Thread(target=send)
            sender.start()
            while data := connection.recv(50_000):
                received.update(data)
            sender.join()
            if sent.digest() != received.digest():
                failures.append(seed)

        threads = [threading.Thread(target=talk, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        wait_until(lambda: relay.stats()["open"] == 0, 10, "all connections to end")
        self.assertEqual(self.echo.ended, ["end"] * 8)
        self.assertEqual(relay.stats()["up_bytes"], relay.stats()["down_bytes"])

    def test_the_round_trip_takes_twice_the_delay_and_delay_can_be_changed(self):
        relay = self.relay(delay_ms=40)
        connection = self.connect(relay)
        began = time.monotonic()
        self.exchange(connection)
        self.assertGreaterEqual(time.monotonic() - began, 0.08)
        relay.ask("delay 100")
        began = time.monotonic()
        self.exchange(connection)
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_connections_share_the_bandwidth_of_a_direction(self):
        relay = self.relay(rate_mbit=8)  # 1 MB/s each way
        connections = [self.connect(relay) for _ in range(2)]
        began = time.monotonic()
        for connection in connections:
            send_in_background(connection, b"x" * 200_000)
        for connection in connections:
            self.assertEqual(len(receive_exactly(connection, 200_000)), 200_000)
        self.assertGreaterEqual(time.monotonic() - began, 0.39)  # 400 kB at 1 MB/s; no upper bound: the machine may be busy

    def test_a_small_message_does_not_queue_behind_anothers_bulk(self):
        relay = self.relay(rate_mbit=8)
        bulk, small = self.connect(relay), self.connect(relay)
        self.exchange(small)
        send_in_background(bulk, b"x" * 4_000_000)  # 4 s on this link
        self.assertEqual(len(receive_exactly(bulk, 10_000)), 10_000)
        self.exchange(small)
        self.assertLess(relay.stats()["up_bytes"], 2_000_000)  # it overtook at least half of the bulk
        relay.ask("reset")

    def test_a_receiver_that_does_not_read_stops_the_sender(self):
        relay = self.relay()
        connection = self.connect(relay)
        connection.settimeout(1)
        sent = 0
        with self.assertRaises(TimeoutError):  # nobody reads the echo, so everything on the way fills up
            while sent < 200_000_000:
                sent += connection.send(b"x" * 100_000)
        with open(f"/proc/{relay.process.pid}/status", encoding="ascii") as status:
            resident_kb = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        self.assertLess(resident_kb, 40_000)

    def test_stall_holds_everything_and_resume_loses_nothing(self):
        relay = self.relay(delay_ms=1)
        connection = self.connect(relay)
        self.exchange(connection)
        relay.ask("stall")
        connection.sendall(b"held")
        self.assert_silent(connection, 0.3)
        newcomer = self.connect(relay)
        newcomer.sendall(b"me too")
        self.assert_silent(newcomer, 0.1)
        relay.ask("resume")
        self.assertEqual(receive_exactly(connection, 4), b"held")
        self.assertEqual(receive_exactly(newcomer, 6), b"me too")

    def test_reset_resets_both_sides_and_new_connections_work(self):
        relay = self.relay(delay_ms=1)
        connection = self.connect(relay)
        self.exchange(connection)
        relay.ask("reset")
        with self.assertRaises(ConnectionResetError):
            connection.recv(1)
        wait_until(lambda: self.echo.ended == ["reset"], 5, "the server to see the reset")
        self.exchange(self.connect(relay))

    def test_half_close_ends_the_way_back_only(self):
        relay = self.relay()
        connection = self.connect(relay)
        self.exchange(connection)
        relay.ask("half-close")
        self.assertEqual(connection.recv(1), b"")
        before = relay.stats()["up_bytes"]
        connection.sendall(b"still")
        wait_until(lambda: relay.stats()["up_bytes"] == before + 5, 5, "the other way to carry on")

    def test_truncate_cuts_after_exactly_that_many_bytes(self):
        relay = self.relay()
        connection = self.connect(relay)
        self.exchange(connection)
        relay.ask("truncate 1000")
        connection.sendall(b"x" * 5000)
        received = 0
        with self.assertRaises(ConnectionResetError):
            while data := connection.recv(65536):
                received += len(data)
        self.assertLessEqual(received, 1000)
        wait_until(lambda: relay.stats()["open"] == 0, 5, "the connection to end")
        self.assertEqual(relay.stats()["up_bytes"], 1005)

    def test_refuse_keeps_open_connections_and_accept_takes_new_ones_again(self):
        relay = self.relay()
        connection = self.connect(relay)
        self.exchange(connection)
        relay.ask("refuse")
        with self.assertRaises(ConnectionRefusedError):
            self.connect(relay)
        self.exchange(connection)
        relay.ask("accept")
        self.exchange(self.connect(relay))

    def test_restore_undoes_what_was_done_to_the_link(self):
        relay = self.relay(delay_ms=40)
        connection = self.connect(relay)
        for command in ("delay 0", "rate 0.001", "stall", "refuse"):
            relay.ask(command)
        relay.restore()
        began = time.monotonic()
        self.exchange(connection)
        self.assertGreaterEqual(time.monotonic() - began, 0.08)
        self.exchange(self.connect(relay))

    def test_a_dead_target_resets_who_connects(self):
        self.echo.close()
        relay = self.relay()
        with self.assertRaises(ConnectionResetError):  # at once, or as soon as it listens
            self.connect(relay).recv(1)

    def test_a_clients_reset_reaches_the_server(self):
        relay = self.relay(delay_ms=1)
        connection = self.connect(relay)
        self.exchange(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        wait_until(lambda: self.echo.ended == ["reset"], 5, "the server to see the reset")

    def test_bad_commands_are_refused_and_change_nothing(self):
        relay = self.relay()
        for command in ("explode", "delay", "delay -1", "delay x", "rate nan", "truncate 1x", ""):
            with self.subTest(command), self.assertRaises(ValueError):
                relay.ask(command)
        self.exchange(self.connect(relay))

    def test_the_end_of_its_input_ends_it(self):
        relay = self.relay()
        relay.process.popen.stdin.close()
        self.assertEqual(relay.process.popen.wait(5), 0)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
