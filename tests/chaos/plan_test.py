#!/usr/bin/env python3
"""Plans of chaos: as many kills as asked, everything that stops goes on, the same seed gives the same plan. And the logs' reader."""

import pathlib
import random
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from chaos import witness  # noqa: E402
from chaos.join import Execution  # noqa: E402
from chaos.ledger import End  # noqa: E402
from chaos.plan import CLIENTS, KILLS, RESTORE, Victims, draw  # noqa: E402

VICTIMS = Victims(agents=["a", "b", "c"], with_runners=["a", "b"], links=["x", "y"])


def steps(kills=60, seed=1, victims=VICTIMS):
    return draw(random.Random(seed), kills, kills * 2.0, victims)


def of(plan, whom):
    return [step for step in plan if step.whom == whom]


class Plan(unittest.TestCase):
    def test_kills_are_exactly_as_many_as_asked_whatever_the_seed(self):
        for kills in (1, 2, 7, 10, 60, 333):
            for seed in range(20):
                self.assertEqual(sum(step.what in KILLS for step in steps(kills, seed)), kills, (kills, seed))

    def test_without_runners_the_others_are_killed_in_their_place(self):
        plan = steps(victims=Victims(["a"], [], []))
        self.assertEqual(sum(step.what in KILLS for step in plan), 60)
        self.assertEqual({step.whom for step in plan}, {CLIENTS, "controller", "a"})

    def test_the_seed_says_it_all(self):
        self.assertEqual(steps(seed=5), steps(seed=5))
        self.assertNotEqual(steps(seed=5), steps(seed=6))

    def test_everybody_is_a_victim_and_the_controller_is_killed_again_soon_after_a_start(self):
        plan = steps()
        self.assertEqual({step.whom for step in plan}, {CLIENTS, "controller", "a", "b", "c", "a runners", "b runners", "x", "y"})
        controller = of(plan, "controller")
        soon = [after for before, after in zip(controller, controller[1:])
                if before.what == "start" and after.what in KILLS and after.at_s - before.at_s <= 0.6]
        self.assertGreaterEqual(len(soon), 3)

    def test_who_is_down_is_started_and_who_is_stopped_goes_on_before_the_next_episode(self):
        undone_by = {**dict.fromkeys(KILLS, "start"), "stop": "go-on"}
        for seed in range(50):
            plan = steps(seed=seed)
            self.assertEqual(plan, sorted(plan))
            for whom in ("controller", "a", "b", "c"):
                track = of(plan, whom)
                for before, after in zip(track[::2], track[1::2], strict=True):
                    self.assertEqual(after.what, undone_by[before.what])

    def test_links_are_restored(self):
        for link in ("x", "y"):
            self.assertEqual(of(steps(), link)[-1].what, RESTORE)


class Logs(unittest.TestCase):
    def written(self, *lines):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "log"
        path.write_text("\n".join(lines) + "\n")
        return path

    def test_executions_are_read_over_a_line_that_a_kill_has_torn(self):
        whole = '{"time":"t","level":"debug","part":"agent","message":"attempt ended: %s","job":"%s","number":"2","attempt":"u"}'
        path = self.written(whole % ("succeeded", "j1"), '{"time":"t","level":"debug","message":"attempt en' + whole % ("crashed: by 9", "j2"),
                            '{"time":"t","level":"info","message":"attempt ended: perhaps"}', (whole % ("succeeded", "j3"))[:90])
        self.assertEqual(list(witness.executions(path, "a")),
                         [Execution("j1", 2, "u", "a", "succeeded"), Execution("j2", 2, "u", "a", "crashed")])

    def test_ends_are_read_and_other_states_are_not(self):
        line = '{"time":"t","level":"debug","message":"job %s","job":"j1","number":"3","node":"a"}'
        self.assertEqual(list(witness.logged_ends(self.written(line % "RUNNING", line % "SUCCEEDED", line % "EXPIRED"))),
                         [("j1", End("SUCCEEDED", 3, "a", by="the controller's log")), ("j1", End("EXPIRED", by="the controller's log"))])

    def test_a_report_of_a_sanitizer_is_found_once(self):
        path = self.written("WARNING: ThreadSanitizer: data race (pid=1)", "SUMMARY: ThreadSanitizer: data race x.cc:1 in f")
        self.assertEqual(witness.sanitizer_reports(path), ["SUMMARY: ThreadSanitizer: data race x.cc:1 in f"])


if __name__ == "__main__":
    unittest.main()
