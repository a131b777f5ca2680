"""What a build folder says of the programs that it ships (cmake/Shipped.cmake)."""

import json
import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "build" / "release"


class Shipped(NamedTuple):
    target: str
    program: pathlib.Path
    extracted: pathlib.Path | None  # what the linker took out of archives; None if this linker does not tell


class NotBuilt(Exception):
    """The folder is no build of ours, or lacks what was asked for."""


def shipped(folder):
    """All that the build ships, by target, whether it is built yet or not."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("shipped/*.json")):
        entry = json.loads(path.read_text(encoding="utf-8"))
        extracted = pathlib.Path(entry["extracted"]) if entry["extracted"] else None
        found[entry["target"]] = Shipped(entry["target"], pathlib.Path(entry["program"]), extracted)
    if not found:
        raise NotBuilt(f"{folder} is no build folder that ships anything: cmake --preset release")
    return found


def built(folder):
    """Those of shipped() that are there; NotBuilt names the ones that are not."""
    everything = shipped(folder)
    lacking = [target for target, entry in everything.items() if not entry.program.exists()]
    if lacking:
        raise NotBuilt(f"not built yet: cmake --build {folder} --target {' '.join(lacking)}")
    return everything


def version(folder):
    """(version, commit) that the programs of the build name."""
    path = pathlib.Path(folder) / "generated/common/version.h"
    if not path.exists():
        raise NotBuilt(f"{folder} builds the runner alone, which knows no commit: configure it with another component as well")
    text = path.read_text(encoding="utf-8")
    return tuple(re.search(rf'{name} = "([^"]*)"', text).group(1) for name in ("kVersion", "kCommit"))
