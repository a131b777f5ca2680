"""The Debian packages, on clean machines: docs/deploy-edge-box.md typed word by word on a controller's and on a box; then removed.

The machines are containers with a plain Debian, two names in one network. systemd does not run in them; a stand-in starts what the units
say. The units themselves are looked at by systemd-analyze.
"""

import re
import shutil

from deploy import pages
from deploy.engine import BASE, Engine, Unavailable
from deploy.images import make_packages
from harness.programs import ROOT

PAGE = ROOT / "docs" / "deploy-edge-box.md"
MACHINES = {"controller": "skerry.example.com", "box": "shop-17.example.com"}
MOST_EXPOSED = {"skerry-controller": 2.0, "skerry-agent": 4.0}  # as systemd-analyze counts, 0 to 10
INSTALLED = {
    "controller": ["/usr/bin/skerry-controller", "/usr/share/man/man8/skerry-controller.8.gz", "/usr/lib/systemd/system/skerry-controller.service",
                   "/usr/share/skerry/policies/fleet.json", "/usr/share/doc/skerry-controller/sbom.spdx.json", "/usr/bin/skerryctl",
                   "/usr/share/man/man1/skerryctl.1.gz", "/usr/share/bash-completion/completions/skerryctl",
                   "/usr/share/zsh/vendor-completions/_skerryctl", "/usr/share/fish/vendor_completions.d/skerryctl.fish"],
    "box": ["/usr/bin/skerry-agent", "/usr/lib/skerry/skerry-runner", "/usr/lib/skerry/skerry-runner-torch.so",
            "/usr/share/man/man8/skerry-agent.8.gz", "/usr/lib/systemd/system/skerry-agent.service"]}


def run(suite):
    make_packages(suite)
    units(suite)
    try:
        with Engine(suite.folder / "engine") as engine:
            engine.import_base()
            machines = Machines(engine, suite)
            install(suite, machines)
            follow_the_page(suite, machines)
            leftovers(suite, machines)
    except Unavailable as why:
        suite.skip("packages", str(why))


def units(suite):
    import subprocess  # pylint: disable=import-outside-toplevel
    if not shutil.which("systemd-analyze"):
        suite.skip("systemd units", "systemd-analyze is not here")
        return
    for name, most in MOST_EXPOSED.items():
        unit = ROOT / "packaging" / "systemd" / f"{name}.service"
        verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
        said = [line for line in (verified.stdout + verified.stderr).splitlines() if f"{name}.service" in line and "is not executable" not in line]
        suite.check(f"unit {name}: systemd-analyze verify", "nothing", "; ".join(said) or "nothing", not said)
        scored = subprocess.run(["systemd-analyze", "security", "--offline=yes", unit], capture_output=True, text=True, check=False)
        exposure = float(re.search(r"Overall exposure level.*?: ([0-9.]+)", scored.stdout).group(1))
        suite.check(f"unit {name}: exposure as systemd-analyze counts it, of 10", most, exposure, exposure <= most)


class Machines:
    """Plain Debian machines. While packages are installed they have this machine's network, then one of their own."""

    def __init__(self, engine, suite):
        self.engine = engine
        self.packages = suite.build / "packages"
        self.printed = {}
        self.exported = {name: "" for name in MACHINES}

    def script(self, name, script, check=True):
        """What a script prints that is run on a machine, by root, beside the packages."""
        whole = f"set -e\ncd /packages\n{self.exported[name]}{script}"
        done = self.engine.docker("exec", "--interactive", name, "bash", "-c", whole, check=False, timeout_s=600)
        if check and done.returncode != 0:
            raise RuntimeError(f"on {name}: {script.strip()[:200]}: exit {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
        self.exported[name] += "".join(f"{line}\n" for line in script.splitlines() if line.startswith("export "))
        return done.stdout

    def start(self, name, image, *network):
        self.engine.docker("run", "--detach", "--name", name, "--hostname", MACHINES[name], *network, "--volume", f"{self.packages}:/packages:ro",
                           "--volume", f"{ROOT}/tests/deploy/stand-in-systemctl:/usr/local/bin/systemctl:ro", image, "sleep", "infinity")


def installing(script):
    return any(line.startswith("apt-get install") for line in script.splitlines())


def install(suite, machines):
    """The page's apt-get commands. Machines get a network of their own afterwards, from which nothing leads out."""
    engine = machines.engine
    for name in MACHINES:
        machines.start(name, BASE, "--network", "host")
        lines = [line for block in pages.blocks(PAGE) if block.where == name for line in block.script.splitlines()
                 if line.startswith("apt-get install")]
        machines.script(name, "export DEBIAN_FRONTEND=noninteractive\napt-get update -qq\n" + "\n".join(lines))
        there = machines.script(name, "ls -d " + " ".join(INSTALLED[name]), check=False).split()
        suite.check(f"{name}: packages installed on a plain Debian, files in their places", len(INSTALLED[name]), len(there),
                    len(there) == len(INSTALLED[name]))
        engine.docker("commit", name, f"machine-{name}")
        engine.docker("rm", "--force", name)
    engine.docker("network", "create", "machines")
    for name, host in MACHINES.items():
        machines.start(name, f"machine-{name}", "--network", "machines", "--network-alias", host)


def follow_the_page(suite, machines):
    """Everything else that the page says, in its order."""
    machines.script("controller", "systemctl start skerry-controller")
    typed = 0
    for block in pages.blocks(PAGE):
        if not block.where or block.script.startswith("apt-get purge"):
            continue
        script = "\n".join(line for line in block.script.splitlines() if not line.startswith("apt-get install"))
        for name, printed in machines.printed.items():
            script = re.sub(r"'skyjoin_\.\.\..*?'", f"'{printed}'", script) if name == "line" else script
        if block.script.startswith("skerryctl drain"):
            real_inference(suite, machines)
        said = machines.script(block.where, script)
        if block.prints:
            machines.printed[block.prints] = said.strip()
        if "skerryctl check" in script:
            suite.check("the page's node is in the fleet, and answers", "the answer is what was sent", said.strip().splitlines()[-1][-40:],
                        "the answer is what was sent" in said)
        typed += len(script.splitlines())
    suite.check("docs/deploy-edge-box.md: lines typed, each with exit status 0", "all", typed, typed > 20)
    owners = machines.script("box", "find /var/lib/skerry/agent -not -user skerry-agent | wc -l").strip()
    suite.check("what join, run by root, wrote belongs to the daemon's user: files of others", "0", owners, owners == "0")


def real_inference(suite, machines):
    """A model by libtorch, on the box, asked for with skerryctl."""
    machines.engine.docker("cp", ROOT / "models" / "digits", "controller:/root/digits")
    machines.script("controller", "skerryctl model apply -f /root/digits/model.yaml")
    answer = machines.script("controller", "skerryctl infer digits --image /root/digits/seven.png --timeout 60s").strip()
    suite.check("a model by libtorch on the box, from packages alone: the digit of seven.png", "7", answer, answer == "7")


def leftovers(suite, machines):
    """purge leaves nothing but the user; remove keeps state and settings; and neither touches what another package is using."""
    machines.script("box", "apt-get install -y -qq ./skerry-agent-slim_*.deb >/dev/null 2>&1\napt-get install -y -qq ./skerry-agent_*.deb >/dev/null 2>&1\n"
                           "apt-get purge -y -qq skerry-agent-slim >/dev/null 2>&1")
    kept = machines.script("box", "ls /var/lib/skerry/agent/node.pem /usr/lib/skerry/skerry-runner", check=False).split()
    suite.check("box: the node's papers after slim came, went, and was purged", "2 files", f"{len(kept)} files", len(kept) == 2)
    machines.script("box", "systemctl stop skerry-agent\napt-get purge -y -qq skerry-agent >/dev/null 2>&1")
    left = machines.script("box", "find /var/lib/skerry /etc/skerry /usr/lib/skerry /usr/bin/skerry-agent 2>/dev/null | sort", check=False).split()
    suite.check("box: left after purge", "nothing", " ".join(left) or "nothing", not left)
    machines.script("controller", "systemctl stop skerry-controller\napt-get remove -y -qq skerry-controller >/dev/null 2>&1")
    kept = machines.script("controller", "ls -d /var/lib/skerry/controller/store /etc/skerry/controller.yaml; ls /usr/bin/skerry-controller 2>/dev/null || true").split()
    suite.check("controller: kept after remove", "state and settings", " ".join(kept), kept == ["/etc/skerry/controller.yaml", "/var/lib/skerry/controller/store"])
