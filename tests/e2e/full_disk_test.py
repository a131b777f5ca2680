#!/usr/bin/env python3
"""The promise: a full disk makes a controller read-only, it does not end it. What was accepted is kept, nodes stay, nothing is
acknowledged that is not on the disk, and when there is space everything goes on by itself.

data_dir is a small file system of its own, mounted in a mount namespace that this program gives itself; without the right to
do that its tests are skipped.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import support
from harness.cluster import Cluster, NodePlan, noop_model
from harness.processes import wait_until
from support import JOBS, PROGRAMS, tensor

MIB = 1 << 20
DISK_MIB = 240
RESERVE_MIB = 16
TASKS = 200
NUMBERS = 50_000            # of a task's input, and of its result: 200 kB each way, kept with the record
SILENCE_S = 5               # after which a node that is not heard of is given up
IN_NAMESPACE = "SKERRY_TEST_OWN_MOUNTS"


def numbers():
    return tensor(*([1.5] * NUMBERS))


@unittest.skipUnless(os.environ.get(IN_NAMESPACE), "a small file system can only be mounted by root")
class FullDisk(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="skerry-full-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = self.folder / "data"
        self.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "skerry-test", self.data], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.data], check=True)
        self.cluster = Cluster(PROGRAMS, nodes=[NodePlan("edge-1", settings={"queue_depth": 2 * TASKS})], folder=self.folder,
                               config={"store": {"reserve": f"{RESERVE_MIB}MiB"}, "core": {"recovery_grace": "20s"}}).start()
        self.addCleanup(self.cluster.stop)
        self.client = self.cluster.client
        self.client.put("/api/v1/models/noop", noop_model())
        self.cluster.wait_model_known("noop")
        self.client.post(JOBS, {"model": "noop", "inputs": tensor()}, {"Prefer": "wait=30"})
        self.agent = self.cluster.agents["edge-1"].process

    # ---- the disk

    def fill(self, leave_mib=0):
        """With a file beside the store; what it leaves may be less, as the store writes meanwhile."""
        free = os.statvfs(self.data)
        with open(self.data / "filler", "ab", buffering=0) as filler:
            for _ in range(free.f_bavail * free.f_frsize // MIB - leave_mib + 1):
                try:
                    filler.write(bytes(MIB))
                except OSError:
                    return

    def free(self):
        (self.data / "filler").unlink()

    # ---- what is seen

    def space(self):
        text = self.client.get("/metrics").decode()
        return re.search(r'skerry_store_space\{state="(\w+)"\} 1\b', text)[1]

    def wait_space(self, state):
        wait_until(lambda: self.space() == state, 20, f"space to be {state}")

    def expect_read_only(self):
        job = {"model": "noop", "inputs": tensor()}
        accepted = self.client.get(f"{JOBS}?limit=1")["items"][0]["id"]
        for method, path, body in (
                ("POST", JOBS, job), ("POST", f"{JOBS}:batch", {"jobs": [job]}), ("POST", f"{JOBS}/{accepted}:cancel", None),
                ("POST", "/api/v1/nodes/edge-1:drain", None), ("PUT", "/api/v1/models/other", noop_model("other")),
                ("POST", JOBS, {"model": "noop", "inputs": tensor(*([1.5] * 100_000))}),  # goes to the blobs
                ("PUT", "/api/v1/blobs/sha256:" + "0" * 64, b"bytes")):
            answer = self.client.call(method, path, body)
            self.assertEqual((answer.status, answer.body["code"]), (503, "storage_full"), (method, path, answer))
            self.assertGreater(int(answer.headers["retry-after"]), 0)
        ready = self.client.call("GET", "/readyz")
        self.assertEqual(ready.status, 503)
        self.assertRegex(ready.body.decode(), r"\[-\] store: the controller's disk is (nearly )?full")
        self.assertEqual(self.client.call("GET", "/livez").status, 200)
        self.assertEqual(self.client.get(f"{JOBS}/{accepted}")["id"], accepted)

    def expect_open(self):
        wait_until(lambda: self.client.call("GET", "/readyz").status == 200, 60, "the controller to be ready again")
        done = self.client.post(JOBS, {"model": "noop", "inputs": tensor()}, {"Prefer": "wait=30"})
        self.assertEqual(done["state"], "SUCCEEDED", done)

    def expect_all_ended(self, ids, most_attempts):
        for job in ids:
            ended = self.cluster.wait_job(job)
            self.assertEqual(ended["state"], "SUCCEEDED", ended["id"])
            self.assertLessEqual(ended["attempts"], most_attempts, ended["id"])
            self.assertEqual(ended["result"]["outputs"]["x"]["shape"], [NUMBERS])

    def lease_on_a_full_disk(self):
        """Tasks that were accepted, and whose results are more than the disk still takes."""
        self.agent.kill()
        wait_until(lambda: not self.cluster.nodes()["edge-1"]["connected"], 10, "the node to be away")
        ids = [self.client.post(JOBS, {"model": "noop", "inputs": numbers()})["id"] for _ in range(TASKS)]
        self.fill()
        self.agent.start()
        self.wait_space("none")
        return ids

    # ---- the tests

    def test_little_space_refuses_what_is_new_and_lets_accepted_work_end(self):
        self.fill(leave_mib=RESERVE_MIB // 2)
        self.wait_space("low")
        self.expect_read_only()
        self.assertEqual(self.cluster.nodes()["edge-1"]["state"], "READY")
        self.free()
        self.expect_open()
        self.assertEqual(self.space(), "enough")

    def test_no_space_keeps_nodes_and_results_and_goes_on_when_there_is_some(self):
        ids = self.lease_on_a_full_disk()
        self.expect_read_only()
        wait_until(lambda: self.cluster.nodes()["edge-1"]["telemetry"]["spooled"], 10, "results to wait at the node")
        watched_until = time.monotonic() + 2 * SILENCE_S
        while time.monotonic() < watched_until:
            node = self.cluster.nodes()["edge-1"]
            self.assertEqual((node["state"], node["connected"]), ("READY", True), "its heartbeats are not answered")
            time.sleep(0.1)
        self.assertGreater(self.cluster.nodes()["edge-1"]["telemetry"]["spooled"], 0)
        self.assertTrue(self.cluster.controller.alive())
        self.free()
        self.expect_open()
        self.expect_all_ended(ids, most_attempts=1)
        wait_until(lambda: not self.cluster.nodes()["edge-1"]["telemetry"]["spooled"], 10, "the last result to be acknowledged")
        self.assertEqual(self.cluster.controller.starts, 1)
        self.assertIn("there is space again", self.cluster.controller.log_path.read_text())

    def test_killed_without_space_it_has_everything_when_it_is_started_with_some(self):
        ids = self.lease_on_a_full_disk()
        self.cluster.controller.kill()
        self.free()
        self.cluster.restart_controller()
        self.expect_open()
        self.expect_all_ended(ids, most_attempts=2)  # a lease may have been noted, and not sent

    def test_it_stops_on_a_signal_also_without_space(self):
        self.lease_on_a_full_disk()
        self.assertEqual(self.cluster.controller.stop(20), 0)


def main():
    if not os.environ.get(IN_NAMESPACE) and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0:
        os.environ[IN_NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", "-m", sys.executable, __file__, *sys.argv[1:]])
    support.main()


if __name__ == "__main__":
    main()
