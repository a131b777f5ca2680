"""What a hardened program shows in its file: each property with the flag that gives it, and what is missing.

Flags that the linker obeys are read from the headers that the loader reads. Of flags that the compiler obeys, only what is in our
own functions counts: those whose names speak of the namespace skerry, or of Boost's headers, which nobody else compiles. A library
that was linked statically has flags of its own. Stripped files do not tell which is which. cmake/Hardening.cmake sets the flags.
"""

import functools
import json
import re
import shlex
from typing import Callable, NamedTuple

from shipping import elf

PAGE_BYTES = 4096
OURS = re.compile(r"6skerry|5boost|^main$")
# The instruction that an indirect jump must land on: endbr64; bti c, or paciasp, which is one, too.
LANDING_PADS = {
    elf.EM_X86_64: [b"\xf3\x0f\x1e\xfa"],
    elf.EM_AARCH64: [b"\x5f\x24\x03\xd5", b"\x3f\x23\x03\xd5"],
}


class Property(NamedTuple):
    name: str
    flag: str
    missing: Callable  # of an Elf: what is wrong, as the rest of a sentence; None if it has the property


def position_independent(program):
    if program.type != elf.ET_DYN:
        return "it is linked to a fixed address"
    if program.segment(elf.PT_INTERP) and not program.dynamic_value(elf.DT_FLAGS_1) & elf.DF_1_PIE:
        return "it has an interpreter, but is not marked as a position-independent program"
    return None


def relro(program):
    return None if program.segment(elf.PT_GNU_RELRO) else "no segment is made read-only after relocation"


def bind_now(program):
    now = (program.dynamic_value(elf.DT_FLAGS) & elf.DF_BIND_NOW or program.dynamic_value(elf.DT_FLAGS_1) & elf.DF_1_NOW
           or program.dynamic_value(elf.DT_BIND_NOW, default=None) is not None)
    return None if now else "functions are bound when first called, so the table of their addresses stays writable"


def stack_not_executable(program):
    stack = program.segment(elf.PT_GNU_STACK)
    if stack is None:
        return "it does not say how its stack is to be mapped"
    return "its stack is executable" if stack.flags & elf.PF_X else None


def separate_code(program):
    loaded = [segment for segment in program.segments if segment.type == elf.PT_LOAD]
    for code in (segment for segment in loaded if segment.flags & elf.PF_X):
        if code.flags & elf.PF_W:
            return f"the code at {code.address:#x} is writable"
        for other in loaded:
            if other is not code and pages_of(code) & pages_of(other):
                return f"the page of the file at {max(code.offset, other.offset):#x} is mapped both as code and as something else"
    return None


def pages_of(segment):
    """The pages of the file that the loader maps for it; as a set, since ranges do not intersect."""
    return set(range(segment.offset // PAGE_BYTES, -(-(segment.offset + segment.file_size) // PAGE_BYTES)))


def fixed_code(program):
    textrel = program.dynamic_value(elf.DT_TEXTREL, default=None) is not None or program.dynamic_value(elf.DT_FLAGS) & elf.DF_TEXTREL
    return "the loader has to write into its code" if textrel else None


def library_path(program):
    outside = [path for path in program.library_paths if path.split("/")[0] != "$ORIGIN"]
    return f"it looks for libraries in {', '.join(outside)} first" if outside else None


def checked(program, what, pattern):
    """None if a function of ours calls what the pattern names; on machines whose calls are not read here, if any does."""
    if program.machine == elf.EM_X86_64:
        found = any(pattern.search(name) for function in ours(program) for name in program.calls(function))
    else:
        found = any(pattern.search(name) for name in program.imported.values())
    return None if found else f"no function of ours calls {what}"


def stack_protector(program):
    return checked(program, "__stack_chk_fail", re.compile(r"^__stack_chk_fail$"))


def fortified(program):
    return checked(program, "a checked function of the C library (__*_chk)", re.compile(r"^__\w+_chk$"))


def library_assertions(program):
    return checked(program, "std::__glibcxx_assert_fail", re.compile(r"^_ZSt21__glibcxx_assert_fail"))


def stack_clash(program):
    """With probes, no single subtraction takes the stack pointer over a whole page, in which a guard page may lie."""
    if program.machine != elf.EM_X86_64:
        return None
    for function in ours(program):
        for jump in re.finditer(rb"\x48\x81\xec(....)", program.code(function), re.DOTALL):  # sub $n, %rsp
            size = int.from_bytes(jump.group(1), "little", signed=True)
            if size > PAGE_BYTES and size % 8 == 0:
                return f"{shown(function)} takes {size} bytes of stack without touching each page"
    return None


def control_flow(program):
    pads = LANDING_PADS.get(program.machine)
    for function in ours(program) if pads else []:
        if not function.local and program.code(function)[:4] not in pads:
            return f"{shown(function)} does not begin with a landing pad for indirect calls"
    return None


def shown(function):
    """Its name as the linker has it (c++filt tells more), cut where a template's arguments run on."""
    return function.name if len(function.name) <= 120 else function.name[:117] + "..."


@functools.lru_cache(maxsize=1)
def ours(program):
    return [function for function in program.functions if OURS.search(function.name)]


PROPERTIES = [
    Property("position-independent", "-pie", position_independent),
    Property("relro", "-Wl,-z,relro", relro),
    Property("bind-now", "-Wl,-z,now", bind_now),
    Property("stack-not-executable", "-Wl,-z,noexecstack", stack_not_executable),
    Property("separate-code", "-Wl,-z,separate-code", separate_code),
    Property("fixed-code", "-fPIE", fixed_code),
    Property("library-path", "no -Wl,-rpath but $ORIGIN", library_path),
    Property("stack-protector", "-fstack-protector-strong", stack_protector),
    Property("fortified", "-D_FORTIFY_SOURCE=3", fortified),
    Property("library-assertions", "-D_GLIBCXX_ASSERTIONS", library_assertions),
    Property("stack-clash", "-fstack-clash-protection", stack_clash),
    Property("control-flow", "-fcf-protection=full", control_flow),
]
# What every compilation must be told; the others are the linker's, or the machine's.
COMPILER_FLAGS = ["-fstack-protector-strong", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS", "-fstack-clash-protection"]
MACHINE_FLAGS = ["-fcf-protection=full", "-mbranch-protection=standard"]


def weaknesses(path):
    """{property: what is missing} of a program or module."""
    program = elf.Elf(path)
    if not ours(program):
        return {"functions": "it names no function of ours: stripped, or not ours. Check it before it is stripped"}
    return {kind.name: f"{why} ({kind.flag})" for kind in PROPERTIES if (why := kind.missing(program))}


def unprotected_sources(compile_commands):
    """{source: [flags that it was compiled without]} of a compile_commands.json; a source that undoes one counts as without."""
    found = {}
    for entry in json.loads(compile_commands.read_text(encoding="utf-8")):
        told = entry.get("arguments") or shlex.split(entry["command"])
        lacking = [flag for flag in COMPILER_FLAGS if flag not in told or undone(told, flag)]
        if not any(flag in told for flag in MACHINE_FLAGS):
            lacking.append(" or ".join(MACHINE_FLAGS))
        if lacking:
            found[entry["file"]] = lacking
    return found


def undone(told, flag):
    """True if an argument behind the flag takes it back."""
    name = re.split("=", flag.removeprefix("-D"))[0] if flag.startswith("-D") else flag.removeprefix("-f").split("-strong")[0]
    back = {f"-U{name}", f"-fno-{name}"}
    return bool(back & set(told[len(told) - told[::-1].index(flag):]))
