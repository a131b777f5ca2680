#!/usr/bin/env python3
"""The promise: on corruption the store is right or closed, never silently shorter.

A controller is killed with acknowledged work in its tables and in its log. Then copies of its directory are damaged, one
fault each: bytes cut off, bits flipped, files gone. A controller that starts on a copy must hold all that the ledger, kept
here, says; one that does not must end by itself, name a file, and say what to do.
"""

import pathlib
import random
import re
import shutil
import tempfile
import unittest

import support
from harness.cluster import Cluster, NodePlan, noop_model
from harness.processes import NotReady, Process
from harness.rest import Client, Problem
from support import JOBS, PROGRAMS, tensor

SEED = 23
START_S = 30        # neither starting nor refusing may take longer
COULD_NOT_START = 1
ADVICE = re.compile(r"restore|backup|move|start again", re.IGNORECASE)


class Ledger:
    """What was acknowledged: of each job its label, its state, and its output if it ended with one."""

    def __init__(self):
        self.jobs = {}

    def submit(self, client, count, **members):
        numbers = range(len(self.jobs), len(self.jobs) + count)
        body = {"jobs": [{"model": "noop", "inputs": tensor(float(n)), "labels": {"number": str(n)}, **members} for n in numbers]}
        ids = client.post(f"{JOBS}:batch", body)["ids"]
        self.jobs.update({job: (str(number), "READY") for job, number in zip(ids, numbers)})
        return ids

    def ended(self, job, state):
        self.jobs[job] = (self.jobs[job][0], state)

    def missing_in(self, client):
        """What a controller does not hold of it, or holds otherwise; empty if it is right."""
        known, cursor = {}, None
        while True:
            page = client.get(f"{JOBS}?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
            known.update({job["id"]: (job["labels"]["number"], job["state"]) for job in page["items"]})
            cursor = page.get("next_cursor")
            if not cursor:
                return {job: (said, known.get(job)) for job, said in self.jobs.items() if known.get(job) != said}

    def wrong_results(self, client):
        """Results that differ from what was acknowledged. One that is refused as corrupt is closed, not wrong."""
        wrong = []
        for job, (number, state) in self.jobs.items():
            if state != "SUCCEEDED":
                continue
            try:
                outputs = client.get(f"{JOBS}/{job}")["result"]["outputs"]
                if outputs["x"]["data"] != [float(number)]:
                    wrong.append((job, outputs))
            except Problem as problem:
                if problem.code != "corrupt":
                    wrong.append((job, str(problem)))
        return wrong


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << (offset % 8)
    path.write_bytes(data)


def cut(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


def append(path, data):
    with open(path, "ab") as file:
        file.write(data)


class Damage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="skerry-damage-"))
        cls.ledger = Ledger()
        with Cluster(PROGRAMS, nodes=[NodePlan("edge-1")], folder=cls.folder / "whole") as cluster:
            cls.acknowledge(cluster)
        cls.store = cls.folder / "whole" / "data" / "store"
        cls.copies = 0

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def acknowledge(cls, cluster):
        """Work in tables (a restart writes what the log holds to one) and work in the log alone; then the kill."""
        client, ledger = cluster.client, cls.ledger
        client.put("/api/v1/models/noop", noop_model())
        for job in ledger.submit(client, 300):
            ledger.ended(job, client.get(f"{JOBS}/{job}?wait=30")["state"])
        cluster.controller.kill()
        cluster.restart_controller()
        cluster.wait_nodes_ready()
        client.post("/api/v1/nodes/edge-1:cordon")
        for _ in range(20):
            waiting = ledger.submit(client, 40)
        for job in waiting[::2]:
            client.post(f"{JOBS}/{job}:cancel")
            ledger.ended(job, "CANCELLED")
        cluster.controller.kill()

    # ---- one restart on a damaged copy

    def file(self, pattern):
        """The largest such file of the whole store."""
        return max(self.store.glob(pattern), key=lambda path: path.stat().st_size)

    def start_on_copy(self, what, damage):
        """True if it started, and is right; False if it refused, well. Fails otherwise."""
        type(self).copies += 1
        folder = self.folder / f"copy-{self.copies}"
        shutil.copytree(self.folder / "whole" / "data", folder / "data", ignore=shutil.ignore_patterns("health.sock"))  # of one killed
        damage(folder / "data" / "store")
        process = Process("controller", [
            PROGRAMS["controller"], "--data-dir", folder / "data", "--api-listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0",
            "--ready-file", folder / "ready"], folder / "log", ready_file=folder / "ready").start()
        try:
            ready = process.wait_ready(START_S)
        except NotReady as failure:
            self.assertFalse(process.alive(), f"{what}: neither started nor refused within {START_S} s\n{failure}")
            self.check_refusal(what, process)
            return False
        else:
            client = Client(ready["api"], token_file=folder / "data" / "admin.token")
            self.assertEqual(self.ledger.missing_in(client), {}, f"{what}: started, and is not right\n{process.tail()}")
            self.assertEqual(self.ledger.wrong_results(client), [], what)
            client.close()
            return True
        finally:
            process.kill()
            shutil.rmtree(folder)

    def check_refusal(self, what, process):
        text = process.log_path.read_text()
        sentence = text.rstrip().rpartition("\n")[2]
        self.assertEqual(process.popen.returncode, COULD_NOT_START, f"{what}: {text}")
        self.assertIn(str(process.log_path.parent / "data" / "store"), sentence, f"{what}: names no file")
        self.assertRegex(sentence, ADVICE, f"{what}: does not say what to do")

    def starts(self, what, damage):
        self.assertTrue(self.start_on_copy(what, damage), f"{what}: refused, and nothing acknowledged was damaged")

    def refuses(self, what, damage):
        self.assertFalse(self.start_on_copy(what, damage), f"{what}: started")

    # ---- the faults

    def test_an_undamaged_copy_is_right(self):
        self.starts("nothing", lambda store: None)

    def test_a_torn_end_that_nobody_was_told_of_is_cut_off(self):
        log = self.file("*.log").name
        header = b"\x01\x02\x03\x04\xff\x0f\x01"  # of a record of 4 KiB that did not come
        for what, tail in (("half a header", header[:4]), ("a header", header), ("half a record", header + bytes(range(200)))):
            self.starts(f"{what} behind the log", lambda store, tail=tail: append(store / log, tail))

    def test_a_log_that_is_cut_anywhere_is_refused(self):
        log = self.file("*.log")
        size = log.stat().st_size
        for kept in [size - 1, size - 100, size - 5000, size * 3 // 4, size // 2, size // 10, 7, 0]:
            self.refuses(f"{kept} of {size} bytes of the log", lambda store, kept=kept: cut(store / log.name, kept))
        self.refuses("no log", lambda store: (store / log.name).unlink())

    def test_a_flipped_bit_anywhere_in_the_log_is_refused(self):
        log = self.file("*.log")
        size = log.stat().st_size
        places = [0, 4, 6, 7, size - 1] + random.Random(SEED).sample(range(size), 12)
        for offset in places:
            self.refuses(f"bit at {offset} of {size} of the log", lambda store, offset=offset: flip(store / log.name, offset))

    def test_one_slot_of_the_witness_is_enough_and_without_both_it_is_refused_until_moved_away(self):
        size = self.file("witness").stat().st_size
        for offset in [0, 8, 40, size // 2, size // 2 + 8, size - 1]:
            self.starts(f"bit at {offset} of {size} of the witness", lambda store, offset=offset: flip(store / "witness", offset))
        self.starts("half of the witness", lambda store: cut(store / "witness", size // 2))
        for kept in [0, 1]:
            self.refuses(f"{kept} of {size} bytes of the witness", lambda store, kept=kept: cut(store / "witness", kept))
        self.starts("no witness", lambda store: (store / "witness").unlink())

    def test_a_damaged_table_is_noticed_when_it_is_read(self):
        table = self.file("*.sst")
        size = table.stat().st_size
        for offset in [0, size // 3, size - 1, size - 60] + random.Random(SEED).sample(range(size), 8):
            self.start_on_copy(f"bit at {offset} of {size} of a table", lambda store, offset=offset: flip(store / table.name, offset))
        for kept in [0, size // 2, size - 1]:
            self.refuses(f"{kept} of {size} bytes of a table", lambda store, kept=kept: cut(store / table.name, kept))
        self.refuses("no table", lambda store: (store / table.name).unlink())

    def test_damage_to_what_lists_the_tables_is_refused(self):
        manifest = self.file("MANIFEST-*")
        size = manifest.stat().st_size
        for offset in [0, size // 2, size - 1]:
            self.refuses(f"bit at {offset} of {size} of the manifest", lambda store, offset=offset: flip(store / manifest.name, offset))
        self.refuses("no manifest", lambda store: (store / manifest.name).unlink())
        self.refuses("CURRENT is empty", lambda store: cut(store / "CURRENT", 0))
        self.refuses("no CURRENT", lambda store: (store / "CURRENT").unlink())


if __name__ == "__main__":
    support.main()
