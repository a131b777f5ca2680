"""The bad link between processes: skerry-relay, controlled over its standard input (tests/relay/relay.h has the commands)."""

import json
import threading

from harness.processes import NotReady, Process


class Relay:
    """Relays a port of 127.0.0.1 to `to`; `address` is where to connect. Ends with this program."""

    def __init__(self, program, to, folder, name="relay", delay_ms=0, jitter_ms=0, rate_mbit=0, seed=1):
        ready_file = folder / f"{name}.ready"
        self.process = Process(
            name, [program, "--to", to, "--delay-ms", delay_ms, "--jitter-ms", jitter_ms, "--rate-mbit", rate_mbit,
                   "--seed", seed, "--ready-file", ready_file, "--control"],
            folder / f"{name}.log", ready_file=ready_file, control=True)
        self.address = None
        self._usual = [f"delay {delay_ms}", f"jitter {jitter_ms}", f"rate {rate_mbit}", "resume", "accept"]
        self._lock = threading.Lock()

    def start(self):
        self.process.start()
        self.address = self.process.wait_ready()["listen"]
        return self

    def ask(self, command):
        """Sends one command and returns its answer; ValueError if the relay refuses it."""
        with self._lock:
            self.process.popen.stdin.write(command.encode() + b"\n")
            self.process.popen.stdin.flush()
            answer = self.process.popen.stdout.readline().decode().strip()
        if not answer:
            raise NotReady(f"the relay is gone\n{self.process.tail()}")
        if answer.startswith("error"):
            raise ValueError(answer)
        return answer

    def restore(self):
        """The link is again as it was at the start; what was cut stays cut."""
        for command in self._usual:
            self.ask(command)

    def stats(self):
        return json.loads(self.ask("stats"))

    def stop(self):
        self.process.stop()
        if self.process.popen:
            self.process.popen.stdout.close()
