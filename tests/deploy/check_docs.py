"""Checks of what docs/deploy-kubernetes.md and the chart's README tell people to type: values that render, files and objects that are there."""

import re
import shlex

import yaml
from chart import values

from . import api_schemas
from .rendering import ROOT, Refused

PAGES = [ROOT / "docs" / "deploy-kubernetes.md", ROOT / "helm" / "skerry" / "README.md"]
VALUELESS = {"--create-namespace", "--wait", "--logs", "--reset-then-reuse-values", "--install"}
WITH_VALUE = {"--namespace", "--timeout"}
SCRIPTS = re.compile(r"\b(?:scripts|helm)/[a-z./-]*[a-z]\b")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text):
    """Lines of the page's sh blocks as lists of words, with lines that go on joined; pipes and lists split."""
    for block in blocks(text, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words:
                end = next((index for index, word in enumerate(words) if word in ("|", "&&", "&", ">")), len(words))
                yield words[:end]
                words = words[end + 1:]


def chart_flags(words):
    """The --set and --values of a helm command, and flags that are none of those that are known."""
    flags, unknown = [], []
    words = iter(words)
    for word in words:
        if word in ("--set", "--values"):
            flags += [word, next(words)]
        elif word in WITH_VALUE:
            next(words)
        elif word.startswith("-") and word not in VALUELESS:
            unknown.append(word)
    return flags, unknown


def documented(report, helm, folder):
    newest = max((folder / "schemas").iterdir(), key=lambda version: tuple(map(int, version.name.split(".")))) if folder else None
    known_sections = {value.path[0] for value in values.read()}
    there = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in helm.template(values={"serviceMonitor": {"enabled": True}}).objects}
    there |= {"pvc/data-skerry-controller-0", "configmap/skerry-dashboards", "configmap/skerry-roots", "namespace/skerry"}
    said, looked_at = [], 0
    for page in PAGES:
        text, files = page.read_text(encoding="utf-8"), {}
        for block in blocks(text, "yaml"):
            looked_at += 1
            name = re.match(r"# (\S+\.yaml)\n", block)
            content = yaml.safe_load(block)
            if name:
                files[name.group(1)] = content
            if "apiVersion" in content:
                found = api_schemas.complaints(content, newest) if newest else []
                said += [f"{page.name}: {line}" for line in found if "knows no" not in line]
            elif content.keys() <= known_sections:
                try:
                    helm.template(values=content)
                except Refused as refused:
                    said.append(f"{page.name}: {name and name.group(1)}: {refused}")
        for words in commands(text):
            looked_at += 1
            if words[0] == "helm" and words[1] in ("install", "upgrade", "template"):
                flags, unknown = chart_flags(words[2:])
                said += [f"{page.name}: {' '.join(words)}: {flag}?" for flag in unknown]
                given = [flag for flag in flags if flag not in files]
                said += [f"{page.name}: {flag} is no file of this page" for flag in flags if flag.endswith(".yaml") and flag not in files]
                sets = [word for index, word in enumerate(given) if word == "--set" or index and given[index - 1] == "--set"]
                try:
                    helm.template(*sets)
                except Refused as refused:
                    said.append(f"{page.name}: {' '.join(words)}: {refused}")
            for path in filter(SCRIPTS.fullmatch, words):
                if not (ROOT / path).exists() and path != "helm/skerry/dashboards":
                    said.append(f"{page.name}: there is no {path}")
            for kind, name in re.findall(r"\b(statefulset|daemonset|service|secret|configmap|pvc|namespace)[/ ](skerry[a-z0-9-]*|data-[a-z0-9-]*)", " ".join(words)):
                if f"{kind}/{name}" not in there:
                    said.append(f"{page.name}: {' '.join(words)}: there is no {kind} {name}")
    report.complaints("documentation", "what it says to type renders, and names what is there", said, looked_at)
