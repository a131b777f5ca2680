"""A Prometheus of Debian's in a folder of its own: scrapes a cluster every second, has our rules, and answers PromQL."""

import json
import math
import socket
import urllib.error
import urllib.parse
import urllib.request

from harness.processes import Process, wait_until

import prometheus


class Refused(Exception):
    """PromQL that Prometheus does not take, or cannot carry out; the text is its own."""


def secure_scrape(job, address, ca_file, token_file, labels):
    """A job of Prometheus' configuration: one target over TLS, with a token, and labels for all that it says."""
    return {"job_name": job, "scheme": "https", "tls_config": {"ca_file": str(ca_file)},
            "authorization": {"credentials_file": str(token_file)}, "honor_labels": True,
            "static_configs": [{"targets": [address], "labels": labels}]}


class PrometheusServer:
    """folder: a new one, for its files. scrapes: of its configuration, see secure_scrape. Use it with `with`."""

    def __init__(self, folder, scrapes=()):
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.at = f"127.0.0.1:{probe.getsockname()[1]}"
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(prometheus.RULES)], "scrape_configs": list(scrapes)}
        path = folder / "prometheus.yml"
        path.write_text(json.dumps(config, indent=1), encoding="utf-8")  # JSON is YAML
        argv = [prometheus.program("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.at}", "--log.level=warn"]
        self.process = Process("prometheus", argv, folder / "prometheus.log")

    def __enter__(self):
        self.process.start()

        def ready():
            assert self.process.alive(), self.process.tail()
            try:
                with urllib.request.urlopen(f"http://{self.at}/-/ready", timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False
        wait_until(ready, 30, "Prometheus to be ready")
        return self

    def __exit__(self, *_):
        self.process.stop()

    def ask(self, path, **parameters):
        """The data of an answer of its HTTP API."""
        url = f"http://{self.at}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refusal:
            raise Refused(json.load(refusal).get("error", str(refusal))) from None

    def now(self, expression):
        """The values that an expression has at this moment, as floats."""
        return [float(series["value"][1]) for series in self.ask("query", query=expression)["result"]]

    def has_data(self, expression, instant, start_s, end_s, step_s=5):
        """True if any series has a number in it."""
        if instant:
            found = self.ask("query", query=expression, time=end_s)["result"]
            values = [series["value"][1] for series in found]
        else:
            found = self.ask("query_range", query=expression, start=start_s, end=end_s, step=step_s)["result"]
            values = [value for series in found for _, value in series["values"]]
        return any(math.isfinite(float(value)) for value in values)
