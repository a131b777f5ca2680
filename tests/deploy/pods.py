"""Runs what the chart's pods would run, without Kubernetes: their commands, variables, files and probes, as processes of this machine.

Files are laid out and owned as the kubelet does it: links into a folder that is swapped as a whole, root's with the mode of the
volume and the group of the pod. A pod runs as its user where the tests are root, else as theirs, and then the files are theirs.
Only paths, the service's name and the ports are others than in the cluster.
"""

import base64
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import urllib.request

from harness.processes import Process

from .rendering import pod_of


def is_root():
    return os.geteuid() == 0


def content_of(source, objects):
    """{path: bytes} that a source of a projected volume brings."""
    kind, told = next(iter(source.items()))
    found = objects.one({"secret": "Secret", "configMap": "ConfigMap"}[kind], told["name"])["data"]
    return {item["path"]: base64.b64decode(found[item["key"]]) if kind == "secret" else found[item["key"]].encode() for item in told["items"]}


class Volume:
    """A mounted volume of files, which replace() changes as the kubelet does: all at once."""

    def __init__(self, place, mode, group):
        self.place, self.mode, self.group, self.turn = pathlib.Path(place), mode, group, 0
        self.place.mkdir(parents=True)

    def replace(self, files):
        self.turn += 1
        inside = self.place / f"..turn-{self.turn}"
        for path, content in files.items():
            (inside / path).parent.mkdir(parents=True, exist_ok=True)
            (inside / path).write_bytes(content)
            if is_root():
                os.chown(inside / path, 0, self.group)
            (inside / path).chmod(self.mode if is_root() else 0o400)
        (self.place / "..new").symlink_to(inside.name)
        os.replace(self.place / "..new", self.place / "..data")
        for name in {path.split("/")[0] for path in files}:
            if not (self.place / name).is_symlink():
                (self.place / name).symlink_to(f"..data/{name}")


class Pod:
    """One container of a rendered workload, as a process. `others`: texts that are something else on this machine."""

    def __init__(self, folder, objects, workload, programs, others, node=None, labels=None):
        self.folder, self.programs, self.others = pathlib.Path(folder), programs, dict(others)
        self.folder.mkdir(parents=True)
        meta, self.spec = pod_of(workload)
        self.labels = meta["labels"] | (labels or {})
        self.node = node
        self.container = self.spec["containers"][0]
        self.context = self.spec["securityContext"]
        self.volumes = {}
        claims = [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])]
        self.others |= {mount["mountPath"]: str(self.folder / mount["name"]) for mount in self.container["volumeMounts"]}
        for volume in [*self.spec["volumes"], *({"name": name} for name in claims)]:
            self.mount(volume, objects)
        self.process = Process(workload["metadata"]["name"], self.as_user(self.argv(self.container.get("command", []) + self.container["args"])),
                               self.folder / "log", env=self.environment())

    def mount(self, volume, objects):
        place = self.folder / volume["name"]
        if "projected" in volume:
            self.volumes[volume["name"]] = Volume(place, volume["projected"]["defaultMode"], self.context["fsGroup"])
            files = {path: content for source in volume["projected"]["sources"] for path, content in content_of(source, objects).items()}
            self.write(volume["name"], files)
        else:  # an emptyDir, or a claim: the pod's group may write
            place.mkdir()
            if is_root():
                os.chown(place, 0, self.context["fsGroup"])
                place.chmod(0o2775)

    def write(self, volume, files):
        """Files of a volume; texts that are configuration say the paths of this machine."""
        self.volumes[volume].replace({path: self.here(content.decode()).encode() if path.endswith(".yaml") else content for path, content in files.items()})

    def here(self, text):
        for there in sorted(self.others, key=len, reverse=True):
            text = text.replace(there, self.others[there])
        return text

    def argv(self, words):
        name = pathlib.Path(words[0]).name
        return [str(self.programs[name.removeprefix("skerry-")]), *map(self.here, words[1:])]

    def as_user(self, argv):
        if not is_root():
            return argv
        user, group = str(self.context["runAsUser"]), str(self.context["runAsGroup"])
        return ["setpriv", "--reuid", user, "--regid", group, "--groups", str(self.context["fsGroup"]), "--no-new-privs", "--bounding-set", "-all",
                "--inh-caps", "-all", *argv]

    def environment(self):
        """The container's variables: the Downward API's, and $(NAME) in values."""
        known = {}
        for one in self.container.get("env", []):
            if "valueFrom" in one:
                path = one["valueFrom"]["fieldRef"]["fieldPath"]
                label = re.fullmatch(r"metadata\.labels\['(.*)'\]", path)
                known[one["name"]] = self.labels.get(label.group(1), "") if label else {"spec.nodeName": self.node}[path]
            else:
                known[one["name"]] = self.here(re.sub(r"\$\(([A-Z0-9_]+)\)", lambda match: known.get(match.group(1), match.group()), one["value"]))
        return known

    def run(self, words, timeout_s=60):
        """A command in the container, to its end."""
        return subprocess.run(self.as_user(self.argv(words)), env=os.environ | self.environment(), capture_output=True, text=True, check=False, timeout=timeout_s)

    def is_well(self, probe):
        """Whether a probe of the container succeeds now."""
        told = self.container[probe]
        if "exec" in told:
            return self.run(told["exec"]["command"], told["timeoutSeconds"]).returncode == 0
        port = self.others[f":{ {port['name']: port['containerPort'] for port in self.container['ports']}[told['httpGet']['port']]}"]
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # as the kubelet
        try:
            with urllib.request.urlopen(f"https://127.0.0.1{port}{told['httpGet']['path']}", context=context, timeout=told["timeoutSeconds"]) as answer:
                return answer.status == 200
        except OSError:
            return False

    def remove(self):
        self.process.stop(self.spec["terminationGracePeriodSeconds"])
        shutil.rmtree(self.folder, ignore_errors=True)
