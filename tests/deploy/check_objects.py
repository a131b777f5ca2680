"""Checks of the rendered objects, over all sets of values."""

from . import api_schemas, golden, network, pod_standard
from .rendering import NAMESPACE, SECRET_HOOK, pod_of

LASTING = {"StatefulSet": ("selector", "serviceName", "podManagementPolicy"), "DaemonSet": ("selector",)}


def pods(rendered):
    return [(f"{name}: {one['kind']} {one['metadata']['name']}", pod_of(one)) for name, found in rendered.items() for one in found.objects if pod_of(one)]


def golden_files(report, rendered, update):
    for name, found in rendered.items():
        if update and golden.update(name, found.objects):
            print(f"golden/{name} written")
        differs = golden.difference(name, found.objects)
        report.add(f"golden/{name}", "as the golden file says", f"{len(found.objects)} objects" + (f" differ\n{differs}" if differs else " are the same"), not differs)


def schemas(report, rendered, folder):
    versions = sorted((folder / "schemas").iterdir()) if folder else []
    if not versions:
        return report.skipped("api schemas", "", "the schemas of Kubernetes are not here: scripts/install-deps --deploy")
    objects = [one for found in rendered.values() for one in found.objects]
    said = [text for version in versions for one in objects for text in api_schemas.complaints(one, version)]
    names = ", ".join(version.name for version in versions)
    report.complaints("api schemas", f"every object is one of Kubernetes {names}, without unknown fields", said, len(objects) * len(versions))


def standard(report, rendered):
    """All pods but those of a tier whose state is in a folder of the node, which says so."""
    said, looked_at = [], 0
    for who, (_, spec) in pods(rendered):
        looked_at += 1
        for text in pod_standard.complaints(spec):
            if not text.endswith("is a hostPath"):
                said.append(f"{who}: {text}")
            elif "tiers.yaml" not in who or "agent-shop" not in who:
                said.append(f"{who}: {text}, and no value asked for it")
    report.complaints("restricted", "every pod fits the restricted pod security standard", said, looked_at)


def no_rights(report, rendered):
    said = []
    for name, found in rendered.items():
        said += [f"{name}: {one['kind']} {one['metadata']['name']}" for one in found.objects if one["kind"].endswith(("Role", "RoleBinding"))]
        said += [f"{name}: the account {one['metadata']['name']} has a token" for one in found.of("ServiceAccount")
                 if one.get("automountServiceAccountToken") is not False]
    said += [f"{who}: mounts a token" for who, (_, spec) in pods(rendered) if spec.get("automountServiceAccountToken") is not False]
    report.complaints("no rights", "no roles, and no pod gets a token of Kubernetes", said, len(pods(rendered)))


def lasting_fields(report, rendered):
    """What Kubernetes lets nobody change is the same for every set of values that keeps the names."""
    seen, said, looked_at = {}, [], 0
    for name, found in rendered.items():
        for one in found.of(*LASTING):
            if not one["metadata"]["name"].startswith("skerry"):
                continue  # other names make other objects
            looked_at += 1
            fixed = {field: one["spec"].get(field) for field in LASTING[one["kind"]]}
            first = seen.setdefault((one["kind"], one["metadata"]["name"]), (name, fixed))
            if first[1] != fixed:
                said.append(f"{one['metadata']['name']}: {name} has {fixed}, {first[0]} has {first[1]}")
            selector, labels = fixed["selector"]["matchLabels"], one["spec"]["template"]["metadata"]["labels"]
            if not network.selects({"matchLabels": selector}, labels):
                said.append(f"{name}: {one['metadata']['name']} does not select its own pods")
            if any("chart" in key or "version" in key for key in labels):
                said.append(f"{name}: pods of {one['metadata']['name']} change with the chart's version")
    report.complaints("selectors", "what cannot be changed is the same for all values", said, looked_at)


def probes(report, rendered):
    said, looked_at = [], 0
    for who, (_, spec) in pods(rendered):
        for container in spec["containers"]:
            if container["name"] == "test":
                continue
            looked_at += 1
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                if kind not in container:
                    said.append(f"{who}: no {kind}")
                    continue
                probe = container[kind]
                asks = probe.get("httpGet", {}).get("path") or " ".join(probe.get("exec", {}).get("command", []))
                for_ready = "ready" in asks
                if for_ready != (kind == "readinessProbe"):
                    said.append(f"{who}: {kind} asks {asks}: only readiness may depend on the store and on others")
                if probe.get("httpGet", {"scheme": "HTTPS"})["scheme"] != "HTTPS":
                    said.append(f"{who}: {kind} in plain text")
            grace = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0) + 10
            if spec["terminationGracePeriodSeconds"] <= grace:
                said.append(f"{who}: is killed before it may end")
    report.complaints("probes", "startup, liveness and readiness; liveness looks at the process alone", said, looked_at)


def networks(report, rendered):
    """Every port that something listens on is reachable for whoever needs it, and for nobody else of the release."""
    said, looked_at = [], 0
    for name, found in rendered.items():
        said += [f"{name}: {text}" for text in network.open_rules(found.objects)]
        if not found.of("NetworkPolicy"):
            continue
        by_part = {meta["labels"]["app.kubernetes.io/component"]: (meta["labels"], spec) for meta, spec in filter(None, map(pod_of, found.objects))}
        stranger = {"app.kubernetes.io/name": "somebody"}
        for part, (labels, spec) in by_part.items():
            if not network.policies_of(found.objects, labels, "Ingress") or not network.policies_of(found.objects, labels, "Egress"):
                said.append(f"{name}: no policy selects the pods of {part}")
            ports = {port["name"]: port["containerPort"] for container in spec["containers"] for port in container.get("ports", [])}
            for port in ports:
                looked_at += 1
                callers = {"api": {"agent", "test"}, "agents": {"agent"}, "local": set()}[port] & by_part.keys()
                for caller in callers:
                    if not network.lets_in(found.objects, (labels, ports), ports[port], by_part[caller][0]):
                        said.append(f"{name}: {caller} may not reach {port} of {part}")
                    if not network.lets_out(found.objects, by_part[caller][0], ports[port], labels):
                        said.append(f"{name}: {caller} may not call {port} of {part}")
                if port == "agents" and network.lets_in(found.objects, (labels, ports), ports[port], stranger):
                    said.append(f"{name}: anybody may reach {port}")
        if "controller" not in by_part:
            looked_at += 2
            agent = by_part["agent"][0]
            said += [f"{name}: agents may not call port {port} of the controller outside" for port in (8443, 8444)
                     if not network.lets_out(found.objects, agent, port, None)]
    report.complaints("network policies", "they cover every port in use, and no rule is for everybody by an empty list", said, looked_at)


def services(report, rendered):
    """A Service's ports are those of the pods it selects, and the agents' port is the same outside and inside: agents are told it."""
    said, looked_at = [], 0
    for name, found in rendered.items():
        for one in found.of("Service"):
            selected = [spec for meta, spec in filter(None, map(pod_of, found.objects)) if network.selects({"matchLabels": one["spec"]["selector"]}, meta["labels"])]
            ports = {port["name"]: port["containerPort"] for spec in selected for container in spec["containers"] for port in container.get("ports", [])}
            for port in one["spec"]["ports"]:
                looked_at += 1
                if port["targetPort"] not in ports:
                    said.append(f"{name}: {one['metadata']['name']} leads {port['name']} to no port")
                elif port["name"] == "agents" and port["port"] != ports["agents"]:
                    said.append(f"{name}: agents are told {ports['agents']} and the Service has {port['port']}")
    report.complaints("services", "they lead to ports of pods", said, looked_at)


def metadata(report, rendered):
    """Everything is labelled as Kubernetes recommends, and namespaced objects say their namespace."""
    said, looked_at = [], 0
    for name, found in rendered.items():
        for one in found.objects:
            if one["metadata"]["name"].startswith("extra-"):
                continue
            looked_at += 1
            lacking = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
            lacking -= one["metadata"].get("labels", {}).keys()
            who = f"{name}: {one['kind']} {one['metadata']['name']}"
            if lacking:
                said.append(f"{who}: lacks {sorted(lacking)}")
            namespace = one["metadata"].get("namespace")
            if one["kind"] != "PriorityClass" and namespace not in (NAMESPACE, "grafana"):
                said.append(f"{who}: is in {namespace}")
            hook = one["metadata"].get("annotations", {}).get("helm.sh/hook")
            if one["kind"] == "Secret" and hook != SECRET_HOOK:
                said.append(f"{who}: an upgrade would change it")
    report.complaints("labels", "recommended labels and a namespace on every object", said, looked_at)


def images(report, rendered):
    said = []
    for who, (_, spec) in pods(rendered):
        for container in spec["containers"]:
            if container["image"].rpartition(":")[2] in ("", "latest") or "/" not in container["image"]:
                said.append(f"{who}: {container['image']}")
            if not container["resources"].get("requests") or "memory" not in container["resources"].get("limits", {}):
                said.append(f"{who}: no requests, or no limit of memory")
    report.complaints("images", "a version and a registry, requests and a limit of memory", said, len(pods(rendered)))
