"""What NetworkPolicies let through, over the objects that were rendered: for ports that pods listen on, and for what they call."""


def selects(selector, labels):
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def policies_of(objects, labels, direction):
    """Those that select a pod with these labels, for "Ingress" or "Egress"."""
    return [one["spec"] for one in objects if one["kind"] == "NetworkPolicy" and direction in one["spec"]["policyTypes"]
            and selects(one["spec"]["podSelector"], labels)]


def port_matches(wanted, container_ports, allowed):
    """allowed: an entry of `ports`; its port is a number, or the name of a container's."""
    return allowed.get("protocol", "TCP") == "TCP" and allowed.get("port") in (wanted, *(name for name, number in container_ports.items() if number == wanted))


def lets_in(objects, pod, port, caller):
    """Whether a pod of this release with the caller's labels may reach the port of the pod. pod: its labels and its named ports."""
    labels, ports = pod
    found = policies_of(objects, labels, "Ingress")
    return not found or any(
        any(port_matches(port, ports, allowed) for allowed in rule.get("ports", []))
        and any("podSelector" in peer and "namespaceSelector" not in peer and selects(peer["podSelector"], caller) for peer in rule["from"])
        for policy in found for rule in policy.get("ingress") or [])


def lets_out(objects, labels, port, target):
    """Whether a pod may call the port of another with the target's labels; target None: of anybody outside."""
    found = policies_of(objects, labels, "Egress")
    return not found or any(
        any(allowed.get("port") == port for allowed in rule.get("ports", []))
        and ("to" not in rule or target is not None and any("podSelector" in peer and selects(peer["podSelector"], target) for peer in rule["to"]))
        for policy in found for rule in policy.get("egress") or [])


def open_rules(objects):
    """Rules with an empty list of peers, which Kubernetes takes for everybody: nobody means that."""
    for one in objects:
        if one["kind"] != "NetworkPolicy":
            continue
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in one["spec"].get(direction) or []:
                if rule.get(peers, True) in ([], None) or (direction == "ingress" and peers not in rule):
                    yield f"{one['metadata']['name']}: {direction} for everybody"
