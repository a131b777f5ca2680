"""Checks of what the programs are given: no plain text, and their own `config validate` takes each file that was rendered."""

import os
import pathlib
import re
import subprocess
import tempfile

import yaml

PROGRAMS = {"controller.yaml": "controller/skerry-controller", "agent.yaml": "agent/skerry-agent"}
# A small file with the newest setting that the chart needs: a program that does not know it is older than the chart.
NEWEST = {
    "controller.yaml": "apiVersion: skerry/v1\nkind: ControllerConfig\ntoken_files: []\njoin_keys: []\n",
    "agent.yaml": "apiVersion: skerry/v1\nkind: AgentConfig\njoin: {url: 'https://a:1', key_file: /k, ca_file: /c}\n",
}


def files(rendered):
    return [(name, config, key, text) for name, found in rendered.items() for config, (key, text) in found.files().items()]


def plain_text(report, rendered):
    """Whatever listens does so with TLS, and whoever calls knows whom."""
    said = []
    for name, config, key, text in files(rendered):
        told = yaml.safe_load(text)
        who = f"{name}: {config}"
        if told.get("insecure_dev") or told.get("allow_anonymous") or told.get("agent_tls") is False:
            said.append(f"{who} is insecure")
        if key == "controller.yaml":
            tls = told["api_tls"]
            if not (tls.get("built_in") is True or tls.get("certificate_file") and tls.get("key_file")):
                said.append(f"{who}: the API has no certificate")
        else:
            join = told["join"]
            if not (join["url"].startswith("https://") and join["ca_file"] and join["key_file"]):
                said.append(f"{who}: joins whoever answers")
            if "local_api" in told and not told["local_api"]["tls"].get("certificate_file"):
                said.append(f"{who}: its own API has no certificate")
    for name, found in rendered.items():
        for one in found.objects:
            if "http://" in yaml.safe_dump(one.get("spec", {})):
                said.append(f"{name}: {one['kind']} {one['metadata']['name']} has an http:// URL")
        for one in found.of("ServiceMonitor", "PodMonitor"):
            for end in one["spec"].get("endpoints", []) + one["spec"].get("podMetricsEndpoints", []):
                if end["scheme"] != "https" or "ca" not in end["tlsConfig"] or "credentials" not in end["authorization"]:
                    said.append(f"{name}: {one['kind']} scrapes without TLS or without a token")
        said += [f"{name}: an Ingress without TLS" for one in found.of("Ingress") if not one["spec"].get("tls")]
    report.complaints("no plain text", "every listener has TLS, every caller knows the authority", said, len(files(rendered)))


def mounted_files(report, rendered):
    """Every file that a configuration names is one that its pod mounts."""
    said, looked_at = [], 0
    for name, found in rendered.items():
        for config, (_, text) in found.files().items():
            workload = next(one for one in found.of("StatefulSet", "DaemonSet") if one["metadata"]["name"] == config)
            spec = workload["spec"]["template"]["spec"]
            projected = next(volume["projected"]["sources"] for volume in spec["volumes"] if volume["name"] == "files")
            there = {f"/etc/skerry/{item['path']}" for source in projected for kind in source.values() for item in kind["items"]}
            for path in re.findall(r"/etc/skerry/\S+", text):
                looked_at += 1
                if path not in there:
                    said.append(f"{name}: {config} names {path}, which is not mounted")
            args = [word for container in spec["containers"] for word in container["args"] if word.startswith("/etc/")]
            said += [f"{name}: {config} is started with {word}, which is not mounted" for word in args if word not in there]
    report.complaints("files", "what a configuration names is mounted", said, looked_at)


def validate(program, text):
    """The complaints of the program's own `config validate`."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        told = subprocess.run([str(program), "config", "validate", file.name], capture_output=True, text=True, check=False, timeout=60)
    return [] if told.returncode == 0 else (told.stdout + told.stderr).replace(file.name, "the file").strip().splitlines() or [f"exit {told.returncode}"]


def program_complaints(report, rendered):
    build = os.environ.get("SKERRY_BUILD")
    for key, path in PROGRAMS.items():
        asked = f"{path.rpartition('/')[2]} config validate takes every {key}"
        program = pathlib.Path(build or "/nonexistent") / path
        if not program.exists():
            report.skipped(key, asked, f"no {path} here: SKERRY_BUILD names a build folder")
            continue
        if validate(program, NEWEST[key]):
            report.skipped(key, asked, f"this {program.name} does not know the chart's settings yet: {validate(program, NEWEST[key])[0]}")
            continue
        mine = [(name, config, text) for name, config, kind, text in files(rendered) if kind == key]
        said = [f"{name}: {config}: {line}" for name, config, text in mine for line in validate(program, text)]
        report.complaints(key, asked, said, len(mine))
