"""As much of a Kubernetes API as helm's `lookup` asks for: which resources there are, and Secrets and ConfigMaps by name."""

import http.server
import json
import threading

RESOURCES = {"Secret": "secrets", "ConfigMap": "configmaps"}
# What there is besides, since helm asks where the rest of the chart would go. It is never asked for by name.
GROUPS = {"v1": {**RESOURCES, "Service": "services", "ServiceAccount": "serviceaccounts", "Pod": "pods"},
          "apps/v1": {"StatefulSet": "statefulsets", "DaemonSet": "daemonsets"},
          "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
          "networking.k8s.io/v1": {"NetworkPolicy": "networkpolicies"}}


def group(version):
    named = {"groupVersion": version, "version": version.rpartition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [named], "preferredVersion": named}


def resources(version):
    return {"kind": "APIResourceList", "groupVersion": version, "resources": [
        {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": ["get", "list"]} for kind, name in GROUPS[version].items()]}


class Cluster:
    """Serves the objects on a port of loopback while in `with`. `without`: names that it does not have for now."""

    def __init__(self, namespace, objects):
        self.namespace = namespace
        self.objects = {(RESOURCES[one["kind"]], one["metadata"]["name"]): one for one in objects}
        self.without = set()

    def answer(self, path):
        path = path.partition("?")[0].rstrip("/")
        if path == "/version":
            return {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(version) for version in GROUPS if "/" in version]}
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version in GROUPS:
            return resources(version)
        begin = f"/api/v1/namespaces/{self.namespace}/"
        if path.startswith(begin):
            resource, _, name = path.removeprefix(begin).partition("/")
            return None if name in self.without else self.objects.get((resource, name))
        return None

    def __enter__(self):
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                found = cluster.answer(self.path)
                body = json.dumps(found or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
