"""Checks of the values: what is refused and how that is said, what each does, and that all are described."""

import concurrent.futures
import copy
import json
import os
import re

from chart import made, values

from . import api_schemas, pod_standard
from .rendering import CHART, Refused, identity, pod_of

DIGEST = "sha256:" + "a1" * 32
TIER = {"agents": {"tiers": {"shop": {"localApi": {"enabled": True}}}}}
# Wrong values, and what the complaint has to say of them.
WRONG = [
    ({"controler": {}}, "controler"),
    ({"controller": {"replicas": 3}}, "replicas"),
    ({"controller": {"service": {"type": "External"}}}, "LoadBalancer"),
    ({"controller": {"service": {"apiPort": 70000}}}, "65,535"),
    ({"controller": {"service": {"apiPort": "8443"}}}, "want integer"),
    ({"controller": {"image": {"digest": "0123"}}}, "sha256"),
    ({"controller": {"persistence": {"accessModes": ["ReadWriteMany"]}}}, "ReadWriteOnce"),
    ({"controller": {"enabled": "yes"}}, "want boolean"),
    ({"agents": {"tiers": {"shop": {"teir": "edge"}}}}, "teir"),
    ({"agents": {"tiers": {"shop": {"tier": "fog"}}}}, "cloud"),
    ({"agents": {"tiers": {"A Shop": {}}}}, "at most 20 characters"),
    ({"tokens": {"extra": [{"name": "camera", "role": "submitter"}]}}, "existingSecret"),
    ({"tokens": {"extra": [{"name": "camera", "role": "root", "existingSecret": "x"}]}}, "viewer"),
    ({"join": {"extraKeys": [{"name": "shops", "existingSecret": "x"}]}}, "nodes"),
    ({"externalController": {"url": "http://skerry.example.com"}}, "https"),
    ({"networkPolicy": {"clients": [{}]}}, "clients"),
    # What contradicts, is refused by a sentence that says what to do.
    ({"controller": {"settings": {"insecure_dev": True}}}, "nothing runs in plain text"),
    ({"controller": {"settings": {"agent_tls": False}}}, "nothing runs in plain text"),
    ({"controller": {"settings": {"allow_anonymous": True}}}, "nobody without a name"),
    ({"controller": {"extraEnv": [{"name": "SKERRY_CONTROLLER_INSECURE_DEV", "value": "true"}]}}, "SKERRY_CONTROLLER_INSECURE_DEV is refused"),
    ({"agents": {"defaults": {"settings": {"insecure_dev": True}}}}, "nothing runs in plain text"),
    ({"agents": {"tiers": {"cloud": {"settings": {"local_api": {"allow_anonymous": True}}}}}}, "nobody without a name"),
    ({"agents": {"tiers": {"cloud": {"extraEnv": [{"name": "SKERRY_AGENT_LOCAL_API_ALLOW_ANONYMOUS", "value": "true"}]}}}}, "is refused"),
    (TIER, "agents.tiers.shop.localApi.existingSecret must name a Secret"),
    ({"controller": {"settings": {"token_files": []}}}, "controller.settings.token_files is refused: the chart sets it; use tokens"),
    ({"controller": {"settings": {"api_tls": {"client_ca_file": "/x"}}}}, "use controller.tls and controller.names"),
    ({"agents": {"defaults": {"settings": {"name": "x"}}}}, "agents.tiers.cloud.settings.name is refused: the chart sets it; use agents.namePrefix"),
    ({"agents": {"tiers": {"cloud": {"settings": {"local_api": {"listen": "127.0.0.1:1"}}}}}}, "use localApi.port"),
    ({"prometheusRule": {"enabled": True, "disabled": {"SkerryOen": True}}}, "SkerryOen: there is no such alert; there are SkerryOne, SkerryTwo"),
    ({"gateway": {"apiVersion": "v1"}}, "v1alpha3"),
    ({"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, "counted twice"),
    ({"ingress": {"enabled": True}}, "ingress.hosts must name at least one host"),
    ({"ingress": {"enabled": True, "hosts": ["a.example"]}}, "no certificate for the host a.example"),
    ({"gateway": {"agents": {"enabled": True}}}, "gateway.agents needs parentRefs and hostnames"),
    ({"authority": {"existingSecret": "mine"}}, "authority.existingSecret needs trust.existingConfigMap or trust.existingSecret"),
    ({"controller": {"tls": {"existingSecret": "mine"}}}, "controller.tls.existingSecret needs trust"),
    ({"trust": {"existingSecret": "a", "existingConfigMap": "b"}}, "both set"),
    ({"controller": {"enabled": False}}, "externalController.url must say"),
    ({"controller": {"enabled": False}, "externalController": {"url": "https://a"}}, "join.existingSecret must name"),
    ({"controller": {"enabled": False}, "externalController": {"url": "https://a"}, "join": {"existingSecret": "a"}}, "trust.existingConfigMap or"),
    ({"controller": {"enabled": False}, "agents": {"enabled": False}}, "nothing is left to install"),
]
LONGEST_COMPLAINT = 400


def wrong_values(report, helm):
    said = []
    for given, wanted in WRONG:
        try:
            helm.template(values=given)
            said.append(f"{given} is taken")
        except Refused as refused:
            text = str(refused)
            if wanted not in text:
                said.append(f"{given}: '{wanted}' is not in: {text}")
            if len(text) > LONGEST_COMPLAINT:
                said.append(f"{given}: a complaint of {len(text)} letters: {text}")
    report.complaints("wrong values", "refused, with what is wrong", said, len(WRONG))


def nested(path, value):
    for part in reversed(path):
        value = {part: value}
    return value


def every_toggle(report, helm, folder):
    """Each boolean turned alone: the objects stay whole, or a sentence says what else is needed."""
    newest = max((folder / "schemas").iterdir(), key=lambda version: tuple(map(int, version.name.split(".")))) if folder else None
    said, count = [], 0
    for value in values.read():
        if not isinstance(value.default, bool):
            continue
        count += 1
        try:
            found = helm.template(values=nested(value.path, not value.default))
        except Refused as refused:
            if "execution error at" not in str(refused):
                said.append(f"{value.name}: {refused}")
            continue
        said += [f"{value.name}: {text}" for one in found.objects for text in (api_schemas.complaints(one, newest) if newest else [])]
        said += [f"{value.name}: {text}" for one in found.objects if pod_of(one) for text in pod_standard.complaints(pod_of(one)[1])]
    report.complaints("every toggle", "turned alone, gives good objects or a sentence", said, count)


def every_value_acts(report, helm, base):
    """A value that changes nothing is a promise that nobody keeps: each is given something else, over the set with everything on."""
    looked_at = [value for value in values.read() if value.path[0] not in IDLE_BY_NATURE and value.name not in IDLE]
    companions = {json.dumps(one, sort_keys=True): one for one in [{}, *COMPANIONS.values()]}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # it is helm that takes the time
        before = dict(zip(companions, pool.map(lambda one: comparable(helm.template(values=with_values(base, one))), companions.values())))
        said = pool.map(lambda value: idle(helm, base, value, before), looked_at)
        report.complaints("every value", "changes something in the objects", filter(None, said), len(looked_at))


def idle(helm, base, value, before):
    """A complaint if the value changes nothing; before: what is rendered without it, by its companions."""
    companions = COMPANIONS.get(value.name, {})
    without = with_values(base, companions)
    given = other(value, at(without, value.path, value.default))
    try:
        now = comparable(helm.template(values=with_values(without, {value.name: given})))
    except Refused as refused:
        return f"{value.name} = {given!r}: {refused}"
    return f"{value.name} = {given!r} changes nothing" if now == before[json.dumps(companions, sort_keys=True)] else ""


IDLE_BY_NATURE = {"global", "externalController"}
IDLE = {"authority.days", "controller.enabled", "secrets.create", "agents.tiers"}  # seen in certificates, and by checks of their own
UNCLAIMED = {"controller.persistence.existingClaim": ""}
COMPANIONS = {
    **{f"controller.persistence.{name}": UNCLAIMED for name in ("size", "storageClass", "accessModes", "annotations")},
    "authority.existingSecret": {"trust.existingConfigMap": "roots"},
    "controller.tls.existingSecret": {"trust.existingConfigMap": "roots"},
    "trust.key": {"trust.existingConfigMap": "roots"},
    "controller.service.loadBalancerClass": {"controller.service.type": "LoadBalancer"},
    "priorityClass.create": {"controller.priorityClassName": ""},
    "ingress.hosts": {"ingress.tls": [{"secretName": "x", "hosts": ["reef.example.com", "other.example.com"]}]},
    "agents.defaults.tier": {"agents.tiers.other": {}},
    "podMonitor.enabled": {"serviceMonitor.enabled": False},
    **{f"podMonitor.{name}": {"serviceMonitor.enabled": False, "podMonitor.enabled": True}
       for name in ("labels", "annotations", "interval", "scrapeTimeout", "relabelings", "metricRelabelings")},
}
OTHER = {
    "controller.image.digest": DIGEST, "agents.image.digest": DIGEST, "agents.image.slimDigest": DIGEST, "tests.image.digest": DIGEST,
    "controller.service.type": "ClusterIP", "controller.service.externalTrafficPolicy": "Local", "image.pullPolicy": "Never",
    "controller.persistence.accessModes": ["ReadWriteOncePod"], "controller.apiUrl": "https://other.example.com",
    "agents.defaults.tier": "device", "agents.defaults.state.hostPath": "/var/lib/skerry", "agents.defaults.settings": {"slots": 3},
    "ingress.hosts": ["reef.example.com", "other.example.com"], "controller.podDisruptionBudget.maxUnavailable": 0,
    "tokens.extra": [], "join.extraKeys": [], "extraObjects": [], "controller.settings": {"threads": 3}, "image.pullSecrets": [{"name": "other"}],
    "prometheusRule.disabled": {}, "prometheusRule.overrides": {}, "prometheusRule.extraGroups": [], "priorityClass.value": 7,
    "gateway.apiVersion": "gateway.networking.k8s.io/v1alpha3",
    "ingress.tls": [{"secretName": "other", "hosts": ["reef.example.com"]}],
}


def with_values(given, more):
    """A copy of the values with some others, by their dotted names."""
    made_of = copy.deepcopy(given)
    for dotted, value in more.items():
        *path, last = dotted.split(".")
        here = made_of
        for part in path:
            here = here.setdefault(part, {})
        here[last] = value
    return made_of


def at(given, path, default):
    for part in path:
        given = given.get(part, {}) if isinstance(given, dict) else {}
    return given if given != {} else default


def other(value, now):
    """Something else than the value has, of its type."""
    if value.name in OTHER:
        return OTHER[value.name]
    if isinstance(value.default, bool):
        return not now
    if isinstance(value.default, int):
        return now + 7
    if isinstance(value.default, str):
        return f"{now}m" if re.fullmatch(r"\d+m?", now) else "9Gi" if now.endswith("Gi") else f"{now}-other" if now else "other"
    if isinstance(value.default, list):
        items = value.rules.get("items", {})
        if items.get("type") == "integer":
            return [5353]
        if items.get("type") == "string":
            return ["other"]
        if "mountPath" in items.get("required", []):
            return [{"name": "more", "mountPath": "/other"}]
        return [{"name": "other"}]
    if value.name.endswith("Probe"):
        return {"periodSeconds": 17}
    return {"other": "9"}


def comparable(found):
    return {identity(one): one | {"data": None} if one["kind"] == "Secret" or one["metadata"]["name"].endswith("-ca") else one for one in found.objects}


def described(report):
    """values.yaml, the schema and the README's table have the same values, each described; nothing else is allowed."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    known = {value.name: value for value in values.read()}
    said, found = [], {}

    def walk(section, path):
        if section.get("additionalProperties") is not False:
            said.append(f"{'.'.join(path) or 'the root'} takes anything")
        for name, inner in section["properties"].items():
            here = (*path, name)
            if "description" in inner:
                found[".".join(here)] = inner
            elif "properties" in inner:
                walk(inner, here)
            else:
                said.append(f"{'.'.join(here)} has no description in the schema")

    walk(schema, ())
    said += [f"{name} is not in values.schema.json" for name in known.keys() - found.keys()]
    said += [f"{name} is in values.schema.json alone" for name in found.keys() - known.keys()]
    said += [f"{name}: the schema's default is {found[name]['default']}" for name in known.keys() & found.keys() if found[name]["default"] != known[name].default]
    said += [f"{name} is not in the README's table" for name in known if f"| `{name}` |" not in readme]
    said += [f"{name}: '{value.description}' says too little" for name, value in known.items() if len(value.description) < 5]
    if made.schema() != (CHART / "values.schema.json").read_text(encoding="utf-8"):
        said.append("values.schema.json is not current: scripts/chart-files")
    report.complaints("described", "every value is in values.yaml, the schema and the table", said, len(known))


def digests(report, helm):
    """An image that is named by its digest is fetched by it, whatever the tag says; the registry is the mirror's."""
    image = {"digest": DIGEST, "tag": "0.0.1"}
    found = helm.template(values={"image": {"registry": "mirror.example"}, "controller": {"image": image}, "tests": {"image": image},
                                  "agents": {"image": {**image, "slimDigest": DIGEST}, "tiers": {"slim": {"slim": True}}}})
    images = sorted({container["image"] for one in found.objects if pod_of(one) for container in pod_of(one)[1]["containers"]})
    wanted = sorted(f"mirror.example/skerry/{name}@{DIGEST}" for name in ("skerry-agent", "skerry-agent-slim", "skerry-controller", "skerryctl"))
    report.complaints("digests", "images by digest, from one's own registry", [] if images == wanted else [f"{images}"], len(images))
