"""The restricted pod security standard of Kubernetes, as checks of a pod's spec; each yields what the pod does that it may not.

https://kubernetes.io/docs/concepts/security/pod-security-standards/, baseline and restricted, as of Kubernetes 1.34.
"""

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SYSCTLS = {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
           "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
           "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def containers(spec):
    return [*spec.get("initContainers", []), *spec.get("containers", []), *spec.get("ephemeralContainers", [])]


def of_the_pod(spec):
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is set"
    for volume in spec.get("volumes", []):
        for kind in volume.keys() - {"name"} - VOLUMES:
            yield f"the volume {volume['name']} is a {kind}"
    context = spec.get("securityContext", {})
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield f"the sysctl {sysctl['name']} is set"
    if 0 in (context.get("runAsUser"), context.get("fsGroup"), context.get("runAsGroup"), *context.get("supplementalGroups", [])):
        yield "user or group 0"


def of_a_container(container, pod):
    context = container.get("securityContext", {})

    def effective(name):
        return context.get(name, pod.get(name))

    if context.get("privileged"):
        yield "is privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "may escalate its privileges"
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "does not drop all capabilities"
    if set(context.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if effective("runAsNonRoot") is not True:
        yield "may run as root"
    if effective("runAsUser") == 0:
        yield "runs as root"
    if (effective("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"
    if (effective("appArmorProfile") or {}).get("type") == "Unconfined":
        yield "has no AppArmor profile"
    if (effective("seLinuxOptions") or {}).get("type", "") not in SELINUX_TYPES:
        yield "has an SELinux type of its own"
    if context.get("procMount", "Default") != "Default":
        yield "has a /proc of its own"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "takes a port of the node"
    # Not of the standard, and ours all the same.
    if context.get("readOnlyRootFilesystem") is not True:
        yield "may write to its root filesystem"


def complaints(spec):
    """What the pod does that the standard forbids; [] if it may be let in."""
    pod = spec.get("securityContext", {})
    said = list(of_the_pod(spec))
    for container in containers(spec):
        said += [f"the container {container['name']} {what}" for what in of_a_container(container, pod)]
    return said
