#!/usr/bin/env python3
"""The ledger's join on histories made by hand: each broken promise is found and named, and an honest history is acquitted."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from chaos.join import Execution, Found, join  # noqa: E402
from chaos.ledger import Asked, End, Ledger  # noqa: E402


def listed(number, job_id="j1", state="SUCCEEDED", attempt=1, node="edge-1", ended_at="12:00", **more):
    """A job's JSON, as GET /jobs shows it."""
    job = {"id": job_id, "state": state, "labels": {"number": str(number)}, **more}
    if state not in ("READY", "LEASED", "RUNNING", "BACKOFF", "UNKNOWN"):
        job["ended_at"] = ended_at
    if state == "SUCCEEDED":
        job["result"] = {"attempt": attempt, "node": node}
    return job


def ran(job_id="j1", number=1, uid="u1", node="edge-1", outcome="succeeded"):
    return Execution(job_id, number, uid, node, outcome)


class Join(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()

    def ask(self, *numbers, ids=None, **more):
        """Asked for as one request, acknowledged if ids are given."""
        self.ledger.ask([Asked(number, request=numbers[0], **more) for number in numbers])
        if ids:
            self.ledger.acknowledge(numbers, ids, at_s=1)

    def assert_charges(self, found, *expected):
        """expected: (kind, a word of its text)"""
        charges = join(self.ledger, found)
        self.assertEqual([charge.kind for charge in charges], [kind for kind, _ in expected], charges)
        for charge, (_, word) in zip(charges, expected):
            self.assertIn(word, charge.text)

    def test_an_honest_history_has_no_charges(self):
        self.ask(0, ids=["j1"])
        self.ask(1, 2, ids=["j2", "j3"], deadline=True)
        self.ask(3, ids=["j4"])
        self.ledger.acknowledge([0], ["j1"], at_s=5)  # the key was used again
        self.ledger.cancel("j4", promised=True)
        self.ledger.saw(listed(0, state="RUNNING"), 1, 2, "a looker")
        self.ledger.saw(listed(0), 2, 3, "a looker")
        self.assert_charges(Found(
            jobs=[listed(0), listed(1, "j2"), listed(2, "j3", "EXPIRED"), listed(3, "j4", "CANCELLED")],
            executions=[ran(), ran("j1", 2, "u9", "edge-2"), ran("j2", 1, "u2")],  # j1 ran twice and was committed once
            logged_ends=[("j1", End("SUCCEEDED", attempt=1, node="edge-1"))]))

    # ---- lost

    def test_an_acknowledged_job_that_is_not_there_is_lost(self):
        self.ask(0, ids=["j1"])
        self.assert_charges(Found(jobs=[]), ("lost", "j1"))

    def test_a_job_that_was_gone_for_a_moment_was_lost(self):
        self.ask(0, ids=["j1"])
        self.ledger.missed("j1", "looker 1")
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()]), ("lost", "looker 1"))

    def test_a_submit_without_an_answer_may_be_there_or_not(self):
        self.ask(0)
        self.ask(1)
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()]))

    # ---- doubled

    def test_two_jobs_for_one_key_are_found_in_the_answers_and_in_the_list(self):
        self.ask(0, ids=["j1"])
        self.ledger.acknowledge([0], ["j2"], at_s=2)
        self.assert_charges(Found(jobs=[listed(0), listed(0, "j2")], executions=[ran(), ran("j2")]),
                            ("doubled", "acknowledged as j1 and as j2"), ("doubled", "2 times"))

    def test_a_second_result_is_found_whoever_saw_the_first(self):
        self.ask(0, ids=["j1"])
        self.ledger.saw(listed(0), 1, 2, "looker 1")
        self.assert_charges(Found(jobs=[listed(0, attempt=2, node="edge-2")], executions=[ran(), ran("j1", 2, "u2", "edge-2")]),
                            ("doubled", "looker 1 saw SUCCEEDED attempt 1"))

    def test_two_ends_that_clients_saw_are_found_though_the_last_look_agrees_with_the_first(self):
        self.ask(0, ids=["j1"], deadline=True)
        self.ledger.saw(listed(0), 1, 2, "looker 1")
        self.ledger.saw_end("j1", End("EXPIRED", by="watcher"), 3)
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()]), ("doubled", "watcher saw EXPIRED"))

    def test_another_time_of_the_end_or_other_outputs_are_another_result(self):
        self.ask(0, ids=["j1"])
        self.ledger.saw(listed(0), 1, 2, "looker 1")
        self.ledger.saw(listed(0, ended_at="12:01"), 2, 3, "looker 2")
        self.ledger.saw_end("j1", End("SUCCEEDED", outputs={"x": 1}, by="looker 1"), 3)
        self.ledger.saw_end("j1", End("SUCCEEDED", outputs={"x": 2}, by="looker 2"), 4)
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()]), ("doubled", "at 12:01"), ("doubled", "{'x': 2}"))

    def test_a_job_that_is_open_again_is_found_at_once_and_at_the_end(self):
        self.ask(0, ids=["j1"])
        self.ledger.saw(listed(0), 1, 2, "looker 1")
        self.ledger.saw(listed(0, state="READY"), 3, 4, "looker 2")
        self.assert_charges(Found(jobs=[listed(0, state="LEASED")]),
                            ("doubled", "later looker 2 saw it READY"), ("doubled", "the last look saw it LEASED"), ("open", "LEASED"))

    def test_an_old_answer_that_arrives_late_is_no_contradiction(self):
        self.ask(0, ids=["j1"])
        self.ledger.saw(listed(0), 1, 2, "looker 1")
        self.ledger.saw(listed(0, state="RUNNING"), 1.5, 9, "looker 2")  # asked before anybody knew
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()]))

    def test_two_ends_in_the_controllers_log_are_found_though_no_client_looked(self):
        self.ask(0, ids=["j1"])
        end = End("SUCCEEDED", attempt=1, node="edge-1")
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()], logged_ends=[("j1", end), ("j1", End("SUCCEEDED", attempt=1, node="edge-1"))]),
                            ("doubled", "two ends"))

    def test_a_log_that_tells_another_end_is_found(self):
        self.ask(0, ids=["j1"])
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()], logged_ends=[("j1", End("SUCCEEDED", attempt=2, node="edge-2"))]),
                            ("doubled", "attempt 2"))

    def test_one_attempt_number_for_two_attempts_is_found(self):
        self.ask(0, ids=["j1"])
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran(), ran(uid="u2", node="edge-2")]), ("doubled", "u1 and as u2"))

    # ---- unasked

    def test_a_job_that_nobody_asked_for_and_one_that_was_refused_are_found(self):
        self.ask(0)
        self.ledger.refuse([0])
        self.assert_charges(Found(jobs=[listed(7), listed(0, "j2")], executions=[ran(), ran("j2")]),
                            ("unasked", "nobody asked"), ("unasked", "refused"))

    def test_half_a_batch_is_found(self):
        self.ask(0, 1, 2)
        self.assert_charges(Found(jobs=[listed(1)], executions=[ran()]), ("unasked", "only 1 of 3"))

    # ---- unexplained

    def test_expired_needs_a_deadline_and_cancelled_a_cancel(self):
        self.ask(0, ids=["j1"])
        self.ask(1, ids=["j2"])
        self.assert_charges(Found(jobs=[listed(0, state="EXPIRED"), listed(1, "j2", "CANCELLED")]),
                            ("unexplained", "without a deadline"), ("unexplained", "nobody asked for that"))

    def test_an_acknowledged_cancel_holds_and_a_refused_one_changes_nothing(self):
        self.ask(0, ids=["j1"])
        self.ask(1, ids=["j2"])
        self.ask(2, ids=["j3"])
        self.ledger.cancel("j1", promised=True)
        self.ledger.cancel("j2", refused=True)
        self.ledger.cancel("j3")  # no answer
        self.assert_charges(Found(jobs=[listed(0), listed(1, "j2", "CANCELLED"), listed(2, "j3")], executions=[ran(), ran("j3")]),
                            ("unexplained", "acknowledged and it succeeded"), ("unexplained", "refused"))

    def test_a_failure_of_infrastructure_is_never_explained_and_a_quarantine_only_by_killed_runners(self):
        self.ask(0, ids=["j1"])
        self.ask(1, ids=["j2"], model="digits")
        failed = listed(0, state="FAILED", error={"code": "unavailable", "message": "gave up"})
        self.assert_charges(Found(jobs=[failed, listed(1, "j2", "QUARANTINED")], runner_kills=2), ("unexplained", "gave up"))
        self.assert_charges(Found(jobs=[listed(1, "j2", "QUARANTINED"), listed(0)], executions=[ran()], runner_kills=1),
                            ("unexplained", "QUARANTINED"))

    def test_a_result_that_nobody_has_computed_is_found(self):
        self.ask(0, ids=["j1"])
        for run in (ran(node="edge-2"), ran(number=2), ran(outcome="cancelled"), ran("j2")):
            with self.subTest(run):
                self.assert_charges(Found(jobs=[listed(0)], executions=[run]), ("unexplained", "nobody there has run"))

    def test_somebody_elses_outputs_are_found(self):
        self.ask(0, ids=["j1"])
        job = listed(0)
        job["result"]["outputs"] = {"x": [2]}
        self.ledger.saw(job, 1, 2, "looker 1")
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()], outputs={0: {"x": [1]}}), ("unexplained", "looker 1 saw outputs"))
        self.assert_charges(Found(jobs=[listed(0)], executions=[ran()], outputs={0: {"x": [2.0]}}))

    # ---- open

    def test_a_job_that_did_not_end_is_found(self):
        self.ask(0, ids=["j1"])
        self.assert_charges(Found(jobs=[listed(0, state="BACKOFF")]), ("open", "BACKOFF"))


if __name__ == "__main__":
    unittest.main()
