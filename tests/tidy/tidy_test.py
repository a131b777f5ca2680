#!/usr/bin/env python3
"""Breaks each house rule once and sees that tidy.py finds it, and that the nearest harmless text passes."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import headers
import rules
import tidy

HEADER = "// thing.h: what this thing is for, in a sentence.\n#pragma once\n"


def findings(path, text, sizes=None):
    return [f for f in tidy.check_all([tidy.Source(path, text)], sizes or {})]


def rule_names(path, text, sizes=None):
    return sorted({f.rule for f in findings(path, text, sizes)})


class Includes(unittest.TestCase):
    # (file, include, rule or None): every folder of the table once upwards, and what it is allowed.
    CASES = [
        ("common/a.cc", '"scheduler/fleet.h"', "include direction"),
        ("common/a.cc", '"common/ids.h"', None),
        ("scheduler/a.cc", '"controller/core/job.h"', "include direction"),
        ("scheduler/a.cc", '"rl/policy.h"', "include direction"),
        ("rl/a.cc", '"controller/core/job.h"', "include direction"),
        ("rl/a.cc", '"scheduler/fleet.h"', None),
        ("controller/core/a.cc", '"controller/store/store.h"', "include direction"),
        ("controller/core/a.cc", '"controller/gateway.h"', "include direction"),
        ("controller/core/a.cc", '"scheduler/fleet.h"', None),
        ("controller/store/a.cc", '"controller/api/server.h"', "include direction"),
        ("controller/store/a.cc", '"controller/core/job.h"', "include direction"),
        ("controller/blobs/a.cc", '"controller/store/store.h"', "include direction"),
        ("controller/records/a.cc", '"controller/hub/hub.h"', "include direction"),
        ("controller/metrics/a.cc", '"controller/api/server.h"', "include direction"),
        ("controller/hub/a.cc", '"controller/api/server.h"', "include direction"),
        ("controller/hub/a.cc", '"controller/blobs/blob_dir.h"', None),
        ("controller/hub/a.cc", '"controller/gateway.h"', None),
        ("controller/hub/a.cc", '"skerry/v1/agent.grpc.pb.h"', None),
        ("controller/api/a.cc", '"controller/hub/hub.h"', "include direction"),
        ("controller/api/a.cc", '"skerry/v1/agent.pb.h"', "include direction"),
        ("controller/main.cc", '"controller/hub/hub.h"', None),
        ("controller/main.cc", '"agent/config.h"', "include direction"),
        ("agent/a.cc", '"controller/core/job.h"', "include direction"),
        ("agent/a.cc", '"scheduler/fleet.h"', "include direction"),
        ("agent/site/a.cc", '"controller/driver.h"', None),
        ("agent/site/a.cc", '"cli/url.h"', "include direction"),
        ("agent/runner/a.cc", '"agent/config.h"', "include direction"),
        ("agent/runner/a.cc", '"agent/runner/protocol.h"', None),
        ("cli/a.cc", '"controller/core/job.h"', "include direction"),
        ("cli/a.cc", '"replay/replay.h"', None),
        ("replay/a.cc", '"controller/core/job.h"', "include direction"),
        ("models/a.cc", '"agent/session.h"', "include direction"),
        ("common/a.cc", '"tests/relay/relay.h"', "include direction"),
        ("controller/identity/a.cc", '"controller/hub/hub.h"', "include direction"),
        ("agent/membership/a.cc", '"agent/session.h"', "include direction"),
        ("controller/auth/a.cc", '"controller/api/call.h"', "include direction"),
        ("controller/oidc/a.cc", '"controller/outbound/client.h"', "include direction"),
        ("controller/oidc/a.cc", '"controller/core/access.h"', None),
        ("controller/outbound/a.cc", '"controller/core/core.h"', "include direction"),
        ("controller/hub/door/a.cc", '"controller/hub/hub.h"', "include direction"),
        ("controller/hub/door/a.cc", '"common/pki/verify.h"', None),
        ("controller/hub/door/a.cc", "<grpcpp/grpcpp.h>", "forbidden library"),
        ("common/pki/a.cc", "<grpcpp/grpcpp.h>", "forbidden library"),
        ("common/pki/a.cc", "<boost/asio.hpp>", "forbidden library"),
        ("scheduler/a.cc", "<boost/asio.hpp>", "forbidden library"),
        ("scheduler/a.cc", "<boost/json/value.hpp>", None),
        ("controller/core/a.cc", "<grpcpp/grpcpp.h>", "forbidden library"),
        ("controller/core/a.cc", "<boost/beast/http.hpp>", "forbidden library"),
        ("controller/core/a.cc", "<rocksdb/db.h>", "forbidden library"),
        ("controller/core/a.cc", "<spdlog/spdlog.h>", "forbidden library"),
        ("controller/core/a.cc", "<torch/script.h>", "forbidden library"),
        ("scheduler/a.cc", "<prometheus/registry.h>", "forbidden library"),
        ("tests/sim/a.cc", "<boost/asio.hpp>", "forbidden library"),
        ("agent/a.cc", "<torch/script.h>", "forbidden library"),
        ("agent/runner/a.cc", "<torch/script.h>", None),
        ("agent/a.cc", "<rocksdb/db.h>", "forbidden library"),
        ("controller/api/a.cc", "<rocksdb/db.h>", "forbidden library"),
        ("controller/store/a.cc", "<rocksdb/db.h>", None),
    ]

    def test_each_direction(self):
        for path, include, rule in self.CASES:
            with self.subTest(path=path, include=include):
                self.assertEqual(rule_names(path, f"#include {include}\n"), [rule] if rule else [])

    def test_every_folder_of_the_table_is_broken_once(self):
        broken = {max((f for f in rules.INCLUDE_DIRECTIONS if path.startswith(f)), key=len)
                  for path, _, rule in self.CASES if rule == "include direction"}
        self.assertEqual(broken, set(rules.INCLUDE_DIRECTIONS))


class Banned(unittest.TestCase):
    # rule -> (where it is banned, a line that breaks it)
    PLANTS = {
        "steady_clock::now": ("scheduler/a.cc", "auto t = std::chrono::steady_clock::now();"),
        "system_clock::now": ("controller/core/a.cc", "auto t = std::chrono::system_clock :: now();"),
        "random_device": ("rl/a.cc", "std::random_device seed;"),
        "std distribution": ("agent/a.cc", "std::uniform_real_distribution<double> u;"),
        "thread::detach": ("agent/a.cc", "worker.detach();"),
        "asio::detached": ("controller/api/a.cc", "asio::co_spawn(x, f(), boost::asio::detached);"),
        "sleep in a unit test": ("tests/unit/a_test.cc", "std::this_thread::sleep_for(seconds(1));"),
        "using namespace std": ("cli/a.cc", "using namespace std;"),
    }

    def test_every_rule_finds_its_plant_on_its_line(self):
        self.assertEqual(set(self.PLANTS), {rule["name"] for rule in rules.BANNED})
        for name, (path, line) in self.PLANTS.items():
            with self.subTest(name):
                found = findings(path, f"int a;\n{line}\n")
                self.assertEqual([(f.rule, f.line) for f in found], [(name, 2)])

    def test_comments_and_strings_are_no_calls(self):
        for _, (path, line) in self.PLANTS.items():
            with self.subTest(line):
                self.assertEqual(rule_names(path, f'// {line}\n/* {line} */\nauto s = "{line}";\nauto r = R"({line})";\n'), [])

    def test_code_after_a_digit_separator_is_still_code(self):
        self.assertEqual(rule_names("scheduler/a.cc", "int n = 1'000; worker.detach(); char c = 'x';\n"), ["thread::detach"])

    def test_shells_may_ask_for_the_time(self):
        for path in ("common/time.cc", "agent/program.cc", "controller/main.cc", "controller/hub/hub.cc"):
            self.assertEqual(rule_names(path, "auto t = std::chrono::steady_clock::now();\n"), [])
        self.assertEqual(rule_names("controller/core/core.cc", "auto t = std::chrono::steady_clock::now();\n"),
                         ["steady_clock::now"])


class Words(unittest.TestCase):
    def test_unfinished_work(self):
        for word in ("TO" "DO", "FIX" "ME", "XX" "X", "HAC" "K"):
            self.assertEqual(rule_names("docs/a.md", f"a line\n{word}: later\n"), ["unfinished"])

    def test_paths_of_machines(self):
        for path in ("/wor" "k/main", "see /hom" "e/ann/x", "/User" "s/ann", "../share" "d/data"):
            self.assertEqual(rule_names("docs/a.md", path + "\n"), ["path of a machine"])

    def test_harmless_words(self):
        self.assertEqual(rule_names("docs/a.md", "a method, the todo list, https://x.org/work, build/work, /worker\n"), [])


class Purpose(unittest.TestCase):
    def test_files_that_do_not_say_what_they_are_for(self):
        for path, text in (("common/a.h", "#pragma once\n"), ("common/a.h", "// a.h\n#pragma once\n"), ("proto/a.proto", "syntax;\n"),
                           ("x.py", "import os\n"), ("tool", "#!/usr/bin/env python3\nimport os\n"),
                           ("tool", "#!/bin/bash\nset -e\n"), ("common/empty.h", "")):
            with self.subTest(text):
                self.assertEqual(rule_names(path, text), ["purpose"])

    def test_files_that_do(self):
        for path, text in (("common/a.h", HEADER), ("x.py", '"""Counts the sheep of a meadow."""\n'),
                           ("tool", '#!/usr/bin/env python3\n"""Counts the sheep of a meadow."""\n'),
                           ("tool", "#!/bin/bash\n# Counts the sheep of a meadow.\n"), ("common/a.cc", "int a;\n")):
            with self.subTest(text):
                self.assertEqual(rule_names(path, text), [])


class Sizes(unittest.TestCase):
    def text(self, lines):
        return HEADER + "\n" * (lines - 2)

    def test_the_limit(self):
        self.assertEqual(rule_names("common/a.h", self.text(rules.MAX_LINES)), [])
        self.assertEqual(rule_names("common/a.h", self.text(rules.MAX_LINES + 1)), ["length"])

    def test_an_exception_may_only_shrink_and_is_kept_true(self):
        for lines, expected in ((499, ["length"]), (500, []), (501, ["length"]), (10, ["length"])):
            with self.subTest(lines):
                self.assertEqual(rule_names("common/a.h", self.text(lines), {"common/a.h": 500}), expected)

    def test_an_exception_for_a_file_that_is_gone(self):
        self.assertEqual(rule_names("common/a.h", HEADER, {"common/gone.h": 500}), ["length"])

    def test_reads_the_list(self):
        self.assertEqual(tidy.read_sizes("# about\n\n512 a/b.cc\n"), {"a/b.cc": 512})


class WholeProgram(unittest.TestCase):
    def test_a_tree_without_git_is_walked_and_a_violation_ends_with_1(self):
        with tempfile.TemporaryDirectory() as root:
            for path, text in (("tests/tidy/sizes.txt", ""), ("common/a.h", HEADER), ("build/b.h", "int no_purpose;\n")):
                pathlib.Path(root, path).parent.mkdir(parents=True, exist_ok=True)
                pathlib.Path(root, path).write_text(text, encoding="utf-8")
            program = [sys.executable, str(pathlib.Path(tidy.__file__)), root]
            clean = subprocess.run(program, capture_output=True, text=True, check=False)
            self.assertEqual(clean.returncode, 0, clean.stdout)
            pathlib.Path(root, "common/b.h").write_text("int no_purpose;\n", encoding="utf-8")
            dirty = subprocess.run(program, capture_output=True, text=True, check=False)
            self.assertEqual(dirty.returncode, 1)
            self.assertIn("common/b.h:1: purpose", dirty.stdout)


class Headers(unittest.TestCase):
    @staticmethod
    def source(name="common/ids.cc", precompiled=False):
        command = f"/usr/bin/ccache /usr/bin/clang++-19 -I{headers.ROOT} -std=c++2b -o ids.o -c {headers.ROOT / name}"
        return headers.Source({"directory": str(headers.ROOT), "file": str(headers.ROOT / name),
                               "command": command + (" -Xclang -include-pch -Xclang cmake_pch.hxx.pch" if precompiled else "")})

    def test_what_its_own_source_includes_first_was_compiled_alone_by_the_build(self):
        self.assertTrue(headers.compiled_by_the_build("common/ids.h", [self.source()]))
        self.assertFalse(headers.compiled_by_the_build("common/error.h", [self.source()]))
        self.assertFalse(headers.compiled_by_the_build("common/ids.h", [self.source(precompiled=True)]))

    def test_a_header_that_lacks_an_include_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            for text, good in (("#include <string>\ninline std::string f() { return {}; }\n", True),
                               ("inline std::string f() { return {}; }\n", False)):
                header = pathlib.Path(folder, "thing.h")
                header.write_text(HEADER + text, encoding="utf-8")
                for source in (self.source(), self.source(precompiled=True)):
                    self.assertEqual(headers.compile_alone(header, source)[1], good, text)


if __name__ == "__main__":
    unittest.main()
