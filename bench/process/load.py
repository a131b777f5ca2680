"""skerry-bench-load from Python: bodies go into a file, the report comes back as a dict."""

import json
import subprocess


class LoadFailed(Exception):
    """The load met errors, so its figures mean nothing."""


def load(programs, cluster, target, bodies, connections, seconds, warmup_s=1, headers=(), expect=202, requests=0,
         rate_per_s=0, name="bodies", tolerate=False, nice=0):
    """POSTs to the cluster's API, in a closed loop or at a rate; LoadFailed if any answer was not as expected, unless that is
    tolerated. Two at a time need different names."""
    path = cluster.folder / name
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    words = (["nice", "-n", nice] if nice else []) + [
             programs["load"], cluster.api, target, "--method", "POST", "--bodies", path, "--connections", connections,
             "--seconds", seconds, "--warmup", warmup_s, "--expect", expect, "--requests", requests, "--rate", rate_per_s,
             "--header", "Content-Type: application/json"]
    if cluster.ca_file:
        words += ["--ca-file", cluster.ca_file]
    if cluster.token_file:
        words += ["--token-file", cluster.token_file]
    for header in headers:
        words += ["--header", header]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=seconds + warmup_s + 120)
    if done.returncode != 0:
        raise LoadFailed(f"skerry-bench-load: {done.stderr or done.stdout}")
    report = json.loads(done.stdout)
    if report["errors"] and not tolerate:
        raise LoadFailed(f"{report['errors']} errors, the first: {report['first_error']}")
    return report
