#!/usr/bin/env python3
"""Every header compiles alone: it includes what it uses. Usage: headers.py BUILD [--all] [--jobs N] [--list]

BUILD has a compile_commands.json. A header that its own source includes first, without a precompiled header before it, was
compiled alone by the build; only the others are compiled here (--all: every one), with -fsyntax-only and the flags of a
source that includes it, or of its neighbour. --list only says which. A header that no source of BUILD uses is left out.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import tidy

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Stands in for a library in builds with another compiler (common/CMakeLists.txt).
LEFT_OUT = ["common/std_fmt/"]


class Source:
    """A source of the build: how it is compiled, and what it includes."""

    def __init__(self, entry):
        self.folder = entry["directory"]
        self.words = shlex.split(entry["command"])
        self.path = pathlib.Path(self.folder, entry["file"]).resolve()
        self.name = str(self.path.relative_to(ROOT))
        self.includes = INCLUDE.findall(self.path.read_text(encoding="utf-8"))
        self.precompiled = any("cmake_pch" in word for word in self.words)

    def command(self):
        """Checks standard input in place of the source."""
        words, skip = [], False
        for word in self.words:
            if skip or word in ("-c", str(self.path)) or word.endswith("/ccache"):
                skip = False
            elif word == "-o":
                skip = True
            elif "cmake_pch" in word or word in ("-include-pch", "-include", "-Xclang", "-Winvalid-pch"):
                continue
            else:
                words.append(word)
        return [*words, "-fsyntax-only", "-x", "c++", "-"]


def sources_of(build):
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    inside = [entry for entry in entries if not pathlib.Path(entry["file"]).is_relative_to(build.resolve())]
    return [Source(entry) for entry in inside if pathlib.Path(entry["file"]).is_relative_to(ROOT)]


def headers():
    return [name for name in tidy.repository_files(ROOT)
            if name.endswith(".h") and not name.startswith(tuple(LEFT_OUT)) and (ROOT / name).exists()]


def compiled_by_the_build(header, sources):
    return any(source.includes[:1] == [header] and not source.precompiled for source in sources)


def source_for(header, sources):
    """Of the sources that include it the one whose folder is nearest, else a neighbour; None if there is neither."""
    def nearness(source):
        return len(os.path.commonprefix([source.name, header]))
    including = [source for source in sources if header in source.includes]
    neighbours = [source for source in sources if pathlib.Path(source.name).parent == pathlib.Path(header).parent]
    return max(including or neighbours, key=nearness, default=None)


def compile_alone(header, source):
    done = subprocess.run(source.command(), cwd=source.folder, input=f'#include "{header}"\n', capture_output=True, text=True, check=False)
    return header, done.returncode == 0, done.stdout + done.stderr


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build", type=pathlib.Path)
    options.add_argument("--all", action="store_true")
    options.add_argument("--list", action="store_true")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    given = options.parse_args()
    sources = sources_of(given.build)
    found = [(header, source_for(header, sources)) for header in headers() if given.all or not compiled_by_the_build(header, sources)]
    work = [(header, source) for header, source in found if source]
    if given.list:
        print("\n".join(header for header, _ in work))
        return 0
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for header, good, output in pool.map(lambda pair: compile_alone(*pair), work):
            if not good:
                failed += 1
                print(f"{header} does not compile alone:\n{output}")
    print(f"headers: {len(work)} compiled alone, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
