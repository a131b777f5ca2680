"""Writes what programs are made of as an SPDX 2.3 document (https://spdx.github.io/spdx-spec/v2.3/), and looks things up in one.

    program (package)  DYNAMIC_LINK  library (file)  DYNAMIC_LINK  library ...      as each says itself
    program            STATIC_LINK   archive (file), Boost.JSON (package)           taken into the program
    program            CONTAINS      package with headers                           compiled in
    library, archive   OTHER         Debian's package                               that brought the file
    module             RUNTIME_DEPENDENCY_OF  program that opens it

The same programs give the same bytes: everything is sorted, and the time is given.
"""

import hashlib
import json
import os
import platform
import re
import urllib.parse

from shipping import debian, elf

NONE = "NOASSERTION"
DOCUMENT = "SPDXRef-DOCUMENT"
OURS = "Organization: The Skerry project"
# Modules that a program opens while it runs; the linker knows nothing of it.
OPENS = {"skerry-runner": ["skerry-runner-torch.so"]}


class Document:
    """Collects elements; text() is the document, once everything is in."""

    def __init__(self, version, created):
        self.version, self.created = version, created
        self.packages, self.files, self.relationships = {}, {}, []

    # ---- what is in it

    def add_program(self, path, parts):
        """`path` of the program, whose parts.Parts the rest are. Libraries that several share are there once."""
        program = self.program(path)
        self.relate(DOCUMENT, "DESCRIBES", program)
        used = {library: self.file(library, "BINARY") for library in parts.libraries if library != os.path.realpath(path)}
        for user, needed in parts.libraries.items():
            for library in needed:
                self.relate(used.get(user, program), "DYNAMIC_LINK", used[library])
        for archive in parts.archives:
            self.relate(program, "STATIC_LINK", self.file(archive, "ARCHIVE"))
        for name, version in parts.boost.items():
            boost = self.package(f"Source-{name}", {
                "name": name, "versionInfo": version, "supplier": NONE, "licenseDeclared": "BSL-1.0", "primaryPackagePurpose": "LIBRARY",
                "comment": "compiled in by including its sources, which come with Boost's headers"})
            self.relate(program, "STATIC_LINK", boost)
        self.add_owners(parts, program)

    def add_owners(self, parts, program):
        owners = debian.owners([*parts.libraries, *parts.archives, *parts.headers])
        known = debian.packages(owners.values())
        for path in [*parts.libraries, *parts.archives]:
            if path in self.files:
                owner = self.debian_package(known[owners[path]]) if path in owners else NONE
                self.relate(self.files[path]["SPDXID"], "OTHER", owner, "the package that brought the file")
        for name in {owners.get(path, "") for path in parts.headers}:
            self.relate(program, "CONTAINS", self.debian_package(known[name]) if name else NONE, "code of its headers is compiled in")

    def open_modules(self):
        """Relates programs with the modules that they open, as far as both are in the document."""
        for name, modules in OPENS.items():
            for module in modules:
                both = [find_program({"packages": list(self.packages.values())}, wanted) for wanted in (module, name)]
                if all(both):
                    self.relate(both[0]["SPDXID"], "RUNTIME_DEPENDENCY_OF", both[1]["SPDXID"])

    def program(self, path):
        purpose = "APPLICATION" if elf.Elf(path).segment(elf.PT_INTERP) else "LIBRARY"
        return self.package(f"Program-{path.name}", {
            "name": path.name, "versionInfo": self.version, "packageFileName": path.name, "supplier": OURS, "licenseDeclared": "Apache-2.0",
            "primaryPackagePurpose": purpose, "checksums": checksums(path),
            "comment": f"GNU build id {elf.Elf(path).build_id or 'none'}"})

    def debian_package(self, found):
        distribution = os_release()
        where = f"{distribution.get('ID', 'linux')}-{distribution.get('VERSION_ID', platform.release())}"
        purl = (f"pkg:deb/{distribution.get('ID', 'linux')}/{quoted(found.name)}@{quoted(found.version)}"
                f"?arch={found.architecture}&distro={where}")
        element = {
            "name": found.name, "versionInfo": found.version, "supplier": supplier(found.maintainer),
            "sourceInfo": f"built by {distribution.get('NAME', 'the distribution')} from the source package {found.source} {found.source_version}",
            "licenseDeclared": found.licence or NONE,
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
        }
        if found.homepage:
            element["homepage"] = found.homepage
        if found.licence and found.others:
            element["licenseComments"] = f"of the package as a whole; of other files in it: {', '.join(found.others)}"
        return self.package(f"Debian-{found.name}", element)

    def package(self, name, element):
        identity = f"SPDXRef-{identifier(name)}"
        self.packages[identity] = {"SPDXID": identity, "downloadLocation": NONE, "filesAnalyzed": False, "licenseConcluded": NONE,
                                   "copyrightText": NONE} | element
        return identity

    def file(self, path, kind):
        if path not in self.files:
            self.files[path] = {
                "SPDXID": f"SPDXRef-File-{identifier(path)}", "fileName": f".{path}", "fileTypes": [kind], "checksums": checksums(path),
                "licenseConcluded": NONE, "licenseInfoInFiles": [NONE], "copyrightText": NONE}
        return self.files[path]["SPDXID"]

    def relate(self, first, kind, second, comment=""):
        relationship = {"spdxElementId": first, "relationshipType": kind, "relatedSpdxElement": second}
        if comment:
            relationship["comment"] = comment
        if relationship not in self.relationships:
            self.relationships.append(relationship)

    # ---- as text

    def text(self):
        programs = sorted(entry["name"] for entry in self.packages.values() if "packageFileName" in entry)
        document = {
            "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": DOCUMENT, "name": f"skerry-{self.version}: {', '.join(programs)}",
            "creationInfo": {"created": self.created, "creators": [OURS, f"Tool: skerry-sbom-{self.version}"]},
            "packages": [self.packages[key] for key in sorted(self.packages)],
            "files": [self.files[key] for key in sorted(self.files)],
            "relationships": sorted(self.relationships, key=lambda one: list(one.values())),
        }
        digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        document["documentNamespace"] = f"https://spdx.org/spdxdocs/skerry-{quoted(self.version)}-{digest}"
        return json.dumps(document, indent=1) + "\n"


def checksums(path):
    """SHA-1, since SPDX 2.3 demands it of files, and SHA-256, which is to be relied on."""
    with open(path, "rb") as file:
        content = file.read()
    return [{"algorithm": "SHA1", "checksumValue": hashlib.sha1(content, usedforsecurity=False).hexdigest()},
            {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()}]


def identifier(text):
    """SPDX allows letters, digits, dots and dashes; two names that only differ in others get identifiers that differ."""
    plain = re.sub(r"[^A-Za-z0-9.-]", "-", text)
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def quoted(text):
    return urllib.parse.quote(text, safe="~")


def supplier(maintainer):
    """"Name <address>" as SPDX writes it. Debian's maintainers are teams as often as people; its packages come from an organisation."""
    name, _, address = maintainer.partition(" <")
    return f"Organization: {name.strip()}" + (f" ({address.rstrip('>')})" if address else "")


def os_release():
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


# ---- looking things up


def find_program(document, name):
    return next((entry for entry in document["packages"] if entry.get("packageFileName") == name), None)


def linked_files(document, name):
    """{path: SHA-256} of the files that a program links, one through the other: libraries, and archives."""
    program = find_program(document, name)
    if program is None:
        return {}
    targets = {}
    for one in document["relationships"]:
        if one["relationshipType"] in ("DYNAMIC_LINK", "STATIC_LINK"):
            targets.setdefault(one["spdxElementId"], []).append(one["relatedSpdxElement"])
    reached, waiting = set(), [program["SPDXID"]]
    while waiting:
        element = waiting.pop()
        if element not in reached:
            reached.add(element)
            waiting += targets.get(element, [])
    return {entry["fileName"].removeprefix("."): sha256(entry) for entry in document["files"] if entry["SPDXID"] in reached}


def sha256(entry):
    return next(one["checksumValue"] for one in entry["checksums"] if one["algorithm"] == "SHA256")


def complaints(document, program, parts):
    """What a document does not say, or says wrongly, of a program and its parts.Parts."""
    entry = find_program(document, program.name)
    if entry is None:
        return [f"{program.name} is not in the document"]
    found = [] if sha256(entry) == sha256({"checksums": checksums(program)}) else [f"{program.name} is another build"]
    listed = linked_files(document, program.name)
    for path in [*parts.libraries, *parts.archives]:
        if path == os.path.realpath(program):
            continue
        if path not in listed:
            found.append(f"{program.name} links {path}, which is not listed")
        elif listed[path] != sha256({"checksums": checksums(path)}):
            found.append(f"{path} is another version than the one listed")
    return found
