"""Where two builds of one file differ: which sections of a program, which members of an archive, and what stands there."""

import itertools

from shipping import elf

SHOWN = 3  # differences, and texts, of each section
CHUNK = 16


def differences(first, second):
    """Lines that say how two files differ; empty if they are the same, bit by bit."""
    left, right = first.read_bytes(), second.read_bytes()
    if left == right:
        return []
    if left[:4] == right[:4] == b"\x7fELF":
        return sections(elf.Elf(first), elf.Elf(second)) or ["only what no section covers differs: headers, or padding"]
    if left[:8] == right[:8] == b"!<arch>\n":
        return members(left, right)
    return [f"{len(left)} and {len(right)} bytes, {where(left, right)}"]


def sections(first, second):
    left = {section.name: first.content(section) for section in first.sections}
    right = {section.name: second.content(section) for section in second.sections}
    found = [f"section {name or '(none)'}: only in the {'first' if name in left else 'second'}" for name in sorted(left.keys() ^ right.keys())]
    for name in left:
        if name in right and left[name] != right[name]:
            found.append(f"section {name}: {len(left[name])} and {len(right[name])} bytes, {where(left[name], right[name])}")
            found += [f"  {text}" for text in differing_texts(left[name], right[name])]
    return found


def members(left, right):
    """Of two archives: which members differ, by name, or in their headers (time, owner, mode)."""
    found = []
    for one, other in itertools.zip_longest(archive_members(left), archive_members(right)):
        if one is None or other is None or one[0] != other[0]:
            found.append(f"member {one[0] if one else 'none'}, and in the second {other[0] if other else 'none'}")
        elif one[1] != other[1]:
            found.append(f"member {one[0]}: times, owners or modes differ")
        elif one[2] != other[2]:
            found.append(f"member {one[0]}: {where(one[2], other[2])}")
    return found


def archive_members(archive):
    """(name, rest of the header, content) of each member, names of GNU's table resolved."""
    names, at = b"", 8
    while at + 60 <= len(archive):
        name, rest, size = archive[at:at + 16].rstrip(), archive[at + 16:at + 48], int(archive[at + 48:at + 58])
        content = archive[at + 60:at + 60 + size]
        if name == b"//":
            names = content
        elif name.startswith(b"/") and name[1:].isdigit():
            name = names[int(name[1:]):].split(b"/\n", 1)[0]
        yield name.rstrip(b"/").decode("utf-8", "replace") or "(symbols)", rest, content
        at += 60 + size + size % 2


def where(left, right):
    at = first_difference(left, right)
    return (f"first at {at:#x}: {left[at:at + CHUNK].hex(' ') or 'nothing'} and {right[at:at + CHUNK].hex(' ') or 'nothing'}")


def first_difference(left, right):
    """By halves, since a loop over megabytes takes seconds."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def differing_texts(left, right):
    """Printable texts that only one of them holds: a path or a time among them says why they differ."""
    one, other = set(texts(left)), set(texts(right))
    found = [f"only in the first: {text}" for text in sorted(one - other)[:SHOWN]]
    return found + [f"only in the second: {text}" for text in sorted(other - one)[:SHOWN]]


def texts(content):
    return [text.decode("ascii", "replace")[:160] for text in content.split(b"\0") if len(text) >= 4 and text.isascii() and b"\x1b" not in text]
