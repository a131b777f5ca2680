#!/usr/bin/env python3
"""That scripts/check-reproducible notices two builds that differ, and says where: by what makes builds differ, in small."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from shipping import build, elf  # noqa: E402
from shipping.compare import differences  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SKERRY_BUILD", build.DEFAULT))
COMPILER = "clang++-19"
PLAIN = "int main(int count, char**) { return count; }"
PATH = """
template <class T> const char* name(T) { return __PRETTY_FUNCTION__; }
const char* path = __FILE__;
int main() { return path[0] + name([] {})[0]; }
"""
TIME = "const char* time = __TIME__; int main() { return time[0]; }"


class Folders(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="skerry-reproducible-")
        self.folders = [pathlib.Path(self.folder.name) / name for name in ("one", "another")]
        for folder in self.folders:
            folder.mkdir()
        self.addCleanup(self.folder.cleanup)

    def write(self, source):
        for folder in self.folders:
            (folder / "main.cc").write_text(source, encoding="utf-8")

    def make(self, *more):
        """The program of each folder; more(folder) are its further flags."""
        programs = []
        for folder in self.folders:
            flags = [flag.format(folder=folder) for flag in more]
            subprocess.run([COMPILER, "-g", *flags, str(folder / "main.cc"), "-o", str(folder / "main")], check=True, cwd=folder)
            programs.append(folder / "main")
        return programs

    def test_the_same_source_without_paths_is_the_same(self):
        self.write(PLAIN)
        self.assertEqual(differences(*self.make("-g0")), [])

    def test_a_folder_in_the_program_is_found_with_its_section_and_text(self):
        self.write(PATH)
        found = "\n".join(differences(*self.make()))
        self.assertIn("section .rodata", found)
        self.assertIn(f"only in the first: {self.folders[0]}/main.cc", found)
        self.assertIn(f"only in the second: {self.folders[1]}/main.cc", found)

    def test_the_flags_of_the_build_take_folders_out_of_programs_and_debug_information(self):
        self.write(PATH)
        flags = (ROOT / "cmake/Reproducible.cmake").read_text(encoding="utf-8")
        for flag in ("-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.", "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/="):
            self.assertIn(flag, flags)
        self.assertEqual(differences(*self.make("-ffile-prefix-map={folder}=.", "-ffile-prefix-map={folder}/=")), [])

    def test_the_time_of_compilation_is_found_and_the_build_refuses_it(self):
        programs = []
        for folder, value in zip(self.folders, ("00:00:01", "00:00:02")):
            self.write(TIME.replace("__TIME__", f'"{value}"'))
            programs.append(self.make("-g0")[self.folders.index(folder)].read_bytes())
        for folder, content in zip(self.folders, programs):
            (folder / "main").write_bytes(content)
        self.assertIn("only in the first: 00:00:01", "\n".join(differences(*(folder / "main" for folder in self.folders))))
        self.write(TIME)
        refused = subprocess.run([COMPILER, "-Werror=date-time", "-c", "main.cc"], cwd=self.folders[0], capture_output=True, text=True, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("-Werror,-Wdate-time", refused.stderr)
        self.assertIn("-Werror=date-time", (BUILD / "compile_commands.json").read_text(encoding="utf-8"))

    def test_archives_are_compared_by_member_and_header(self):
        for folder, text in zip(self.folders, ("first", "other")):
            (folder / "a.txt").write_text(text, encoding="utf-8")
            (folder / "b.txt").write_text("same", encoding="utf-8")
            os.utime(folder / "b.txt", (1_000_000, 1_000_000 + len(text) + self.folders.index(folder)))
        archives = [folder / "files.a" for folder in self.folders]
        for mode, expected in (("qcSD", ["a.txt: first at"]), ("qcSU", ["times, owners or modes", "b.txt: times, owners or modes"])):
            for archive in archives:
                archive.unlink(missing_ok=True)
                subprocess.run(["llvm-ar-19", mode, archive.name, "a.txt", "b.txt"], cwd=archive.parent, check=True)
            found = "\n".join(differences(*archives))
            for text in expected:
                self.assertIn(text, found)
            self.assertEqual("b.txt" in found, mode == "qcSU")

    def test_a_section_that_only_one_has_is_found(self):
        self.write(PLAIN)
        first, second = self.make("-g0")
        second.write_bytes(self.make("-g")[1].read_bytes())
        subprocess.run([COMPILER, "-g0", str(self.folders[0] / "main.cc"), "-o", str(first)], check=True)
        self.assertIn("section .debug_info: only in the second", differences(first, second))


class ShippedPrograms(unittest.TestCase):
    def test_no_program_names_the_folder_that_it_was_built_in(self):
        for target, entry in build.built(BUILD).items():
            with self.subTest(target):
                content = entry.program.read_bytes()
                for place in [*ROOT.glob("*/"), *BUILD.resolve().glob("*/")]:
                    self.assertNotIn(f"{place}/".encode(), content)
                self.assertTrue(elf.Elf(entry.program).build_id, "a build id tells which build a stripped program is of")


if __name__ == "__main__":
    unittest.main()
