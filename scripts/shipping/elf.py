"""Reads what the loader and a debugger see of a 64-bit little-endian ELF file: segments, sections, what it needs, its functions.

Layouts and numbers are those of the ELF and the System V x86-64 specifications, as in <elf.h>.
"""

import functools
import pathlib
import re
import struct
from typing import NamedTuple

ET_EXEC, ET_DYN = 2, 3
EM_X86_64, EM_AARCH64 = 62, 183
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
PF_X, PF_W = 1, 2
DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_TEXTREL, DT_BIND_NOW, DT_RUNPATH, DT_FLAGS, DT_FLAGS_1 = 1, 5, 14, 15, 22, 24, 29, 30, 0x6FFFFFFB
DF_TEXTREL, DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 4, 8, 1, 0x08000000
SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_NOBITS, SHT_DYNSYM = 2, 3, 4, 8, 11
SHF_ALLOC, SHF_EXECINSTR = 2, 4
STT_FUNC = 2
STB_LOCAL = 0
NT_GNU_BUILD_ID = 3


class Segment(NamedTuple):
    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int


class Section(NamedTuple):
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


class Function(NamedTuple):
    """One that is defined in the file."""
    name: str
    address: int
    size: int
    local: bool


class NotElf(ValueError):
    """The file is none, or of a kind that is not read here."""


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


class Elf:
    """One file, read once; what it has is worked out when asked for."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.bytes = self.path.read_bytes()
        if self.bytes[:6] != b"\x7fELF\x02\x01":
            raise NotElf(f"{path} is not a 64-bit little-endian ELF file")
        (self.type, self.machine, _, self.entry, self._segments_at, self._sections_at, _, _, self._segment_size, self._segment_count,
         self._section_size, self._section_count, self._names_section) = struct.unpack_from("<HHIQQQIHHHHHH", self.bytes, 16)

    # ---- what the loader reads

    @functools.cached_property
    def segments(self):
        found = []
        for index in range(self._segment_count):
            kind, flags, offset, address, _, file_size, memory_size, _ = struct.unpack_from(
                "<IIQQQQQQ", self.bytes, self._segments_at + index * self._segment_size)
            found.append(Segment(kind, flags, offset, address, file_size, memory_size))
        return found

    def segment(self, kind):
        return next((segment for segment in self.segments if segment.type == kind), None)

    @functools.cached_property
    def dynamic(self):
        """[(tag, value)] of the dynamic section; empty in a static program."""
        table = self.segment(PT_DYNAMIC)
        if table is None:
            return []
        entries = struct.iter_unpack("<qQ", self.bytes[table.offset:table.offset + table.file_size // 16 * 16])
        return [(tag, value) for tag, value in entries if tag]

    def dynamic_value(self, tag, default=0):
        return next((value for found, value in self.dynamic if found == tag), default)

    def _dynamic_strings(self, tag):
        start = self._offset_of(self.dynamic_value(DT_STRTAB))
        return [self._string(start + value) for found, value in self.dynamic if found == tag]

    @property
    def needed(self):
        """The names of the libraries that the loader must find for it."""
        return self._dynamic_strings(DT_NEEDED)

    @property
    def own_name(self):
        """The name by which others need it; empty if it is no library."""
        return next(iter(self._dynamic_strings(DT_SONAME)), "")

    @property
    def library_paths(self):
        """Where the loader looks for libraries first."""
        return self._dynamic_strings(DT_RPATH) + self._dynamic_strings(DT_RUNPATH)

    @functools.cached_property
    def build_id(self):
        """In hexadecimal; empty if it has none."""
        for note in (segment for segment in self.segments if segment.type == PT_NOTE):
            at, end = note.offset, note.offset + note.file_size
            while at + 12 <= end:
                name_size, size, kind = struct.unpack_from("<III", self.bytes, at)
                name_at, at = at + 12, at + 12 + (name_size + 3) // 4 * 4
                if kind == NT_GNU_BUILD_ID and self.bytes[name_at:name_at + 4] == b"GNU\0":
                    return self.bytes[at:at + size].hex()
                at += (size + 3) // 4 * 4
        return ""

    # ---- what only tools read

    @functools.cached_property
    def sections(self):
        raw = []
        for index in range(self._section_count):
            name, kind, flags, address, offset, size, link, _, _, _ = struct.unpack_from(
                "<IIQQQQIIQQ", self.bytes, self._sections_at + index * self._section_size)
            raw.append((name, kind, flags, address, offset, size, link))
        names = raw[self._names_section][4] if raw else 0
        return [Section(self._string(names + name), *rest) for name, *rest in raw]

    def content(self, section):
        return b"" if section.type == SHT_NOBITS else self.bytes[section.offset:section.offset + section.size]

    @functools.cached_property
    def functions(self):
        """Those that the symbol table names; empty in a stripped file."""
        found = []
        for table in (section for section in self.sections if section.type == SHT_SYMTAB):
            strings = self.sections[table.link].offset
            for name, info, _, section, address, size in struct.iter_unpack("<IBBHQQ", self.content(table)):
                if info & 15 == STT_FUNC and section and size:
                    found.append(Function(self._string(strings + name), address, size, info >> 4 == STB_LOCAL))
        return found

    def code(self, function):
        start = self._offset_of(function.address)
        return self.bytes[start:start + function.size]

    @functools.cached_property
    def imported(self):
        """The names of what the loader has to find elsewhere, by the address of the slot where it notes the place."""
        found = {}
        for table in (section for section in self.sections if section.type == SHT_RELA):
            symbols = self.sections[table.link]
            if symbols.type != SHT_DYNSYM:
                continue
            strings = self.sections[symbols.link].offset
            for slot, info, _ in struct.iter_unpack("<QQq", self.content(table)):
                if info >> 32:
                    name, = struct.unpack_from("<I", self.bytes, symbols.offset + (info >> 32) * 24)
                    found[slot] = self._string(strings + name)
        return found

    @functools.cached_property
    def stubs(self):
        """Where the x86-64 stubs of imported functions are: {address: name}. Each jumps to where its slot says."""
        found = {}
        for section in (section for section in self.sections if section.name.startswith(".plt")):
            code = self.content(section)
            for jump in re.finditer(rb"\xff\x25(....)", code, re.DOTALL):
                slot = section.address + jump.end() + int.from_bytes(jump.group(1), "little", signed=True)
                if slot in self.imported:
                    # The stub begins with the jump, or with a landing pad before it.
                    start = jump.start() - (4 if code[max(0, jump.start() - 4):jump.start()] == b"\xf3\x0f\x1e\xfa" else 0)
                    found[section.address + start] = self.imported[slot]
        return found

    def calls(self, function):
        """The names of the imported functions that an x86-64 function calls or jumps to through their stubs."""
        code = self.code(function)
        for call in re.finditer(rb"(?=[\xe8\xe9](....))", code, re.DOTALL):
            target = function.address + call.start() + 5 + int.from_bytes(call.group(1), "little", signed=True)
            if target in self.stubs:
                yield self.stubs[target]

    # ---- places

    def _offset_of(self, address):
        for segment in self.segments:
            if segment.type == PT_LOAD and segment.address <= address < segment.address + segment.file_size:
                return address - segment.address + segment.offset
        raise NotElf(f"{self.path}: no segment holds the address {address:#x}")

    def _string(self, at):
        return self.bytes[at:self.bytes.index(b"\0", at)].decode("utf-8", "replace")
