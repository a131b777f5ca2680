"""What the end-to-end tests share: a cluster per test class, the held-out digits, and the way from a job to its end.

Each *_test.py runs as `SKERRY_BUILD=build/release python3 tests/e2e/jobs_test.py`; tests/e2e/run does that for all.
"""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.cluster import Cluster, Link, NodePlan, noop_model  # noqa: E402
from harness.digits import export_held_out  # noqa: E402
from harness.programs import DIGITS_MANIFEST, ROOT, Programs  # noqa: E402
from harness.rest import CONNECTION_ERRORS, Problem, media  # noqa: E402

PROGRAMS = Programs(os.environ.get("SKERRY_BUILD", ROOT / "build" / "release"))
JOBS = "/api/v1/jobs"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class ClusterTest(unittest.TestCase):
    """One cluster for all tests of the class; a class says its NODES, controller CONFIG and MODELS."""

    NODES = [NodePlan("edge-1")]
    CONFIG = None
    MODELS = ["noop"]
    cluster = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(PROGRAMS, nodes=cls.NODES, config=cls.CONFIG)
        try:
            cls.cluster.start()
            cls.client = cls.cluster.client
            for model in cls.MODELS:
                cls.apply(model)
        except BaseException:
            cls.cluster.show_logs()
            cls.cluster.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    @classmethod
    def apply(cls, model):
        if model == "digits":
            cls.cluster.apply_model(DIGITS_MANIFEST)
        else:
            cls.client.put(f"/api/v1/models/{model}", noop_model(model))
        cls.cluster.wait_model_known(model)

    def run(self, result=None):
        broken = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > broken:
            self.cluster.show_logs()

    def submit(self, wait_s=None, headers=None, **members):
        """The answer's body to one job; a no-op job unless members say otherwise."""
        body = {"model": "noop", "inputs": tensor(), **members}
        headers = {**({"Prefer": f"wait={wait_s}"} if wait_s else {}), **(headers or {})}
        return self.client.post(JOBS, body, headers)

    def job(self, job_id, wait_s=None):
        return self.client.get(f"{JOBS}/{job_id}" + (f"?wait={wait_s}" if wait_s else ""))

    def refused(self, status, code, method, path, body=None, headers=None):
        """Asserts that the call is refused like that, with a sentence; returns the Problem."""
        with self.assertRaises(Problem) as caught:
            self.client.ask(method, path, body, headers)
        problem = caught.exception
        self.assertEqual((problem.status, problem.code), (status, code), problem)
        self.assertIn("application/problem+json", problem.answer.headers.get("content-type", ""))
        self.assertEqual(problem.body["status"], status)
        self.assertGreater(len(problem.body["detail"]), 10, problem.body)
        return problem


def tensor(*numbers):
    return {"x": {"dtype": "f32", "shape": [len(numbers) or 1], "data": list(numbers) or [1.0]}}


class HeldOut:
    """The 1,000 labelled images that the model was not trained on, exported once per process."""

    _images = None

    @classmethod
    def images(cls):
        """[(png bytes, label)]"""
        if cls._images is None:
            with tempfile.TemporaryDirectory() as folder:
                cls._images = export_held_out(PROGRAMS, folder)
        return cls._images


def digit(number=0):
    """The inputs of a digits job: one of the held-out images."""
    return {"image": media(HeldOut.images()[number][0], "image/png")}


def top_label(job):
    return next(output["labels"][0]["label"] for output in job["result"]["outputs"].values() if "labels" in output)


def main():
    """Runs the tests of the calling module; says why what was skipped was skipped, and tells ctest if that was all."""
    program = unittest.main(exit=False, verbosity=2)
    for test, reason in program.result.skipped:
        print(f"skipped {test}: {reason}")
    if not program.result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if program.result.skipped and len(program.result.skipped) == program.result.testsRun else 0)
