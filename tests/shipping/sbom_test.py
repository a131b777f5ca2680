#!/usr/bin/env python3
"""That the SBOM of what the build ships is whole: by what the loader really maps, and by what SPDX 2.3 demands of a document.

Usage: sbom_test.py        SKERRY_BUILD: the build folder (default: build/release)
"""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from shipping import build, debian, elf, parts, spdx  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SKERRY_BUILD", build.DEFAULT))
SBOM = ROOT / "scripts/sbom"
RELATIONSHIPS = {"DESCRIBES", "DYNAMIC_LINK", "STATIC_LINK", "CONTAINS", "OTHER", "RUNTIME_DEPENDENCY_OF"}
DIGESTS = {"SHA1": 40, "SHA256": 64}
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: somebody
License: {whole}

Files: src/part.c
Copyright: somebody else
License: Zlib

License: Expat
 Permission is granted.
"""


def written(*arguments, **environment):
    """What scripts/sbom prints."""
    done = subprocess.run([sys.executable, str(SBOM), "--build", str(BUILD), *map(str, arguments)], capture_output=True, text=True, check=False,
                          env=os.environ | environment)
    if done.returncode != 0:
        raise AssertionError(f"sbom ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def really_mapped(entry):
    """The libraries that a process maps which runs the program as far as --version, or has loaded the module."""
    if entry.program.suffix == ".so":
        code = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print(open('/proc/self/maps').read())"
        before = subprocess.run([sys.executable, "-c", code.replace("ctypes.CDLL(sys.argv[1]);", "")], capture_output=True, text=True, check=True)
        after = subprocess.run([sys.executable, "-c", code, str(entry.program)], capture_output=True, text=True, check=True)
        mapped = files_of(after.stdout) - files_of(before.stdout)
    else:
        # The loader tells of each file that it maps; the program's own words go to stdout.
        done = subprocess.run([str(entry.program), "--version"], capture_output=True, text=True, check=False, timeout=60,
                              env=os.environ | {"LD_DEBUG": "files"})
        mapped = {os.path.realpath(path) for path in re.findall(r"calling init: (/\S+)", done.stderr)}
    return {path for path in mapped if path != str(entry.program.resolve()) and elf.is_elf(path)}


def files_of(maps):
    return {os.path.realpath(path) for path in re.findall(r" (/\S+)$", maps, re.MULTILINE)}


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.entries = build.built(BUILD)
        cls.text = written()
        cls.document = json.loads(cls.text)

    def stored(self, document):
        """The document as a file."""
        file = tempfile.NamedTemporaryFile("w", suffix=".json")
        self.addCleanup(file.close)
        json.dump(document, file)
        file.flush()
        return file.name

    # ---- is everything in it?

    def test_every_program_is_described_and_links_what_a_process_of_it_maps(self):
        for target, entry in self.entries.items():
            with self.subTest(target):
                mapped = really_mapped(entry)
                self.assertGreater(len(mapped), 3)
                self.assertEqual(mapped - set(spdx.linked_files(self.document, entry.program.name)), set())

    def test_every_library_that_one_needs_is_there_by_name(self):
        for entry in self.entries.values():
            names = {library_name(path) for path in spdx.linked_files(self.document, entry.program.name)}
            for name in elf.Elf(entry.program).needed:
                with self.subTest(f"{entry.program.name} needs {name}"):
                    self.assertIn(name, names)

    def test_what_the_agent_links_statically_is_there(self):
        archives = {pathlib.Path(path).name for path in spdx.linked_files(self.document, "skerry-agent") if path.endswith(".a")}
        self.assertLessEqual({"libgrpc.a", "libprotobuf.a", "libssl.a", "libcrypto.a", "libyaml-cpp.a"}, archives)
        self.assertFalse({name for name in archives if "skerry" in name}, "our own archives are no parts")

    def test_what_only_comes_as_headers_is_there_with_its_version(self):
        packages = {entry["name"]: entry for entry in self.document["packages"]}
        for name, program in (("libboost1.81-dev", "skerryctl"), ("libcli11-dev", "skerryctl"), ("Boost.JSON", "skerryctl"),
                              ("Boost.JSON", "skerry-controller"), ("libgrpc++-dev", "skerry-agent"), ("libtorch-dev", "skerry-runner-torch.so")):
            with self.subTest(f"{name} in {program}"):
                self.assertIn(self.relation(program, packages[name]["SPDXID"]), ("CONTAINS", "STATIC_LINK"))
        self.assertTrue(packages["libboost1.81-dev"]["versionInfo"].startswith("1.81."))
        self.assertTrue(packages["Boost.JSON"]["versionInfo"].startswith("1.81."))
        self.assertEqual(packages["libcli11-dev"]["versionInfo"], debian.packages(["libcli11-dev"])["libcli11-dev"].version)

    def relation(self, program, element):
        identity = spdx.find_program(self.document, program)["SPDXID"]
        return next((one["relationshipType"] for one in self.document["relationships"]
                     if one["spdxElementId"] == identity and one["relatedSpdxElement"] == element), None)

    def test_the_module_is_a_dependency_of_the_runner(self):
        runner, module = (spdx.find_program(self.document, name)["SPDXID"] for name in ("skerry-runner", "skerry-runner-torch.so"))
        self.assertIn({"spdxElementId": module, "relationshipType": "RUNTIME_DEPENDENCY_OF", "relatedSpdxElement": runner}, self.document["relationships"])

    def test_every_library_has_the_package_that_brought_it_with_version_source_and_supplier(self):
        packages = {entry["SPDXID"]: entry for entry in self.document["packages"]}
        owner = {one["spdxElementId"]: one["relatedSpdxElement"] for one in self.document["relationships"] if one["relationshipType"] == "OTHER"}
        for file in self.document["files"]:
            with self.subTest(file["fileName"]):
                package = packages[owner[file["SPDXID"]]]
                self.assertTrue(package["versionInfo"])
                self.assertIn("source package ", package["sourceInfo"])
                self.assertTrue(package["supplier"].startswith("Organization: "))
                locator = package["externalRefs"][0]["referenceLocator"]
                self.assertRegex(locator, rf"^pkg:deb/[a-z]+/{re.escape(spdx.quoted(package['name']))}@[\w.~%-]+\?arch=\w+&distro=[\w.-]+$")

    # ---- is it noticed if not?

    def test_a_library_that_is_taken_out_is_noticed_each_single_one(self):
        entry = self.entries["skerryctl"]
        made_of = parts.of_program(entry.program, entry, BUILD)
        self.assertEqual(spdx.complaints(self.document, entry.program, made_of), [])
        for path in spdx.linked_files(self.document, "skerryctl"):
            with self.subTest(path):
                lacking = self.document | {"files": [file for file in self.document["files"] if file["fileName"] != f".{path}"]}
                self.assertEqual(spdx.complaints(lacking, entry.program, made_of), [f"skerryctl links {path}, which is not listed"])

    def test_the_command_notices_another_version_and_a_missing_program(self):
        command = [sys.executable, str(SBOM), "--build", str(BUILD), "--program", str(self.entries["skerryctl"].program), "--check"]
        self.assertEqual(subprocess.run([*command, self.stored(self.document)], check=False).returncode, 0)
        changed = copy.deepcopy(self.document)
        library = next(file for file in changed["files"] if "libcrypto.so" in file["fileName"])
        library["checksums"][1]["checksumValue"] = "0" * 64
        done = subprocess.run([*command, self.stored(changed)], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, f"{library['fileName'][1:]} is another version than the one listed\n"))
        without = self.document | {"packages": [entry for entry in self.document["packages"] if entry["name"] != "skerryctl"]}
        done = subprocess.run([*command, self.stored(without)], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, "skerryctl is not in the document\n"))

    # ---- is it a document of SPDX 2.3?

    def test_required_fields_are_there_in_their_form(self):
        document = self.document
        self.assertEqual((document["spdxVersion"], document["dataLicense"], document["SPDXID"]), ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
        self.assertRegex(document["documentNamespace"], r"^https://[^#\s]+$")
        self.assertRegex(document["creationInfo"]["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        for creator in document["creationInfo"]["creators"]:
            self.assertRegex(creator, r"^(Tool|Organization|Person): \S")
        for package in document["packages"]:
            with self.subTest(package["name"]):
                self.assertTrue(package["downloadLocation"] and package["name"])
                self.assertIs(package["filesAnalyzed"], False)
                self.assertRegex(package["licenseDeclared"], r"^(NOASSERTION|[A-Za-z0-9.-]+)$")
        for file in document["files"]:
            self.assertTrue(file["fileName"].startswith("./"))
            self.assertEqual({one["algorithm"]: len(one["checksumValue"]) for one in file["checksums"]}, DIGESTS)

    def test_identifiers_are_unique_and_relationships_lead_to_what_is_there(self):
        elements = [entry["SPDXID"] for entry in [*self.document["packages"], *self.document["files"]]]
        self.assertEqual(len(elements), len(set(elements)))
        for identity in elements:
            self.assertRegex(identity, r"^SPDXRef-[A-Za-z0-9.-]+$")
        known = {*elements, "SPDXRef-DOCUMENT"}
        for one in self.document["relationships"]:
            self.assertIn(one["relationshipType"], RELATIONSHIPS)
            self.assertIn(one["spdxElementId"], known)
            self.assertIn(one["relatedSpdxElement"], known | {"NOASSERTION"})
        described = {one["relatedSpdxElement"] for one in self.document["relationships"] if one["relationshipType"] == "DESCRIBES"}
        self.assertEqual(described, {f"SPDXRef-Program-{entry.program.name}" for entry in self.entries.values()})

    def test_the_same_programs_give_the_same_bytes(self):
        self.assertEqual(written(PYTHONHASHSEED="7", TZ="Pacific/Apia"), self.text)
        self.assertIn('"created": "2001-09-09T01:46:40Z"', written("--program", self.entries["skerryctl"].program, SOURCE_DATE_EPOCH="1000000000"))

    # ---- programs elsewhere

    def test_a_stripped_copy_is_known_by_its_build_id_and_others_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            copied = pathlib.Path(folder) / "skerryctl"
            shutil.copy(self.entries["skerryctl"].program, copied)
            subprocess.run(["llvm-strip-19", str(copied)], check=True)
            document = json.loads(written("--program", copied))
            self.assertEqual(spdx.linked_files(document, "skerryctl"), spdx.linked_files(self.document, "skerryctl"))
            self.assertEqual(spdx.sha256(spdx.find_program(document, "skerryctl")), spdx.sha256({"checksums": spdx.checksums(copied)}))
        done = subprocess.run([sys.executable, str(SBOM), "--build", str(BUILD), "--program", "/usr/bin/dpkg"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/usr/bin/dpkg (build id ", done.stderr)


class Licences(unittest.TestCase):
    def test_a_plain_licence_is_given_as_spdx_names_it(self):
        self.assertEqual(debian.licences_of(COPYRIGHT.format(whole="LGPL-2.1+")), ("LGPL-2.1-or-later", ("Zlib",)))
        self.assertEqual(debian.licences_of(COPYRIGHT.format(whole="Expat")), ("MIT", ("Zlib",)))

    def test_what_is_not_plain_is_not_asserted(self):
        for whole in ("GPL-2+ or Artistic", "custom", "BSD", ""):
            self.assertEqual(debian.licences_of(COPYRIGHT.format(whole=whole))[0], "")
        self.assertEqual(debian.licences_of("This package was debianised by hand. Licence: Expat\n"), ("", ()))
        self.assertEqual(debian.licences("no-such-package"), ("", ()))


def library_name(path):
    """The name by which programs need a library; an archive's is its file's."""
    return elf.is_elf(path) and elf.Elf(path).own_name or pathlib.Path(path).name


if __name__ == "__main__":
    unittest.main()
