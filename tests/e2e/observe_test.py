#!/usr/bin/env python3
"""Health, metrics, the OpenAPI document and the version, as monitoring sees them."""

import re

import support
from support import ClusterTest

SAMPLE = re.compile(r'^([a-z_:][a-z0-9_:]*)(\{.*\})? (\S+)$')


class Observe(ClusterTest):
    def metrics(self):
        """{name with labels: value} and {family: type} of a scrape."""
        text = self.client.call("GET", "/metrics").body.decode()
        samples, types = {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                types[name] = kind
            elif line and not line.startswith("#"):
                match = SAMPLE.match(line)
                self.assertTrue(match, line)
                samples[match[1] + (match[2] or "")] = float(match[3])
        return samples, types

    def test_health(self):
        for path in ("/livez", "/readyz", "/healthz", "/readyz?verbose"):
            self.assertEqual(self.client.call("GET", path).status, 200, path)

    def test_metrics_count_what_happened_and_never_name_a_job(self):
        before, _ = self.metrics()
        jobs = [self.submit(wait_s=10) for _ in range(5)]
        after, types = self.metrics()
        grown = {name for name, value in after.items() if value - before.get(name, 0) == 5}
        self.assertTrue(any("jobs" in name and "succeeded" in name.lower() for name in grown), sorted(grown))
        self.assertTrue(any("decision" in name for name in grown), sorted(grown))
        self.assertIn("histogram", types.values())
        for name in after:
            self.assertFalse(any(job["id"] in name for job in jobs), name)
        for family in types:
            self.assertTrue(family.startswith(("skerry_", "process_", "exposer_")), family)
            self.assertFalse(re.search(r"_(ms|us|kb|mb)(_|$)", family), f"{family}: not in base units")

    def test_metrics_tell_how_agents_and_controller_talk(self):
        self.submit(wait_s=10)
        samples, types = self.metrics()
        for kind in ("hello", "heartbeat", "result"):
            self.assertGreater(samples[f'skerry_hub_messages_total{{direction="received",kind="{kind}"}}'], 0, kind)
        for kind in ("welcome", "assign", "result_ack"):
            self.assertGreater(samples[f'skerry_hub_messages_total{{direction="sent",kind="{kind}"}}'], 0, kind)
        self.assertGreater(samples["skerry_hub_streams"], 0)
        self.assertGreater(samples['skerry_hub_bytes_total{direction="received"}'], 0)
        self.assertEqual(types["skerry_hub_messages_total"], "counter")

    def test_openapi_describes_every_call_of_the_rest_contract(self):
        document = self.client.get("/openapi.json")
        self.assertTrue(document["openapi"].startswith("3.1"))
        for path in ("/api/v1/jobs", "/api/v1/jobs:batch", "/api/v1/nodes", "/api/v1/models/{name}", "/api/v1/placements",
                     "/api/v1/events", "/api/v1/policies", "/metrics"):
            self.assertIn(path, document["paths"])

    def test_version(self):
        self.assertIn("version", self.client.get("/version"))


if __name__ == "__main__":
    support.main()
