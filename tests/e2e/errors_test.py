#!/usr/bin/env python3
"""Every way to ask wrongly is refused with a code, the field and a sentence; nothing is stored and nothing breaks."""

import hashlib
import http.client
import json
import socket

import support
from support import JOBS, ClusterTest, noop_model, tensor

NODE = "/api/v1/nodes/edge-1"
MODEL = "/api/v1/models/noop"


class Jobs(ClusterTest):
    # (what is wrong, members of the job that replace or add to a good one, the field that is blamed)
    BAD_MEMBERS = [
        ("unknown member", {"modell": "x"}, "/modell"),
        ("model is not a text", {"model": 5}, "/model"),
        ("inputs are a list", {"inputs": [1]}, "/inputs"),
        ("an input is missing", {"inputs": {}}, "/inputs/x"),
        ("an input that the model does not have", {"inputs": {**tensor(), "y": tensor()["x"]}}, "/inputs/y"),
        ("unknown dtype", {"inputs": {"x": {"dtype": "f128", "shape": [1], "data": [1]}}}, "/inputs/x/dtype"),
        ("shape and data disagree", {"inputs": {"x": {"dtype": "f32", "shape": [3], "data": [1]}}}, "/inputs/x"),
        ("negative dimension", {"inputs": {"x": {"dtype": "f32", "shape": [-1], "data": [1]}}}, "/inputs/x/shape"),
        ("base64 that is none", {"inputs": {"x": {"dtype": "f32", "shape": [1], "b64": "?!"}}}, "/inputs/x/b64"),
        ("unknown preset", {"preference": "fastest"}, "/preference"),
        ("weights that are all zero", {"preference": {"latency": 0, "energy": 0, "cost": 0, "error": 0}}, "/preference"),
        ("a negative weight", {"preference": {"latency": -1, "energy": 2}}, "/preference/latency"),
        ("an unknown weight", {"preference": {"speed": 1}}, "/preference/speed"),
        ("unknown constraint", {"constraints": {"max_joules": 1}}, "/constraints/max_joules"),
        ("unknown tier", {"constraints": {"tiers": ["edge", "moon"]}}, "/constraints/tiers/1"),
        ("negative deadline", {"constraints": {"deadline_ms": -5}}, "/constraints/deadline_ms"),
        ("accuracy above 1", {"constraints": {"min_accuracy": 1.5}}, "/constraints/min_accuracy"),
        ("unknown priority", {"priority": "urgent"}, "/priority"),
        ("unknown durability", {"durability": "forever"}, "/durability"),
        ("a namespace that is no name", {"namespace": "a b/c"}, "/namespace"),
        ("a label that is no text", {"labels": {"team": 3}}, "/labels"),
    ]

    def test_a_wrong_member_is_named(self):
        for what, members, field in self.BAD_MEMBERS:
            with self.subTest(what):
                problem = self.refused(400, "invalid_argument", "POST", JOBS, {"model": "noop", "inputs": tensor(), **members})
                self.assertTrue(any(named.startswith(field) for named in problem.fields), problem.body)

    def test_all_wrong_members_are_named_at_once(self):
        problem = self.refused(400, "invalid_argument", "POST", JOBS,
                               {"model": "noop", "inputs": tensor(), "priority": "x", "preference": "y", "more": 1})
        self.assertLessEqual({"/priority", "/preference", "/more"}, set(problem.fields))

    def test_a_missing_model_and_an_unknown_one(self):
        problem = self.refused(400, "invalid_argument", "POST", JOBS, {"inputs": tensor()})
        self.assertIn("/model", problem.fields)
        self.refused(404, "not_found", "POST", JOBS, {"model": "nosuch", "inputs": tensor()})

    def test_bodies_that_are_no_json_object(self):
        for body in (b"", b"{", b"[1]", b"null", b'{"model": "noop"} x', b"\xff\xfe", b"[" * 100_000):
            with self.subTest(body[:20]):
                self.refused(400, "invalid_argument", "POST", JOBS, body, {"Content-Type": "application/json"})

    def test_a_body_over_the_limit(self):
        connection = http.client.HTTPConnection(self.client.host, self.client.port, timeout=30)
        self.addCleanup(connection.close)
        connection.putrequest("POST", JOBS)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(65 << 20))
        connection.endheaders()
        response = connection.getresponse()  # it need not be sent to be refused
        self.assertEqual(response.status, 413)
        self.assertEqual(json.loads(response.read())["code"], "too_large")

    def test_nobody_waits_for_a_job_that_is_not_kept(self):
        problem = self.refused(400, "invalid_argument", "POST", JOBS, {"model": "noop", "inputs": tensor(), "durability": "none"})
        self.assertIn("/durability", problem.fields)

    def test_bad_waiting_times(self):
        job = self.submit(wait_s=10)["id"]
        for wait in ("-1", "x", "1e9"):
            with self.subTest(wait):
                self.refused(400, "invalid_argument", "GET", f"{JOBS}/{job}?wait={wait}")

    def test_jobs_that_do_not_exist(self):
        for job in ("j00000000000000000000000000", "nonsense", "j"):
            with self.subTest(job):
                with self.assertRaises(support.Problem) as caught:
                    self.client.get(f"{JOBS}/{job}")
                self.assertIn((caught.exception.status, caught.exception.code), {(404, "not_found"), (400, "invalid_argument")})

    def test_cancelling_what_has_succeeded(self):
        job = self.submit(wait_s=10)["id"]
        self.refused(409, "conflict", "POST", f"{JOBS}/{job}:cancel")
        self.assertEqual(self.job(job)["state"], "SUCCEEDED")

    def test_bad_pages(self):
        for query in ("limit=0", "limit=1001", "limit=x", "cursor=nonsense", "state=SLEEPING", "colour=red"):
            with self.subTest(query):
                self.refused(400, "invalid_argument", "GET", f"{JOBS}?{query}")

    def test_nothing_of_a_batch_with_one_bad_job_is_accepted(self):
        before = len(self.client.get(f"{JOBS}?limit=1000&namespace=batch-errors")["items"])
        good = {"model": "noop", "inputs": tensor(), "namespace": "batch-errors"}
        problem = self.refused(400, "invalid_argument", "POST", f"{JOBS}:batch", {"jobs": [good, {**good, "priority": "x"}, good]})
        self.assertIn("/jobs/1/priority", problem.fields)
        self.assertEqual(len(self.client.get(f"{JOBS}?limit=1000&namespace=batch-errors")["items"]), before)

    def test_batches_of_a_wrong_size(self):
        good = {"model": "noop", "inputs": tensor()}
        for jobs, allowed in (([], {400}), ([good] * 1001, {400, 413})):
            with self.subTest(len(jobs)):
                answer = self.client.call("POST", f"{JOBS}:batch", {"jobs": jobs})
                self.assertIn(answer.status, allowed, answer.body)

    def test_a_key_with_another_body(self):
        headers = {"Idempotency-Key": "errors-1"}
        self.submit(headers=headers)
        problem = self.refused(409, "idempotency_mismatch", "POST", JOBS, {"model": "noop", "inputs": tensor(2.0)}, headers)
        self.assertIn("errors-1", problem.body["detail"])

    def test_a_job_that_no_node_can_ever_run(self):
        for constraints in ({"site": "nowhere"}, {"min_accuracy": 1.0, "variants": ["nosuch"]}, {"node": "nosuch"}):
            with self.subTest(constraints):
                answer = self.client.call("POST", JOBS, {"model": "noop", "inputs": tensor(), "constraints": constraints},
                                          {"Prefer": "wait=1"})
                if answer.status == 202:  # accepted: it waits, and says what for
                    job = self.job(answer.body["id"])
                    self.assertEqual(sum(job["waiting_for"].values()) > 0, True, job)
                    self.client.post(f"{JOBS}/{job['id']}:cancel")
                else:
                    self.assertEqual((answer.status, answer.body["code"]), (422, "unsatisfiable"), answer.body)

    def test_after_all_this_it_still_works(self):
        self.assertEqual(self.submit(wait_s=10)["state"], "SUCCEEDED")


class EverythingElse(ClusterTest):
    def test_paths_and_methods(self):
        self.refused(404, "not_found", "GET", "/api/v1/nothing")
        self.refused(404, "not_found", "GET", "/")
        with self.assertRaises(support.Problem) as caught:
            self.client.delete(JOBS)
        self.assertEqual(caught.exception.status, 405)
        self.assertIn("POST", caught.exception.answer.headers["allow"])

    def test_nodes(self):
        self.refused(404, "not_found", "GET", "/api/v1/nodes/nosuch")
        self.refused(404, "not_found", "POST", "/api/v1/nodes/nosuch:drain")
        self.refused(409, "conflict", "DELETE", NODE)
        with self.assertRaises(support.Problem) as caught:
            self.client.post(f"{NODE}:explode")
        self.assertIn(caught.exception.status, (404, 405))

    def test_manifests(self):
        good = noop_model("other")
        # (what is wrong, the manifest, the field that is blamed)
        for what, manifest, field in [
                ("another kind", {**good, "kind": "Pod"}, "/kind"),
                ("another name than the path", noop_model("third"), "/metadata/name"),
                ("no variants", {**good, "spec": {**good["spec"], "variants": []}}, "/spec/variants"),
                ("unknown member", {**good, "spec": {**good["spec"], "colour": "red"}}, "/spec/colour"),
                ("unknown engine", {**good, "spec": {**good["spec"], "engine": "abacus"}}, "/spec/engine"),
                ("accuracy above 1", {**good, "spec": {**good["spec"], "variants": [{"name": "a", "accuracy": 2}]}},
                 "/spec/variants/0/accuracy")]:
            with self.subTest(what):
                problem = self.refused(400, "invalid_argument", "PUT", "/api/v1/models/other", manifest)
                self.assertTrue(any(named.startswith(field) for named in problem.fields), problem.body)
        self.refused(404, "not_found", "GET", "/api/v1/models/other")

    def test_a_manifest_whose_artifact_was_not_uploaded(self):
        manifest = noop_model("other")
        digest = "sha256:" + hashlib.sha256(b"never uploaded").hexdigest()
        manifest["spec"].update(engine="torch", variants=[{"name": "a", "accuracy": 0.5, "digest": digest, "artifact_bytes": 14}])
        answer = self.client.call("PUT", "/api/v1/models/other", manifest)
        self.assertIn(answer.status, (400, 404, 409), answer.body)
        self.assertIn(digest[7:20], json.dumps(answer.body))

    def test_a_model_with_open_jobs_is_not_deleted(self):
        self.client.put("/api/v1/models/busy", noop_model("busy"))
        job = self.submit(model="busy", constraints={"labels": {"never": "there"}})
        self.refused(409, "conflict", "DELETE", "/api/v1/models/busy")
        self.client.post(f"{JOBS}/{job['id']}:cancel")
        self.client.delete("/api/v1/models/busy")
        self.refused(404, "not_found", "GET", "/api/v1/models/busy")

    def test_blobs(self):
        other = "sha256:" + hashlib.sha256(b"other").hexdigest()
        answer = self.client.call("PUT", f"/api/v1/blobs/{other}", b"data")
        self.assertIn(answer.status, (400, 409, 422), answer.body)
        self.assertEqual(self.client.call("HEAD", f"/api/v1/blobs/{other}").status, 404)
        self.refused(404, "not_found", "GET", f"/api/v1/blobs/{other}")
        self.refused(400, "invalid_argument", "PUT", "/api/v1/blobs/sha256:xyz", b"data")

    def test_policies(self):
        self.refused(404, "not_found", "PUT", "/api/v1/policies/active", {"name": "astrology"})
        self.refused(400, "invalid_argument", "PUT", "/api/v1/policies/active", {"nam": "jsq"})
        self.assertEqual(self.client.get("/api/v1/policies")["active"], "greedy")

    def test_plans_of_nothing(self):
        self.refused(404, "not_found", "POST", "/api/v1/placements", {"model": "nosuch", "input_bytes": 10})
        self.refused(400, "invalid_argument", "POST", "/api/v1/placements", {"model": "noop", "input_bytes": -1})

    def test_bytes_that_are_no_http(self):
        for data in (b"\x16\x03\x01\x02\x00\x01" * 50, b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"):
            with self.subTest(data[:8]), socket.create_connection((self.client.host, self.client.port), timeout=20) as connection:
                try:
                    connection.sendall(data)
                    answer = connection.recv(65536)
                except ConnectionError:
                    answer = b""
                self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:100])
        self.assertEqual(self.client.call("GET", "/livez").status, 200)


if __name__ == "__main__":
    support.main()
