"""What a program of a build is made of: libraries that the loader maps, what the linker took out of archives, headers that were
compiled in. From the program, the linker's notes and ninja's, never from what CMake was asked for."""

import os
import pathlib
import re
import subprocess
from typing import NamedTuple

from shipping import build, elf

# Boost libraries that become part of a program by including their sources.
INCLUDED_SOURCES = re.compile(r"/boost/(\w+)/(?:impl/)?src\.hpp$")
BOOST_NAMES = {"json": "JSON"}
BOOST_VERSION = re.compile(r'^#define BOOST_LIB_VERSION "(\d+)_(\d+)(?:_(\d+))?"', re.MULTILINE)


class Unknown(Exception):
    """What a program is made of cannot be told."""


class Parts(NamedTuple):
    libraries: dict   # {real path of a file: [real paths of the libraries that it needs]}, the program's own path included
    archives: list    # of which the linker took something
    headers: list     # outside of the project
    boost: dict       # {name of a Boost library whose sources were included: version}


def of_program(program, entry, folder):
    """`program` as it is installed, or in the build; `entry`, what the build in `folder` says of it (build.Shipped)."""
    headers = compiled_headers(entry, folder)
    return Parts(libraries(program), extracted_archives(entry), headers, boost_sources(headers))


def libraries(program):
    """Who needs which library, as the loader of this machine finds them."""
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"})
    if done.returncode != 0:
        raise Unknown(f"{program}: ldd says {done.stderr.strip() or done.stdout.strip()}")
    places = {}
    for line in done.stdout.splitlines():
        found = re.match(r"\s*(\S+)(?: => (\S+|not found))?(?: \(0x[0-9a-f]+\))?$", line)
        name, place = found.group(1), found.group(2) or found.group(1)
        if place == "not found":
            raise Unknown(f"{program}: {name} is not installed")
        places[pathlib.PurePath(name).name] = os.path.realpath(place)
    needs, waiting = {}, [os.path.realpath(program)]
    while waiting:
        path = waiting.pop()
        if path not in needs:
            needs[path] = [place_of(name, places, path) for name in elf.Elf(path).needed]
            waiting += needs[path]
    return needs


def place_of(name, places, path):
    if name not in places:
        raise Unknown(f"{path} needs {name}, which ldd does not name")
    return places[name]


def extracted_archives(entry):
    if entry.extracted is None or not entry.extracted.exists():
        raise Unknown(f"{entry.target}: its linker did not note what it took out of archives; link it with lld-19 (scripts/install-deps)")
    found = set()
    for line in entry.extracted.read_text(encoding="utf-8").splitlines()[1:]:
        archive = re.match(r"(.+\.a)\(", line.split("\t")[1])
        if archive and archive.group(1).startswith("/"):  # those of the build are named relative to its folder
            found.add(os.path.realpath(archive.group(1)))
    return sorted(path for path in found if not within(path, build.ROOT))


def compiled_headers(entry, folder):
    """All headers of the sources of a target, and of the targets that it links, that are not of the project."""
    folder = pathlib.Path(folder).resolve()
    program = os.path.relpath(entry.program.resolve(), folder)
    objects = [name for name in ninja(folder, "inputs", program) if name.endswith(".o")]
    if not objects:
        raise Unknown(f"{entry.target}: ninja knows of no object that it is made of")
    named = {line.strip() for line in ninja(folder, "deps", *objects) if line.startswith("    ")}
    real = {os.path.realpath(folder / name) for name in named}
    return sorted(path for path in real if not within(path, build.ROOT) and not within(path, folder))


def ninja(folder, tool, *arguments):
    done = subprocess.run(["ninja", "-C", str(folder), "-t", tool, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unknown(f"ninja -t {tool} in {folder}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.splitlines()


def boost_sources(headers):
    names = sorted({f"Boost.{BOOST_NAMES.get(found.group(1), found.group(1).capitalize())}" for path in headers if (found := INCLUDED_SOURCES.search(path))})
    version = next((path for path in headers if path.endswith("/boost/version.hpp")), None)
    if names and version is None:
        raise Unknown(f"{names[0]} is compiled in, but no source includes boost/version.hpp")
    return {name: boost_version(version) for name in names}


def boost_version(path):
    major, minor, patch = BOOST_VERSION.search(pathlib.Path(path).read_text(encoding="utf-8")).groups()
    return f"{major}.{minor}.{patch or 0}"


def within(path, folder):
    return pathlib.PurePath(path).is_relative_to(folder)
