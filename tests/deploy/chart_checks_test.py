#!/usr/bin/env python3
"""That the checks of the chart find what they are for: faults are planted in a copy of it, one at a time.

Exit status: as chart_test.py, 77 without helm.
"""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

from deploy import chart_test  # noqa: E402

SETS = ("minimal.yaml", "all-on.yaml", "existing-secrets.yaml", "custom-ca.yaml", "agents-only.yaml")
# File of templates/, what stands there, what shall stand there instead, and the check that has to complain.
PLANTED = [
    ("_pods.tpl", '"runAsNonRoot" true', '"runAsNonRoot" false', "restricted"),
    ("_pods.tpl", '"drop" (list "ALL")', '"drop" (list "NET_RAW")', "restricted"),
    ("_pods.tpl", '"seccompProfile" (dict "type" "RuntimeDefault")', "", "restricted"),
    ("_pods.tpl", '"readOnlyRootFilesystem" true', '"readOnlyRootFilesystem" false', "restricted"),
    ("agents/daemonsets.yaml", "enableServiceLinks: false", "enableServiceLinks: false\n      hostNetwork: true", "restricted"),
    ("agents/daemonsets.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "no rights"),
    ("controller/statefulset.yaml", "serviceName:", "servicename:", "api schemas"),
    ("controller/statefulset.yaml", "replicas: 1", 'replicas: "1"', "api schemas"),
    ("controller/service.yaml", "selector:", "selector: # the pods", None),  # nothing planted: nothing found
    ("monitoring/_endpoint.tpl", "scrapeTimeout:", "timeout:", "api schemas"),
    ("controller/tlsroutes.yaml", "hostnames:", "hosts:", "api schemas"),
    ("controller/statefulset.yaml", '(dict "path" "/livez"', '(dict "path" "/readyz"', "probes"),
    ("agents/daemonsets.yaml", '(append $health "--ready")', "$health", "probes"),
    ("controller/statefulset.yaml", '"port" "api" "scheme" "HTTPS") }}\n{{- $ready', '"port" "api" "scheme" "HTTP") }}\n{{- $ready', "probes"),
    ("_names.tpl", "app.kubernetes.io/component: {{ .component }}\n{{- end -}}",
     "app.kubernetes.io/component: {{ .component }}\nfixed: {{ .root.Values.tests.namespace }}{{ .root.Values.join.key }}\n{{- end -}}", "selectors"),
    ("networkpolicies.yaml", "ports: [{port: agents, protocol: TCP}]", "ports: [{port: api, protocol: TCP}]", "network policies"),
    ("networkpolicies.yaml", "toYaml (concat (list $agents) $policy.nodes)", "toYaml $policy.nodes", "network policies"),
    ("networkpolicies.yaml", "ports: [{port: 8443, protocol: TCP}, {port:", "ports: [{port:", "network policies"),
    ("controller/service.yaml", "port: {{ $values.agentsPort }}", "port: 9", "services"),
    ("controller/_config.tpl", '"built_in" true', '"built_in" false', "no plain text"),
    ("_tiers.tpl", '"ca_file" "/etc/skerry/trust/ca.crt"', '"ca_file" ""', "no plain text"),
    ("monitoring/_endpoint.tpl", "scheme: https", "scheme: http", "no plain text"),
    ("controller/_config.tpl", "path: authority/tls.key", "path: authority/key.pem", "files"),
    ("_secrets.tpl", '(index .root.Values.tokens .token).existingSecret | default', "\"\" | default", "existing secrets"),
    ("agents/daemonsets.yaml", "name: {{ include \"skerry.joinSecret\" $root }}\n", "name: {{ include \"skerry.authoritySecret\" $root }}\n", "who holds what"),
    ("agents/daemonsets.yaml", "defaultMode: 0440", "defaultMode: 0444", "who holds what"),
    ("secrets.yaml", '"helm.sh/hook" "pre-install,pre-upgrade"', '"example.com/hook" "none"', "labels"),
    ("secrets.yaml", "{{- if not (lookup \"v1\" \"Secret\" $root.Release.Namespace $name) }}", "{{- if $name }}", "made once"),
    ("secrets.yaml", "{{- if $there }}", "{{- if false }}", "made once"),
    ("secrets.yaml", 'genPrivateKey "ecdsa"', 'genPrivateKey "rsa"', "what is made"),
    ("_names.tpl", 'printf "%s@%s" $name .digest', 'printf "%s:%s" $name .tag', "digests"),
    ("_refused.tpl", '"insecure_dev" true', '"insecure_dev" "never"', "wrong values"),
]


def complaining(helm):
    """The names of the checks that complain of the chart that helm has."""
    from deploy import check_objects, check_programs, check_secrets, check_values
    from deploy.rendering import FOLDER, Refused
    from deploy.report import Report
    report = Report(quiet=True)
    try:
        rendered = {name: helm.template(values=FOLDER / "values" / name) for name in SETS}
    except Refused as refused:
        return {f"not rendered: {refused}"}
    from chart import tools
    check_objects.schemas(report, rendered, tools.folder())
    for check in (check_objects.standard, check_objects.no_rights, check_objects.lasting_fields, check_objects.probes, check_objects.networks,
                  check_objects.services, check_objects.metadata, check_programs.plain_text, check_programs.mounted_files,
                  check_secrets.all_replaceable, check_secrets.nobody_holds_more):
        check(report, rendered)
    if not report.failed():  # those that render by themselves, and take longer
        check_secrets.made_once(report, helm)
        check_secrets.authority_is_good(report, helm)
        check_values.digests(report, helm)
        check_values.wrong_values(report, helm)
    return {check.name for check in report.failed()}


class Planted(unittest.TestCase):
    def setUp(self):
        from deploy.rendering import Helm
        self.helm = Helm()
        self.addCleanup(self.helm.close)

    def test_a_planted_fault_is_found_by_its_check(self):
        for file, before, after, check in PLANTED:
            path = self.helm.fixed / "templates" / file
            whole = path.read_text(encoding="utf-8")
            with self.subTest(f"{file}: {before}"):
                self.assertIn(before, whole)
                path.write_text(whole.replace(before, after), encoding="utf-8")
                found = complaining(self.helm)
                self.assertEqual(check in found if check else not found, True, f"{check} is wanted, and {sorted(found)} complain")
            path.write_text(whole, encoding="utf-8")


class Standard(unittest.TestCase):
    POD = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
           "containers": [{"name": "one", "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                              "capabilities": {"drop": ["ALL"]}}}]}

    def test_a_pod_is_refused_for_each_thing_that_the_standard_forbids(self):
        from deploy import pod_standard
        self.assertEqual(pod_standard.complaints(self.POD), [])
        one = self.POD["containers"][0]
        for change in ({"hostPID": True}, {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}, {"securityContext": {"runAsNonRoot": True}},
                       {"securityContext": self.POD["securityContext"] | {"runAsUser": 0}},
                       {"securityContext": self.POD["securityContext"] | {"sysctls": [{"name": "kernel.msgmax"}]}}):
            self.assertNotEqual(pod_standard.complaints(self.POD | change), [], change)
        for change in ({"privileged": True}, {"allowPrivilegeEscalation": True}, {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}},
                       {"runAsNonRoot": False}, {"seccompProfile": {"type": "Unconfined"}}, {"procMount": "Unmasked"}, {"appArmorProfile": {"type": "Unconfined"}}):
            pod = self.POD | {"containers": [one | {"securityContext": one["securityContext"] | change}]}
            self.assertNotEqual(pod_standard.complaints(pod), [], change)
        self.assertNotEqual(pod_standard.complaints(self.POD | {"initContainers": [{"name": "two"}]}), [])
        self.assertNotEqual(pod_standard.complaints(self.POD | {"containers": [one | {"ports": [{"hostPort": 80}]}]}), [])


if __name__ == "__main__":
    try:
        chart_test.needed()
    except chart_test.Missing as missing:
        print(f"skipped: {missing}")
        sys.exit(chart_test.SKIPPED)
    unittest.main()
