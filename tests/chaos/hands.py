"""Carries out a plan (plan.py) on a cluster, step by step, from the main thread, and heals everything afterwards."""

import os
import signal
import time

from harness.processes import wait_until

from chaos.plan import CLIENTS, CONTROLLER, HURRY_S, KILLS, RESTORE

RUNNERS = " runners"
AGAIN_S = 0.25      # a step that finds no runner waits for one
PATIENCE_S = 60


class Hands:
    """killed counts SIGKILLs by kind of victim; ended_alone says who ended although nobody had killed it."""

    def __init__(self, cluster, work, history):
        self.cluster, self.links, self.work, self.history = cluster, cluster.links(), work, history
        self.killed = {"controller": 0, "agent": 0, "runner": 0}
        self.stopped = self.link_faults = 0
        self.ended_alone = []
        self.down = set()            # names of those that are to be down just now
        self.paused_runners = {}     # agent -> ids of its runners that are stopped
        self.waiting_kills = []      # agents of whose runners one is to be killed as soon as there is one

    def carry_out(self, steps, every_second):
        """Returns when the last step was done. every_second is called about as often."""
        began_s = time.monotonic()
        told_s = 0.0
        for step in steps:
            while (left_s := began_s + step.at_s - time.monotonic()) > 0:
                time.sleep(min(left_s, AGAIN_S))
                self.look_after()
                if time.monotonic() - began_s >= told_s:
                    told_s += 1
                    every_second()
            self.do(step)

    def do(self, step):
        if step.whom == CLIENTS:
            self.work.hurry(HURRY_S)
        elif step.whom in self.links:
            self.to_link(step.whom, step.what)
        elif step.whom.endswith(RUNNERS):
            self.to_runners(step.whom.removesuffix(RUNNERS), step.what)
        else:
            self.to_process(step.whom, step.what)

    def to_link(self, whom, what):
        self.history.add(f"{whom}: {what}")
        if what == RESTORE:
            self.links[whom].restore()
        else:
            self.link_faults += 1
            self.links[whom].ask(what)

    def to_process(self, whom, what):
        process = self.process(whom)
        if what == "start":
            self.down.discard(whom)
            process.start()
        else:
            self.notice(whom, process)
            if what in KILLS:
                self.down.add(whom)
                if what == "kill-machine":
                    for link in self.cluster.links_of(whom):
                        link.ask("reset")
                process.kill_alone() if what == "kill-alone" else process.kill()
                self.killed["controller" if whom == CONTROLLER else "agent"] += 1
            elif what == "stop":
                process.pause()
                self.stopped += 1
            else:
                process.go_on()
        self.history.add(f"{whom}: {what} (pid {process.pid})")

    def to_runners(self, agent, what):
        if what == "kill":
            if not self.kill_runner(agent):
                self.waiting_kills.append(agent)
        elif what == "stop":
            self.paused_runners[agent] = self.runners(agent)
            for pid in self.paused_runners[agent]:
                signal_it(pid, signal.SIGSTOP)
            self.stopped += bool(self.paused_runners[agent])
            self.history.add(f"{agent}: its runners {self.paused_runners[agent]} stop")
        else:
            self.let_runners_go_on(agent)

    def let_runners_go_on(self, agent):
        running = self.runners(agent)
        for pid in self.paused_runners.pop(agent, []):
            if pid in running:  # else its number may be somebody else's by now
                signal_it(pid, signal.SIGCONT)
        self.history.add(f"{agent}: its runners go on")

    def kill_runner(self, agent):
        pids = self.runners(agent)
        if pids and signal_it(max(pids), signal.SIGKILL):
            self.killed["runner"] += 1
            self.history.add(f"{agent}: its runner {max(pids)} is killed")
            return True
        return False

    def runners(self, agent):
        process = self.process(agent)
        return process.children() if process.alive() else []

    def process(self, whom):
        return self.cluster.controller if whom == CONTROLLER else self.cluster.agents[whom].process

    def look_after(self):
        self.waiting_kills = [agent for agent in self.waiting_kills if not self.kill_runner(agent)]
        for whom in (CONTROLLER, *self.cluster.agents):
            self.notice(whom, self.process(whom))

    def notice(self, whom, process):
        """Somebody that ended without us broke a promise, too; it is started again, so that the run goes on."""
        if whom in self.down or process.alive():
            return
        text = f"{whom} ended by itself with {process.popen.returncode}"
        self.ended_alone.append(text)
        self.history.add(text)
        process.start()

    def spend_waiting_kills(self):
        """Before healing: runners that the plan wanted dead, and that were not there at the time."""
        deadline_s = time.monotonic() + PATIENCE_S
        while self.waiting_kills and time.monotonic() < deadline_s:
            time.sleep(AGAIN_S)
            self.look_after()

    def heal(self):
        """Everybody runs, every link is as good as new. Returns when the nodes are READY."""
        for agent in list(self.paused_runners):
            self.let_runners_go_on(agent)
        for whom in (CONTROLLER, *self.cluster.agents):
            process = self.process(whom)
            if whom in self.down:
                self.down.discard(whom)
                process.start()
            process.go_on()
        for link in self.links.values():
            link.restore()
        self.history.add("healed")

    def wait_well(self):
        self.cluster.client.close()
        wait_until(self.controller_answers, PATIENCE_S, "the controller to answer", every_s=0.05)
        self.cluster.wait_nodes_ready(timeout_s=PATIENCE_S)

    def controller_answers(self):
        self.notice(CONTROLLER, self.cluster.controller)
        try:
            return self.cluster.client.call("GET", "/readyz").status == 200
        except OSError:
            return False


def signal_it(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False
