"""A Docker engine of the test's own: Debian's, started for as long as the test takes, with a base image that debootstrap made.

The Dockerfiles begin with debian:bookworm-slim, which nothing here can be fetched as; so it is made of Debian's packages, and has that
name in this engine alone.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time

from harness.programs import ROOT

BASE = "debian:bookworm-slim"
MIRROR = "http://deb.debian.org/debian"
SOURCES = f"""deb {MIRROR} bookworm main
deb {MIRROR} bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main
"""
# What Debian's own slim images leave out.
LEFT_OUT = ["usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*", "var/cache/apt/*", "var/lib/apt/lists/*"]
KEPT_BASE = ROOT / "build" / "deploy" / "base.tar"
KEPT_FOR_S = 7 * 86400


class Unavailable(Exception):
    """No engine can be had here; the text says why."""


def needed():
    if os.geteuid() != 0:
        raise Unavailable("a Docker engine is started by root alone")
    # Debian's client comes first: it builds with BuildKit without a plugin.
    missing = [program for program in ("dockerd", "docker", "docker-compose", "debootstrap") if not shutil.which(program, path=paths())]
    if missing:
        raise Unavailable(f"{', '.join(missing)}: scripts/install-deps --deploy installs them")


def paths():
    return "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")


class Engine:
    """Use it with `with`. Unavailable: there is none; nothing is left behind."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.env = {**os.environ, "PATH": paths(), "DOCKER_HOST": f"unix://{self.folder}/docker.sock", "DOCKER_BUILDKIT": "1"}
        self.daemon = None
        self.driver = None

    def __enter__(self):
        needed()
        self.folder.mkdir(parents=True, exist_ok=True)
        said = ""
        for driver in ("overlay2", "vfs"):  # vfs copies whole layers, and works everywhere
            if self._start(driver):
                self.driver = driver
                return self
            said = (self.folder / "dockerd.log").read_text(errors="replace").strip().splitlines()[-1:]
        raise Unavailable(f"dockerd does not start here: {' '.join(said)}")

    def __exit__(self, *_):
        running = self.docker("ps", "--quiet", "--all", check=False).stdout.split()
        if running:
            self.docker("rm", "--force", "--volumes", *running, check=False)
        networks = self.docker("network", "ls", "--quiet", "--filter", "type=custom", check=False).stdout.split()
        if networks:
            self.docker("network", "rm", *networks, check=False)  # their bridges, too
        self._stop()
        for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):  # what the daemon leaves, such as its namespace
            if line.split()[1].startswith(f"{self.folder}/"):
                self.run("umount", "--lazy", line.split()[1], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, driver):
        with open(self.folder / "dockerd.log", "ab") as log:
            self.daemon = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
                 "--pidfile", self.folder / "docker.pid", "--host", self.env["DOCKER_HOST"], f"--storage-driver={driver}", "--iptables=false",
                 "--ip6tables=false", "--bridge=none"], env=self.env, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 30
        while time.monotonic() < until and self.daemon.poll() is None:
            if self.docker("info", check=False).returncode == 0:
                return True
            time.sleep(0.2)
        self._stop()
        return False

    def _stop(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()

    def run(self, *words, check=True, timeout_s=900, **options):
        done = subprocess.run([str(word) for word in words], env={**self.env, **options.pop("env", {})}, capture_output=True, text=True,
                              timeout=timeout_s, check=False, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words[:6]))}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
        return done

    def docker(self, *words, **options):
        return self.run("docker", *words, **options)

    def inspect(self, thing):
        return json.loads(self.docker("inspect", thing).stdout)[0]

    def import_base(self):
        """The base image under the name that the Dockerfiles use."""
        archive = base_archive(self)
        self.docker("import", "--change", 'CMD ["bash"]', archive, BASE)


def base_archive(engine):
    if KEPT_BASE.exists() and time.time() - KEPT_BASE.stat().st_mtime < KEPT_FOR_S:
        return KEPT_BASE
    tree = engine.folder / "base"
    engine.run("debootstrap", "--variant=minbase", "bookworm", tree, MIRROR)
    (tree / "etc/apt/sources.list").write_text(SOURCES)
    KEPT_BASE.parent.mkdir(parents=True, exist_ok=True)
    partial = KEPT_BASE.with_suffix(".part")
    engine.run("tar", "--numeric-owner", "-C", tree, *[f"--exclude=./{path}" for path in LEFT_OUT], "-cf", partial, ".")
    partial.rename(KEPT_BASE)
    shutil.rmtree(tree)
    return KEPT_BASE
