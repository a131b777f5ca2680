"""What was done to whom, in order of time: told at the end if a promise was broken. Any thread may write."""

import datetime
import threading
import time


class History:
    """Times are seconds since it was made; the log files' times are of the wall clock, which it also tells."""

    def __init__(self):
        self._lock = threading.Lock()
        self._began_s = time.monotonic()
        self._began = datetime.datetime.now(datetime.timezone.utc)
        self._lines = []  # (seconds, text)

    def now_s(self):
        return time.monotonic() - self._began_s

    def add(self, text):
        with self._lock:
            self._lines.append((self.now_s(), text))

    def wall(self, at_s):
        return (self._began + datetime.timedelta(seconds=at_s)).strftime("%H:%M:%S.%f")[:-3]

    def told(self, from_s=0.0, to_s=float("inf")):
        with self._lock:
            return [f"{at_s:9.3f} s  {self.wall(at_s)}  {text}" for at_s, text in self._lines if from_s <= at_s <= to_s]
