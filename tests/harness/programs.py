"""Where a build folder keeps the programs, and the models that belong to the repository."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]

PATHS = {
    "controller": "controller/skerry-controller",
    "agent": "agent/skerry-agent",
    "runner": "agent/runner/skerry-runner",
    "relay": "tests/relay/skerry-relay",
    "skerryctl": "cli/skerryctl",
    "train-digits": "models/digits/skerry-train-digits",
    "certificates": "tests/certificates/skerry-test-certificates",
    "load": "bench/load/skerry-bench-load",
    "decide": "bench/skerry-bench-decide",
    "bench-runner": "bench/skerry-bench-runner",
    "fidelity": "bench/fidelity/skerry-bench-fidelity",
    "silence": "bench/skerry-bench-silence",
    "swarm": "bench/swarm/skerry-bench-swarm",
    "hostile": "tests/sandbox/skerry-hostile",
    "hostile-models": "tests/sandbox/skerry-hostile-models",
    "sandbox-cost": "tests/sandbox/skerry-sandbox-cost",
}
DIGITS_MANIFEST = ROOT / "models" / "digits" / "model.yaml"


class Programs:
    """programs["agent"] is the path of skerry-agent in this build; FileNotFoundError says what to build."""

    def __init__(self, build=ROOT / "build" / "release"):
        self.build = pathlib.Path(build).resolve()

    def __getitem__(self, name):
        path = self.build / PATHS[name]
        if not path.exists():
            raise FileNotFoundError(f"{path} is not built: cmake --preset release && cmake --build --preset release")
        return path

    def has(self, *names):
        return all((self.build / PATHS[name]).exists() for name in names)
