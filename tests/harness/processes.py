"""One child process: started, awaited, killed, and shown by the tail of its log when something goes wrong.

A child dies with this program, however that ends (the kernel's parent-death signal), and is in a session of its own, so
that Ctrl-C reaches it only by us and its group can be ended as a whole. Start children from the main thread: the signal
is tied to the thread that started them. Only processes that were started here are ever signalled.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time


class NotReady(Exception):
    """A process ended, or did not get ready in time; the text holds the tail of its log."""


def wait_until(condition, timeout_s, what, every_s=0.01):
    """Polls until condition() is true (or not None) and returns its value; NotReady names `what` after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NotReady(f"waited {timeout_s:g} s for {what}")
        time.sleep(every_s)


class Process:
    """argv is run with its output appended to log_path. ready_file, if given, is what the program writes once it serves."""

    def __init__(self, name, argv, log_path, ready_file=None, env=None, control=False):
        self.name = name
        self.argv = [str(word) for word in argv]
        self.log_path = pathlib.Path(log_path)
        self.ready_file = pathlib.Path(ready_file) if ready_file else None
        self.env = env
        self.control = control
        self.popen = None
        self.starts = 0

    def start(self):
        assert not self.alive(), f"{self.name} runs already"
        if self.ready_file:
            self.ready_file.unlink(missing_ok=True)
        prefix = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                prefix + self.argv, stdin=subprocess.PIPE if self.control else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.control else log, stderr=log, start_new_session=True,
                env={**os.environ, **(self.env or {})})
        self.starts += 1
        return self

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def wait_ready(self, timeout_s=30):
        """The content of the ready file; NotReady if the process ends first."""
        def content():
            if not self.alive():
                raise NotReady(f"{self.name} ended with {self.popen.returncode} before it was ready\n{self.tail()}")
            if not self.ready_file.exists():
                return None
            try:
                return json.loads(self.ready_file.read_text())
            except json.JSONDecodeError:
                return None  # being written
        try:
            return wait_until(content, timeout_s, f"{self.name} to be ready")
        except NotReady as failure:
            raise NotReady(f"{failure}\n{self.tail()}") from None

    def kill(self):
        """SIGKILL to the process and what it started; returns when it is gone."""
        if self.popen is None:
            return
        self._signal_group(signal.SIGKILL)
        self.popen.wait()

    def kill_alone(self):
        """SIGKILL to the process only; what it started must notice by itself."""
        if self.alive():
            self.popen.kill()
        self.popen.wait()

    def pause(self):
        """SIGSTOP to the process and what it started: it hangs, its connections stay open."""
        self._signal_group(signal.SIGSTOP)

    def go_on(self):
        self._signal_group(signal.SIGCONT)

    def stop(self, timeout_s=10):
        """SIGTERM, then SIGKILL after timeout_s. Returns the exit code, None if it never ran."""
        if self.popen is None:
            return None
        if self.control and self.popen.stdin:
            self.popen.stdin.close()
        if self.alive():
            self.popen.terminate()
        try:
            self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pass
        self.kill()  # also what it may have left behind in its group
        return self.popen.returncode

    def _signal_group(self, number):
        try:
            os.killpg(self.popen.pid, number)  # the group that start_new_session made; its id is the child's
        except ProcessLookupError:
            pass

    def cpu_s(self):
        """Processor seconds that it has used, all threads, without what it started."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def children(self):
        """The ids of the processes that it has started and that run."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = stat.read_text().rpartition(")")[2].split()[1]
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
            if int(parent) == self.pid:
                found.append(int(stat.parent.name))
        return found

    def resident_bytes(self):
        return int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def tail(self, lines=30):
        try:
            text = self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        kept = text.splitlines()[-lines:]
        return "\n".join([f"--- last lines of {self.name} ({self.log_path})", *kept])
