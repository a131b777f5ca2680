#!/usr/bin/env python3
"""Checks the house rules of rules.py over the whole repository; prints `file:line: rule: reason` and exits 1 on findings.

Usage: tidy.py [ROOT]       ROOT is the repository (default: the one that this file is in)
"""

import fnmatch
import os
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

import rules

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TEXT_SUFFIXES = {".h", ".cc", ".py", ".proto", ".md", ".txt", ".cmake", ".json", ".yaml", ".yml", ".sh", ".html", ".in", ""}


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    reason: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.reason}"


class Source(NamedTuple):
    """One file: its path relative to the root with forward slashes, and its text."""
    path: str
    text: str

    @property
    def suffix(self):
        return pathlib.PurePosixPath(self.path).suffix

    @property
    def lines(self):
        return self.text.splitlines()


def within(path, places):
    """True if the path lies in one of the places: "folder/" = anywhere below it, "folder/*" = directly in it, else a file."""
    for place in places:
        if place.endswith("/"):
            if path.startswith(place):
                return True
        elif fnmatch.fnmatchcase(path, place) and path.count("/") == place.count("/"):
            return True
    return False


def applies(rule, path):
    if "only" in rule and not within(path, rule["only"]):
        return False
    if "in" in rule and not within(path, rule["in"]):
        return False
    return not within(path, rule.get("except", []))


def code_of(text):
    """The text with the contents of comments, strings and characters blanked, line breaks kept. Raw strings included."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
        re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def check_includes(source):
    if source.suffix not in rules.CPP:
        return
    folder = max((f for f in rules.INCLUDE_DIRECTIONS if source.path.startswith(f)), key=len, default=None)
    for number, line in enumerate(source.lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(2)
        if folder and target.split("/")[0] in rules.PROJECT_FOLDERS:
            if not within(target, rules.INCLUDE_DIRECTIONS[folder]):
                yield Finding(source.path, number, "include direction", f"{folder} must not include {target}")
        for rule in rules.FORBIDDEN_LIBRARIES:
            if applies(rule, source.path) and re.search(rule["include"], target):
                yield Finding(source.path, number, "forbidden library", f"{target}: {rule['why']}")


def check_banned(source):
    if source.suffix not in rules.CPP:
        return
    lines = code_of(source.text).splitlines()
    for rule in rules.BANNED:
        if not applies(rule, source.path):
            continue
        for number, line in enumerate(lines, 1):
            if re.search(rule["code"], line):
                yield Finding(source.path, number, rule["name"], rule["why"])


def check_words(source):
    for number, line in enumerate(source.lines, 1):
        for rule in rules.FORBIDDEN_WORDS:
            if re.search(rule["text"], line):
                yield Finding(source.path, number, rule["name"], rule["why"])


def check_purpose(source):
    lines = source.lines
    first = lines[0] if lines else ""
    script = first.startswith("#!")
    if source.suffix in (".h", ".proto"):
        opening, wanted = (first[2:] if first.startswith("//") else ""), "a // comment"
    elif source.suffix == ".py" or (script and "python" in first):
        body = source.text.split("\n", 1)[-1] if script else source.text
        match = re.match(r'\s*(?:"""|\'\'\')([^\n]*)', body)
        opening, wanted = (match.group(1) if match else ""), "a docstring"
    elif script:
        second = lines[1] if len(lines) > 1 else ""
        opening, wanted = (second[1:] if second.startswith("#") else ""), "a # comment"
    else:
        return
    if len(opening.strip()) < rules.PURPOSE["min_characters"]:
        yield Finding(source.path, 1, "purpose", f"open with {wanted} that says what this file is for")


def check_sizes(sources, allowed):
    """allowed: path -> lines, from sizes.txt."""
    seen = set()
    for source in sources:
        if source.suffix not in rules.SIZED:
            continue
        count, limit = len(source.lines), allowed.get(source.path)
        seen.add(source.path)
        if limit is None and count > rules.MAX_LINES:
            yield Finding(source.path, count, "length", f"{count} lines, over {rules.MAX_LINES}: what is the second idea in it?")
        elif limit is not None and count > limit:
            yield Finding(source.path, count, "length", f"grew from {limit} to {count} lines; it may only shrink")
        elif limit is not None and count < limit:
            yield Finding(source.path, count, "length", f"shrank from {limit} to {count} lines: say so in tests/tidy/sizes.txt"
                          + (" (strike the line)" if count <= rules.MAX_LINES else ""))
    for path in sorted(allowed.keys() - seen):
        yield Finding(path, 1, "length", "stands in tests/tidy/sizes.txt but does not exist")


def read_sizes(text):
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {path: int(count) for count, path in pairs}


def check_all(sources, sizes):
    findings = [finding for source in sources
                for check in (check_includes, check_banned, check_words, check_purpose)
                for finding in check(source)]
    return sorted(findings + list(check_sizes(sources, sizes)))


def repository_files(root):
    """Tracked and new files, without what git ignores; in a tree without git, everything but build/."""
    listing = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             capture_output=True, check=False)
    if listing.returncode == 0:
        return sorted(filter(None, listing.stdout.decode().split("\0")))
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", "build", "__pycache__", ".cache")]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def read_sources(root):
    for path in repository_files(root):
        full = pathlib.Path(root, path)
        if full.suffix not in TEXT_SUFFIXES or not full.is_file():
            continue
        try:
            yield Source(path, full.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue  # not a text


def main(arguments):
    root = arguments[0] if arguments else str(pathlib.Path(__file__).resolve().parents[2])
    sources = list(read_sources(root))
    findings = check_all(sources, read_sizes(pathlib.Path(root, "tests/tidy/sizes.txt").read_text(encoding="utf-8")))
    for finding in findings:
        print(finding)
    print(f"tidy: {len(sources)} files, {len(findings)} findings")
    return 1 if findings or not sources else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
