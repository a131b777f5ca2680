"""Checks of certificates and tokens: who holds what, that all can be somebody else's, and that what was made once stays."""

import base64
import subprocess
import tempfile

import yaml

from . import fake_cluster
from .rendering import NAMESPACE, ROOT, SECRET_HOOK, pod_of

KEYS = {"skerry-authority": {"tls.crt", "tls.key"}, "skerry-join": {"key"},
        **{f"skerry-{name}-token": {"token"} for name in ("admin", "metrics", "test")}}
# What a node with only this pod on it may read of Kubernetes: nothing that signs, and nobody else's token.
MAY_HOLD = {"agent": {"skerry-join"}, "test": {"skerry-test-token"}}


def made(rendered):
    return {one["metadata"]["name"]: one for one in rendered.of("Secret", "ConfigMap") if one["metadata"].get("annotations", {}).get("helm.sh/hook") == SECRET_HOOK}


def referenced(one):
    """Secrets that an object names, wherever: mounted, or read by Prometheus' operator."""
    if isinstance(one, dict):
        for key, value in one.items():
            if key in ("secret", "credentials") and isinstance(value, dict):
                yield value.get("name") or value.get("secretName")
            elif key in ("secretName",) and isinstance(value, str):
                yield value
            else:
                yield from referenced(value)
    elif isinstance(one, list):
        for value in one:
            yield from referenced(value)


def made_once(report, helm):
    """With a cluster that has them, nothing is made; with one that lacks one, that one."""
    fresh = helm.template()
    objects = made(fresh)
    said = [f"{name} is not made" for name in {*KEYS, "skerry-ca"} - objects.keys()]
    said += [f"{name} holds {sorted(objects[name]['data'])}" for name in KEYS.keys() & objects.keys() if set(objects[name]["data"]) != KEYS[name]]
    said += [f"{name}: Argo CD would make it anew" for name, one in objects.items() if one["metadata"]["annotations"].get("argocd.argoproj.io/hook") != "Skip"]
    again = made(helm.template())
    said += [f"{name} is the same every time" for name in KEYS.keys() & objects.keys() if objects[name]["data"] == again[name]["data"]]
    with fake_cluster.Cluster(NAMESPACE, objects.values()) as cluster:
        server = ("--dry-run=server", "--kube-apiserver", cluster.url, "--kube-token", "none", "--disable-openapi-validation")
        said += [f"{name} is made anew by an upgrade" for name in made(helm.template(*server, "--is-upgrade"))]
        for lacking, wanted in (({"skerry-join"}, {"skerry-join"}), ({"skerry-ca"}, {"skerry-ca"}), ({"skerry-authority"}, {"skerry-authority", "skerry-ca"})):
            cluster.without = lacking
            found = made(helm.template(*server, "--is-upgrade"))
            if found.keys() != wanted:
                said.append(f"without {lacking}, {sorted(found)} are made")
            if lacking == {"skerry-ca"} and found["skerry-ca"]["data"]["ca.crt"].strip() != base64.b64decode(objects["skerry-authority"]["data"]["tls.crt"]).decode().strip():
                said.append("skerry-ca is made of another authority than the one that is there")
    report.complaints("made once", "what is there stays, also at upgrades; what is lacking is made", said, len(objects))


def authority_is_good(report, helm):
    """Helm's and the script's: ECDSA on P-256, an authority, its key beside it, long enough tokens."""
    said = []
    script = subprocess.run([str(ROOT / "scripts/kubernetes-secrets"), "-n", NAMESPACE], capture_output=True, text=True, check=True)
    sources = {"the chart": made(helm.template()), "the script": {one["metadata"]["name"]: one for one in yaml.safe_load_all(script.stdout) if one}}
    for who, objects in sources.items():
        said += [f"{who} makes no {name}" for name in {*KEYS, "skerry-ca"} - objects.keys()]
        with tempfile.TemporaryDirectory() as folder:
            for key, value in objects["skerry-authority"]["data"].items():
                with open(f"{folder}/{key}", "wb") as file:
                    file.write(base64.b64decode(value))
            told = subprocess.run(["openssl", "x509", "-in", f"{folder}/tls.crt", "-noout", "-text", "-pubkey"], capture_output=True, text=True, check=True).stdout
            public = subprocess.run(["openssl", "pkey", "-in", f"{folder}/tls.key", "-pubout"], capture_output=True, text=True, check=True).stdout
        said += [f"{who}: the authority lacks {part}" for part in ("CA:TRUE", "Certificate Sign", "prime256v1", public) if part not in told]
        if base64.b64decode(objects["skerry-authority"]["data"]["tls.crt"]).decode().strip() != objects["skerry-ca"]["data"]["ca.crt"].strip():
            said.append(f"{who}: ca.crt is not the authority's")
        for name in KEYS.keys() - {"skerry-authority"}:
            for value in objects[name]["data"].values():
                token = base64.b64decode(value).decode()
                if not (48 <= len(token) <= 256 and token.isascii() and token.isalnum()):
                    said.append(f"{who}: {name} is '{token}'")
    report.complaints("what is made", "an authority on P-256, tokens of 48 letters and more", said, 2 * len(KEYS))


def all_replaceable(report, rendered):
    """Of the sets that bring their own, no object names a Secret that the chart would have made."""
    said, looked_at = [], 0
    own = rendered["existing-secrets.yaml"]
    for one in own.objects:
        for name in referenced(one):
            looked_at += 1
            if not name.startswith("my-"):
                said.append(f"{one['kind']} {one['metadata']['name']} names {name}")
    said += [f"{one['kind']} {one['metadata']['name']} is made" for one in own.of("Secret")]
    said += [f"custom-ca.yaml: {name} is made" for name in made(rendered["custom-ca.yaml"]).keys() & {"skerry-authority", "skerry-ca"}]
    said += [f"agents-only.yaml: {name} is made" for name in made(rendered["agents-only.yaml"])]
    report.complaints("existing secrets", "every Secret can be somebody else's, and then none is made", said, looked_at)


def nobody_holds_more(report, rendered):
    said, looked_at = [], 0
    for one in rendered["minimal.yaml"].objects:
        pod = pod_of(one)
        if not pod:
            continue
        part = pod[0]["labels"]["app.kubernetes.io/component"]
        held = set(referenced(pod[1].get("volumes", [])))
        looked_at += len(held)
        if part == "controller":
            said += [f"the controller lacks {name}" for name in KEYS.keys() - held]
        else:
            said += [f"pods of {part} hold {name}" for name in held - MAY_HOLD[part]]
            said += [f"pods of {part} lack {name}" for name in MAY_HOLD[part] - held]
        for volume in pod[1].get("volumes", []):
            if "projected" in volume and volume["projected"].get("defaultMode") != 0o440:
                said.append(f"{part}: its files have the mode {volume['projected'].get('defaultMode'):o}")
    report.complaints("who holds what", "agents and the test have their own key alone, files are their group's", said, looked_at)
