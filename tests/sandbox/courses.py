"""What is done with a world: each attack is carried out and judged, by what came of it and by what must hold after it."""

import dataclasses
import io
import time
import zipfile

from harness.processes import NotReady, wait_until
from sandbox.attacks import ANSWERS, DIES, HOSTILE, LASTS, SCRIPTS, conditions_that_stop
from sandbox.world import SECRET, media, stray_processes

ENDED = ("FAILED", "QUARANTINED", "CANCELLED", "EXPIRED")
PATIENCE_S = 60
SETTLE_S = 0.3  # that what lasts is really under way
ORDER = {"inputs": [{"name": "order", "kind": "image", "image": {"width": 8, "height": 8, "channels": 1}}]}
NUMBERS = {"inputs": [{"name": "x", "kind": "tensor", "dtype": "f32", "shape": [-1]}]}
BRACKETS = 200_000


@dataclasses.dataclass
class Verdict:
    attack: object
    state: str           # "contained", "not contained", "skipped", "not tried"
    told: str            # what came of it
    took_s: float = 0    # until it had ended
    stopped_by: tuple = ()


class Course:
    """The attacks of one world. `models`: what the world's runner is sent an attack as."""

    def __init__(self, world):
        self.world = world

    def prepare(self):
        raise NotImplementedError

    def submit(self, attack):
        raise NotImplementedError

    def told(self, job):
        """What a job that succeeded says of its attack."""
        raise NotImplementedError

    def honest_answers(self):
        raise NotImplementedError

    def carry_out(self, attack, bare=False):
        """bare: there is no sandbox, and it is only asked whether the attempt is a real one."""
        stopped_by = conditions_that_stop(attack, self.world.held())
        if not stopped_by and not bare:
            forbidden = conditions_that_stop(attack, self.world.held() | self.world.missing())
            return Verdict(attack, "skipped" if forbidden else "not tried", "only stopped by " + ", ".join(forbidden or attack.by))
        try:
            contained, told, took_s = {ANSWERS: self.that_answers, DIES: self.that_dies, LASTS: self.that_lasts}[attack.ends](attack)
        except NotReady as failure:
            contained, told, took_s = False, str(failure), PATIENCE_S
        wrong = [] if bare else self.world.look_after(self.honest_answers)
        if wrong:
            contained, told = False, "; ".join([told, *wrong])
            self.world.clean_up()
        return Verdict(attack, "contained" if contained else "not contained", told, took_s, tuple(stopped_by))

    def that_answers(self, attack):
        job, first_s = self.world.end_of(self.submit(attack))
        if job["state"] != "SUCCEEDED":
            return bool(job.get("error", {}).get("message")), self.error_of(job), first_s
        told = self.told(job)
        contained = not told.startswith("SUCCEEDED") or any(told.startswith(word) for word in attack.allows)
        if attack.afterwards:
            contained = self.end_and_look(attack) and contained
        return contained, told, first_s

    def end_and_look(self, attack):
        """Ends the process that the attack ran in; whether it left nothing behind."""
        self.world.end_of(self.submit(dataclasses.replace(attack, order=attack.afterwards)))
        try:
            wait_until(lambda: not stray_processes(), 5, "what it left behind to end")
        except NotReady:
            return False
        return True

    def that_dies(self, attack):
        job, first_s = self.world.end_of(self.submit(attack))
        error = self.error_of(job)
        return job["state"] in ENDED and attack.says in error and len(error) > 10, error, first_s

    def that_lasts(self, attack):
        before = self.world.runners()
        number = self.submit(attack)
        self.world.wait_running(number)
        time.sleep(SETTLE_S)
        mine = self.world.runners() - before or self.world.runners() - {self.world.honest}
        answers = self.honest_answers()
        begun = time.monotonic()
        self.world.cancel(number)
        job, _ = self.world.end_of(number)
        wait_until(lambda: not mine & self.world.runners(), PATIENCE_S, "its process to end", every_s=0.005)
        took_s = time.monotonic() - begun
        return answers and job["state"] == "CANCELLED", f"cancelled, and gone in {took_s:.2f} s", took_s

    @staticmethod
    def error_of(job):
        return job.get("error", {}).get("message", "")


class HostilePrograms(Course):
    """skerry-hostile in the place of the runner: code that took over its process."""

    attacks = HOSTILE

    def prepare(self):
        self.world.add_model("hostile", b"hostile", ORDER)
        self.world.add_model("honest", b"honest", ORDER)
        assert self.honest_answers(), "the honest model does not answer"
        [self.world.honest] = self.world.runners()

    def submit(self, attack):
        return self.world.submit("hostile", media(self.world.order(attack)))

    def told(self, job):
        outputs = (job.get("result") or {}).get("outputs") or {}
        return outputs["told"]["labels"][0]["label"] if "told" in outputs else f"it answered {str(outputs)[:60]}"

    def honest_answers(self):
        job, _ = self.world.end_of(self.world.submit("honest", media("hello")))
        return job["state"] == "SUCCEEDED" and self.told(job).startswith("hello")

    def agent_killed(self):
        """SIGKILL for the agent while a runner sleeps: (its runners are gone, seconds)."""
        number = self.world.submit("hostile", media("sleep"))
        self.world.wait_running(number)
        mine = self.world.runners()
        begun = time.monotonic()
        self.world.agent.process.kill_alone()
        wait_until(lambda: not any(alive(pid) for pid in mine), PATIENCE_S, "runners to follow their agent", every_s=0.005)
        took_s = time.monotonic() - begun
        self.world.cancel(number)
        return len(mine) >= 2, took_s


class HostileScripts(Course):
    """TorchScript archives for the real runner."""

    attacks = SCRIPTS

    def __init__(self, world, folder):
        super().__init__(world)
        self.folder = folder

    def prepare(self):
        import subprocess
        self.folder.mkdir()
        subprocess.run([self.world.programs["hostile-models"], self.folder, self.world.target / "planted", self.world.secret],
                       check=True)
        for attack in self.attacks:
            self.world.add_model(attack.order, self.archive(attack.order), NUMBERS)
        self.world.add_model("honest", self.archive("deep"), NUMBERS)
        assert self.honest_answers(), "the honest model does not answer"
        [self.world.honest] = self.world.runners()

    def archive(self, name):
        if name == "no-archive":
            return b"this is no archive"
        if name != "deep-nested":
            return (self.folder / f"{name}.pt").read_bytes()
        nested = io.BytesIO()
        with zipfile.ZipFile(self.folder / "deep.pt") as whole, zipfile.ZipFile(nested, "w") as out:
            for entry in whole.infolist():
                text = whole.read(entry)
                if entry.filename.endswith(".py"):
                    assert b"return x" in text, text
                    text = text.replace(b"return x", b"return " + b"(" * BRACKETS + b"x" + b")" * BRACKETS)
                out.writestr(entry.filename, text)
        return nested.getvalue()

    def submit(self, attack):
        return self.world.submit(attack.order, {"x": {"dtype": "f32", "shape": [1], "data": [1.0]}})

    def told(self, job):
        [output] = job["result"]["outputs"].values()
        if output.get("data") == [float(byte) for byte in SECRET.encode()[:8]]:
            return "SUCCEEDED: it read the key"
        return "done" if job["model"] in ("save", "save-scratch") else "SUCCEEDED: it came through"

    def honest_answers(self):
        job, _ = self.world.end_of(self.world.submit("honest", {"x": {"dtype": "f32", "shape": [1], "data": [2.0]}}))
        return job["state"] == "SUCCEEDED"


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
