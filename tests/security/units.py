"""Tables of attacks that unit tests hold: how many there are, and whether any got through."""

import json
import subprocess

TESTS = {"access": "controller/api/skerry_api_test", "tokens": "controller/oidc/skerry_oidc_test",
         "ssrf": "controller/outbound/skerry_outbound_test", "hub": "controller/hub/skerry_hub_test",
         "agent_tls": "agent/skerry_agent_tls_test"}


def run_tests(suite, program, pattern):
    """The tests of the program that fit the pattern, as gtest reports them: (their number, failures, recorded numbers)."""
    path = suite.programs.build / TESTS[program]
    report = suite.folder / f"{program}-{abs(hash(pattern))}.json"
    subprocess.run([path, f"--gtest_filter={pattern}", f"--gtest_output=json:{report}", "--gtest_brief=1"],
                   check=False, stdout=subprocess.DEVNULL)
    cases = [case for group in json.loads(report.read_text())["testsuites"] for case in group["testsuite"]]
    known = {"name", "file", "line", "status", "result", "timestamp", "time", "classname", "failures", "value_param"}
    recorded = {}
    for case in cases:
        for key, value in case.items():
            if key not in known:
                recorded[key] = max(recorded.get(key, 0), int(value))
    return len(cases), [f"{case['classname']}.{case['name']}" for case in cases if case.get("failures")], recorded


def report_table(suite, program, pattern, what, key, least):
    count, failed, recorded = run_tests(suite, program, pattern)
    vectors = recorded.get(key, 0)
    suite.check(f"{what}: how many", least, vectors, count > 0 and vectors >= least)
    suite.check(f"{what}: tests that failed", 0, len(failed), not failed)


def access(suite):
    count, failed, recorded = run_tests(suite, "access", "ApiAccess.*")
    suite.check("role x route x namespace: cells that are not as expected, %", 0, 0 if not failed else 100, count > 0 and not failed)
    suite.check("role x route x namespace: cells", 1000, recorded.get("cells", 0), recorded.get("cells", 0) >= 1000)


def tokens(suite):
    report_table(suite, "tokens", "HostileToken.*", "hostile JWTs, each refused", "vectors", 60)


def smuggling(suite):
    report_table(suite, "access", "*Smuggling.*", "request smuggling, each refused", "vectors", 40)


def ssrf(suite):
    report_table(suite, "ssrf", "OutboundSsrf.*", "SSRF, nothing fetched", "vectors", 30)


def stolen(suite):
    """A stolen node's key: what it can be used for beside that node's own work."""
    pattern = "HubDoorTest.AHelloOfAnotherNode*:HubDoorTest.ACallThatNames*:HubDoorTest.EveryCallIsOfTheNode*:HubDoorTest.ANodeFetches*"
    count, failed, _ = run_tests(suite, "hub", pattern)
    suite.check("a stolen node's key: other nodes' tasks and results, other tenants' inputs reached", 0, len(failed),
                count >= 4 and not failed)
    count, failed, _ = run_tests(suite, "agent_tls", "*IsHeldToTheName*:*SaysNothingTo*")
    suite.check("a stolen node's key: agents that take its holder for the controller", 0, len(failed), count >= 3 and not failed)
