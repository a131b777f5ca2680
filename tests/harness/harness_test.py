#!/usr/bin/env python3
"""The harness itself: processes are awaited, killed and cleaned up; the REST client parses what servers send."""

import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import rest  # noqa: E402
from harness.processes import NotReady, Process, wait_until  # noqa: E402


def gone(pid):
    """Ended, or only waiting to be reaped by whoever inherited it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Processes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def shell(self, script, **options):
        process = Process("shell", ["bash", "-c", script], self.folder / "log", **options)
        self.addCleanup(process.kill)
        return process.start()

    def test_waits_for_the_ready_file(self):
        ready = self.folder / "ready"
        process = self.shell(f"echo '{{\"api\": \"here\"}}' > {ready}; sleep 60", ready_file=ready)
        self.assertEqual(process.wait_ready(5), {"api": "here"})

    def test_a_process_that_ends_instead_shows_its_log(self):
        process = self.shell("echo what went wrong >&2; exit 3", ready_file=self.folder / "ready")
        with self.assertRaisesRegex(NotReady, "ended with 3(.|\n)*what went wrong"):
            process.wait_ready(5)

    def test_kill_takes_what_it_started_along(self):
        process = self.shell(f"sleep 60 & echo $! > {self.folder}/child; wait")
        child = wait_until(lambda: (self.folder / "child").exists() and (self.folder / "child").read_text().strip(), 5, "the child")
        process.kill()
        wait_until(lambda: gone(int(child)), 5, "the child to end")
        self.assertFalse(process.alive())

    def test_pause_hangs_it_with_what_it_started_until_it_goes_on(self):
        process = self.shell("sleep 60 & wait")
        child = wait_until(process.children, 5, "the child")[0]

        def states():
            return {pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in (process.pid, child)}
        process.pause()
        wait_until(lambda: states() == {"T"}, 5, "both to be stopped")
        process.go_on()
        wait_until(lambda: states() == {"S"}, 5, "both to go on")

    def test_a_child_does_not_outlive_a_killed_parent(self):
        program = ("import sys; sys.path.insert(0, sys.argv[1])\n"
                   "from harness.processes import Process\n"
                   "import os, pathlib\n"
                   "child = Process('x', ['sleep', '60'], sys.argv[2]).start().pid\n"
                   "while pathlib.Path(f'/proc/{child}/comm').read_text() != 'sleep\\n': pass\n"
                   "print(child, flush=True)\n"
                   "os.kill(os.getpid(), 9)\n")
        parent = subprocess.run([sys.executable, "-c", program, str(pathlib.Path(__file__).resolve().parents[1]),
                                 str(self.folder / "log")], capture_output=True, text=True, check=False)
        self.assertEqual(parent.returncode, -9)
        wait_until(lambda: gone(int(parent.stdout)), 5, "the orphan to be killed")

    def test_stop_asks_first(self):
        process = self.shell("trap 'exit 7' TERM; echo up > up; while :; do sleep 0.01; done".replace("> up", f"> {self.folder}/up"))
        wait_until((self.folder / "up").exists, 5, "the trap")
        self.assertEqual(process.stop(5), 7)


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, kind, body = {
            "/json": (200, "application/json", b'{"a": 1}'),
            "/problem": (422, "application/problem+json", json.dumps(
                {"code": "invalid_argument", "detail": "no", "fields": [{"field": "/model", "message": "x"}]}).encode()),
            "/events": (200, "text/event-stream", b': hi\nid: 1\nevent: job\ndata: {"a": 1}\n\ndata: x\ndata: y\n\nid: 2\n\n'),
        }[self.path]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.ports.add(self.client_address[1])

    def log_message(self, *_):
        pass


class Rest(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        self.server.ports = set()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.client = rest.Client(f"127.0.0.1:{self.server.server_port}")
        self.addCleanup(self.client.close)

    def test_keeps_its_connection(self):
        for _ in range(5):
            self.assertEqual(self.client.get("/json"), {"a": 1})
        self.assertEqual(len(self.server.ports), 1)

    def test_problems_are_exceptions_with_code_and_fields(self):
        with self.assertRaises(rest.Problem) as caught:
            self.client.get("/problem")
        self.assertEqual((caught.exception.status, caught.exception.code, caught.exception.fields),
                         (422, "invalid_argument", ["/model"]))

    def test_events(self):
        self.assertEqual(list(self.client.events("/events")),
                         [rest.Event("1", "job", {"a": 1}), rest.Event("", "message", "x\ny")])


if __name__ == "__main__":
    unittest.main()
