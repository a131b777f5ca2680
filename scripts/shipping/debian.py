"""What Debian's package database knows of a file: the package that brought it, its version, source, maker and licence."""

import os
import pathlib
import re
import subprocess
from typing import NamedTuple

DOCUMENTS = pathlib.Path("/usr/share/doc")
AT_ONCE = 500  # paths of one call
FIELDS = ["Package", "Version", "Architecture", "source:Package", "source:Version", "Maintainer", "Homepage"]
# Short names of machine-readable copyright files, in lower case, that mean just one licence of SPDX's list
# (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/, https://spdx.org/licenses/). Others are left unasserted.
LICENCES = {
    "apache-2.0": "Apache-2.0", "bsd-2-clause": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause", "bsl-1.0": "BSL-1.0", "boost-1.0": "BSL-1.0",
    "cc0-1.0": "CC0-1.0", "expat": "MIT", "isc": "ISC", "zlib": "Zlib", "mpl-2.0": "MPL-2.0", "artistic-2.0": "Artistic-2.0",
    "gpl-2": "GPL-2.0-only", "gpl-2+": "GPL-2.0-or-later", "gpl-3": "GPL-3.0-only", "gpl-3+": "GPL-3.0-or-later",
    "lgpl-2": "LGPL-2.0-only", "lgpl-2+": "LGPL-2.0-or-later", "lgpl-2.1": "LGPL-2.1-only", "lgpl-2.1+": "LGPL-2.1-or-later",
    "lgpl-3": "LGPL-3.0-only", "lgpl-3+": "LGPL-3.0-or-later",
}


class Package(NamedTuple):
    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    maintainer: str  # "Name <address>"
    homepage: str    # may be empty
    licence: str     # of SPDX's list; "" if the copyright file does not say it plainly
    others: tuple    # short names that the copyright file gives to other files of the package


def owners(paths):
    """{path: package's name} of those that a package brought. Links are followed, and /lib counts as /usr/lib."""
    asked = {}
    for path in paths:
        real = os.path.realpath(path)
        asked.setdefault(real, []).append(path)
        if real.startswith("/usr/"):
            asked.setdefault(real.removeprefix("/usr"), []).append(path)  # as packages from before the merge name it
    found = {}
    names = sorted(asked)
    for start in range(0, len(names), AT_ONCE):
        # It ends with 1 if a single one has no owner, which the answer shows, too.
        done = subprocess.run(["dpkg-query", "--search", "--", *map(literal, names[start:start + AT_ONCE])],
                              capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"})
        for line in done.stdout.splitlines():
            packages, _, name = line.partition(": ")
            if name in asked and not line.startswith("diversion by "):
                for path in asked[name]:
                    found[path] = packages.split(", ")[0].split(":")[0]
    return found


def literal(name):
    """The path as a pattern that only it fits."""
    return re.sub(r"([\\*?\[])", r"\\\1", name)


def packages(names):
    """{name: Package} of installed packages."""
    names = sorted(set(names))
    if not names:
        return {}
    form = "\\t".join(f"${{{field}}}" for field in FIELDS) + "\\n"
    done = subprocess.run(["dpkg-query", "--show", f"--showformat={form}", *names], capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        name, *rest = line.split("\t")
        found.setdefault(name, Package(name, *rest, *licences(name)))
    return found


def licences(name):
    """(licence of SPDX's list or "", short names of the rest) of a package's copyright file, as it is installed."""
    try:
        text = (DOCUMENTS / name / "copyright").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ()
    return licences_of(text)


def licences_of(text):
    """Plain is what a machine-readable file gives in one stanza, "Files: *", as one short name that SPDX has, too."""
    if not text.lstrip().lower().startswith("format:"):
        return "", ()
    whole, others = [], set()
    for stanza in re.split(r"\n[ \t]*\n", text):
        files = re.search(r"^Files:[ \t]*(.*?)[ \t]*$", stanza, re.MULTILINE | re.IGNORECASE)
        licence = re.search(r"^License:[ \t]*(.*?)[ \t]*$", stanza, re.MULTILINE | re.IGNORECASE)
        if files and licence:
            if files.group(1) == "*":
                whole.append(licence.group(1))
            else:
                others.add(licence.group(1))
    plain = LICENCES.get(whole[0].lower(), "") if len(whole) == 1 else ""
    return plain, tuple(sorted(others - {""} - set(whole)))
