#!/usr/bin/env python3
"""That what the build ships is hardened, and that a program which lacks any one property is told from one that has them all.

Usage: hardening_test.py        SKERRY_BUILD: the build folder (default: build/release). The compiler is the build's.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from shipping import build, elf, hardening  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SKERRY_BUILD", build.DEFAULT))
PROGRAMS = ["skerry-agent", "skerry-agent-site", "skerry-controller", "skerry-runner", "skerry_runner_torch", "skerryctl"]

# Something for each of the compiler's checks: an array on the stack, one larger than a page, a copy into one whose size is
# known, an index into a vector, and a pointer to a function.
SAMPLE = r"""
#include <cstdio>
#include <cstring>
#include <vector>
namespace skerry {
int copy(const char* from) { char to[64]; std::strcpy(to, from); return std::puts(to); }
int large(FILE* from) { char to[100000]; return static_cast<int>(std::fread(to, 1, sizeof to, from)) + to[4711]; }
int indexed(const std::vector<int>& values, std::size_t at) { return values[at]; }
int (*chosen)(const char*) = copy;
}
#if ADDRESS_IN_CODE
asm(".text\n.quad main\n");  // the loader has to write it there
#endif
int main(int count, char** values) {
  return skerry::chosen(values[0]) + skerry::large(stdin) + skerry::indexed(std::vector<int>(9), static_cast<std::size_t>(count));
}
"""
# What takes each property back, behind the flags of the build. The test of the table's completeness is below.
TAKEN_BACK = {
    "position-independent": ["-fno-pie", "-fno-pic", "-no-pie"],
    "relro": ["-Wl,-z,norelro"],
    "bind-now": ["-Wl,-z,lazy"],
    "stack-not-executable": ["-Wl,-z,execstack"],
    "separate-code": ["-Wl,-z,noseparate-code"],
    "fixed-code": ["-DADDRESS_IN_CODE=1", "-Wl,-z,notext"],
    "library-path": ["-Wl,-rpath,/tmp/lib"],
    "stack-protector": ["-fno-stack-protector"],
    "fortified": ["-U_FORTIFY_SOURCE"],
    "library-assertions": ["-U_GLIBCXX_ASSERTIONS"],
    "stack-clash": ["-fno-stack-clash-protection"],
    "control-flow": ["-fcf-protection=none"],
}
ONLY_ON_X86 = {"stack-clash", "control-flow", "fixed-code"}


def compile_command():
    """The compiler and the flags with which the build compiles and links skerryctl's own source, without files and folders."""
    entries = json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8"))
    told = next(entry["command"] for entry in entries if entry["file"] == str(ROOT / "cli/main.cc")).split()
    if pathlib.Path(told[0]).name == "ccache":
        told = told[1:]
    compiling = [word for word in told[1:] if re.match(r"-[fOUDmW]", word) and "SKERRY" not in word and not word.startswith("-Werror")]
    rules = (BUILD / "build.ninja").read_text(encoding="utf-8")
    linking = re.search(r"build cli/skerryctl: .*?LINK_FLAGS = (.*?)\n", rules, re.DOTALL).group(1)
    linking = re.sub(r"-Xlinker --why-extract=\S+", "", linking).split()
    return [told[0], *compiling, "-std=c++20"], linking


class Sample:
    """A small program made with the build's flags and some that take one back."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="skerry-hardening-")
        self.source = pathlib.Path(self.folder.name) / "sample.cc"
        self.source.write_text(SAMPLE, encoding="utf-8")
        self.compiling, self.linking = compile_command()
        self.machine = elf.Elf(build.shipped(BUILD)["skerryctl"].program).machine

    def make(self, name, more=()):
        program = self.source.with_name(name)
        compiler, *flags = self.compiling
        subprocess.run([compiler, *flags, *self.linking, *more, "-Wno-unused-command-line-argument", "-Wno-fuse-ld-path", str(self.source), "-o", str(program)],
                       check=True)
        return program


class Programs(unittest.TestCase):
    def test_all_that_ships_is_hardened(self):
        entries = build.built(BUILD)
        self.assertEqual(sorted(entries), sorted(PROGRAMS))
        for target, entry in entries.items():
            with self.subTest(target):
                self.assertEqual(hardening.weaknesses(entry.program), {})

    def test_no_source_is_compiled_without_the_flags(self):
        self.assertEqual(hardening.unprotected_sources(BUILD / "compile_commands.json"), {})

    def test_a_source_without_a_flag_or_that_takes_one_back_is_named(self):
        entries = json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8"))[:3]
        entries[0]["command"] = entries[0]["command"].replace("-D_GLIBCXX_ASSERTIONS", "")
        entries[1]["command"] += " -U_FORTIFY_SOURCE"
        entries[2]["command"] += " -fno-stack-protector"
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(entries, file)
            file.flush()
            found = hardening.unprotected_sources(pathlib.Path(file.name))
        self.assertEqual(list(found.values()), [["-D_GLIBCXX_ASSERTIONS"], ["-D_FORTIFY_SOURCE=3"], ["-fstack-protector-strong"]])


class WeakPrograms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sample = Sample()

    @classmethod
    def tearDownClass(cls):
        cls.sample.folder.cleanup()

    def test_the_sample_with_the_flags_of_the_build_lacks_nothing(self):
        self.assertEqual(hardening.weaknesses(self.sample.make("strong")), {})

    def test_every_property_has_a_program_without_it(self):
        self.assertEqual(set(TAKEN_BACK), {kind.name for kind in hardening.PROPERTIES})

    def test_the_page_for_users_has_every_property(self):
        page = (ROOT / "docs/build-security.md").read_text(encoding="utf-8")
        for kind in hardening.PROPERTIES:
            self.assertRegex(page, rf"\n\|[^|]*\b{kind.name}\b[^|]*\|", kind.name)

    def test_a_program_without_one_property_is_told_which(self):
        for name, flags in TAKEN_BACK.items():
            with self.subTest(name):
                if name in ONLY_ON_X86 and self.sample.machine != elf.EM_X86_64:
                    self.skipTest("only looked for on x86-64")
                found = hardening.weaknesses(self.sample.make(name, flags))
                self.assertEqual(list(found), [name])
                self.assertGreater(len(found[name]), 30, "says what it sees, and the flag")

    def test_the_command_names_the_program_and_what_it_lacks(self):
        strong, weak = self.sample.make("strong"), self.sample.make("weak", TAKEN_BACK["relro"])
        command = [sys.executable, str(ROOT / "scripts/check-hardening")]
        done = subprocess.run([*command, str(strong), str(weak)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("weak: lacks relro: ", done.stdout)
        self.assertNotIn("strong: lacks", done.stdout)
        self.assertEqual(subprocess.run([*command, str(strong)], capture_output=True, check=False).returncode, 0)

    def test_a_stripped_program_is_not_taken_for_a_hardened_one(self):
        program = self.sample.make("stripped", ["-s"])
        self.assertEqual(list(hardening.weaknesses(program)), ["functions"])


if __name__ == "__main__":
    unittest.main()
