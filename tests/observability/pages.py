"""What the pages for operators tell them to type, commands of skerryctl and PromQL, and where their links lead."""

import re
import shlex
import subprocess

from prometheus import ROOT


def pages():
    return [ROOT / "docs" / "observability.md", *sorted((ROOT / "docs" / "runbooks").glob("*.md"))]


def lines(kind):
    """[(page's name, line)] of the fenced blocks of a kind (sh, promql), continued lines joined."""
    for page in pages():
        for block in re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            yield from ((page.name, line) for line in block.replace("\\\n", " ").splitlines() if line.strip())


def dead_links():
    """Links to files and headings that are not there, as "page: target"."""
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, heading = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if path.startswith("http"):
                continue
            if not file.is_file() or (heading and heading not in headings(file)):
                yield f"{page.name}: {target}"


def headings(file):
    """The anchors of a page's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


def wrong_with(skerryctl, line):
    """What skerryctl's own help does not know of a command line: a command or a flag; nothing if all is well."""
    words = shlex.split(line)[1:]
    command, text = [], help_of(skerryctl, [])
    general = text
    while words and not words[0].startswith("-") and re.search(rf"^  (?:[\w, -]+, )?{re.escape(words[0])}(?:,|\s)", text, re.M):
        command.append(words.pop(0))
        text = help_of(skerryctl, command)
    if not command or "Subcommands:" in text:
        return f"no such command: {line}"
    flags = [word for word in words if re.match(r"--?[a-z]", word)]
    unknown = [flag for flag in flags if not re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", text + general)]
    return f"no such option {unknown[0]}: {line}" if unknown else ""


def help_of(skerryctl, command):
    return subprocess.run([skerryctl, *command, "--help"], capture_output=True, text=True, check=True).stdout
