#!/usr/bin/env python3
"""Server-sent events: every change of a job in order, filters, and resuming after a cut without loss or repetition."""

import threading

import support
from support import JOBS, ClusterTest


class Events(ClusterTest):
    def watch(self, query, until, last_event_id=None):
        """The events from now on up to the first for which until() is true, in a thread; .result() is the list."""
        return Watch(self.client, f"/api/v1/events?{query}", until, last_event_id).start()

    def test_a_jobs_life_in_order(self):
        watch = self.watch("types=job", until=lambda event: event.data.get("state") == "SUCCEEDED")
        self.submit(wait_s=10)
        states = [event.data["state"] for event in watch.result() if event.type == "job"]
        self.assertEqual(states[-1], "SUCCEEDED")
        self.assertEqual(states, sorted(states, key=["READY", "LEASED", "RUNNING", "SUCCEEDED"].index))

    def test_resuming_continues_after_the_given_event(self):
        watch = self.watch("types=job", until=lambda event: event.data.get("state") == "SUCCEEDED")
        self.submit(wait_s=10)
        first = watch.result()
        jobs = [self.submit(wait_s=10)["id"] for _ in range(3)]
        resumed = self.watch("types=job", last_event_id=first[-1].id,
                             until=lambda event: event.data.get("job") == jobs[-1] and event.data["state"] == "SUCCEEDED").result()
        ended = [event.data["job"] for event in resumed if event.data.get("state") == "SUCCEEDED"]
        self.assertEqual(ended, jobs)
        self.assertFalse({event.id for event in first} & {event.id for event in resumed})
        self.assertNotIn("gap", {event.type for event in resumed})

    def test_an_id_of_an_earlier_process_is_answered_by_a_gap(self):
        resumed = self.watch("types=job", last_event_id="0000-1", until=lambda event: event.data.get("state") == "SUCCEEDED")
        self.submit(wait_s=10)
        self.assertEqual(resumed.result()[0].type, "gap")

    def test_one_job_only(self):
        job = self.submit(constraints={"labels": {"never": "there"}})["id"]
        watch = self.watch(f"job={job}", until=lambda event: event.data.get("state") == "CANCELLED")
        self.submit(wait_s=10)
        self.client.post(f"{JOBS}/{job}:cancel")
        self.assertEqual({event.data["job"] for event in watch.result()}, {job})

    def test_nodes_are_told_of(self):
        watch = self.watch("types=node", until=lambda event: "CORDONED" in str(event.data))
        self.client.post("/api/v1/nodes/edge-1:cordon")
        self.assertEqual({event.type for event in watch.result()}, {"node"})
        self.client.post("/api/v1/nodes/edge-1:uncordon")


class Watch:
    """Reads an event stream in a thread until a condition; start() returns when the stream is open."""

    def __init__(self, client, path, until, last_event_id):
        self.client, self.path, self.until, self.last_event_id = client, path, until, last_event_id
        self.events, self.failure = [], None
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.opened = threading.Event()

    def start(self):
        self.thread.start()
        assert self.opened.wait(10), "the event stream did not open"
        return self

    def _read(self):
        try:
            for event in self.client.events(self.path, self.last_event_id, timeout_s=20, on_open=self.opened.set):
                self.events.append(event)
                if isinstance(event.data, dict) and self.until(event):
                    return
        except Exception as failure:  # told by result()
            self.failure = failure

    def result(self):
        self.thread.join(30)
        if self.failure or self.thread.is_alive():
            raise AssertionError(f"the awaited event did not come: {self.failure}; got {self.events}")
        return self.events


if __name__ == "__main__":
    support.main()
