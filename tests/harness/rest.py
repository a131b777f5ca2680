"""A small REST client: one keep-alive connection per thread, over TLS and with a token if it is given them; problems as
exceptions, server-sent events as an iterator."""

import base64
import http.client
import json
import pathlib
import ssl
import threading
import time
from typing import NamedTuple

# What the network or a restarting controller does to a request; whether it was carried out is then unknown.
CONNECTION_ERRORS = (ConnectionError, http.client.HTTPException, TimeoutError, OSError)


class Answer(NamedTuple):
    status: int
    headers: dict  # names in lower case
    body: object   # parsed if it is JSON, else bytes


class Problem(Exception):
    """An answer with a status from 400 on."""

    def __init__(self, call, answer):
        self.answer = answer
        self.status = answer.status
        self.body = answer.body if isinstance(answer.body, dict) else {}
        self.code = self.body.get("code", "")
        self.fields = [field["field"] for field in self.body.get("fields", [])]
        super().__init__(f"{call}: {answer.status} {self.code}: {self.body.get('detail', answer.body)}")


class Event(NamedTuple):
    id: str
    type: str
    data: object


class Client:
    """address is "127.0.0.1:8080". ca_file: the server's authority, whose certificates alone are trusted; without one it is
    plain text. token_file: shown as a bearer token. Usable from any thread; each has its own connection."""

    def __init__(self, address, timeout_s=60, ca_file=None, token_file=None):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.timeout_s = timeout_s
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else None
        self._always = {"Authorization": f"Bearer {pathlib.Path(token_file).read_text().strip()}"} if token_file else {}
        self._local = threading.local()

    def call(self, method, path, body=None, headers=None):
        """One request; the connection is opened again if needed, but nothing is ever sent twice. Raises CONNECTION_ERRORS."""
        payload, headers = body, {**self._always, **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            payload = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = self._connection()
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            data = response.read()
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        kind = names.get("content-type", "")
        lines = "ndjson" in kind or "jsonl" in kind  # one object a line: the caller splits them
        parsed = json.loads(data) if data and "json" in kind and not lines else data
        return Answer(response.status, names, parsed)

    def ask(self, method, path, body=None, headers=None):
        """The body of the answer; Problem if it is refused."""
        answer = self.call(method, path, body, headers)
        if answer.status >= 400:
            raise Problem(f"{method} {path}", answer)
        return answer.body

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, body=None, headers=None):
        return self.ask("POST", path, body, headers)

    def put(self, path, body=None, headers=None):
        return self.ask("PUT", path, body, headers)

    def delete(self, path):
        return self.ask("DELETE", path)

    def ask_patiently(self, method, path, body=None, headers=None, within_s=60):
        """ask(), again and again while the controller is away or sheds load: for idempotent requests, keyed submits included."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                return self.ask(method, path, body, headers)
            except Problem as problem:
                if problem.status not in (429, 503) or time.monotonic() > deadline:
                    raise
            except CONNECTION_ERRORS:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.02)

    def all_jobs(self):
        """Every job, without outputs, newest first: all pages."""
        cursor = None
        while True:
            page = self.ask_patiently("GET", "/api/v1/jobs?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
            yield from page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def events(self, path="/api/v1/events", last_event_id=None, timeout_s=30, on_open=lambda: None):
        """Yields Events until the server ends the stream, or TimeoutError when it is silent for timeout_s."""
        connection = self._open(timeout_s)
        try:
            connection.request("GET", path, headers={"Accept": "text/event-stream", **self._always,
                                                     **({"Last-Event-ID": last_event_id} if last_event_id else {})})
            response = connection.getresponse()
            if response.status != 200:
                raise Problem(f"GET {path}", Answer(response.status, dict(response.getheaders()), response.read()))
            on_open()
            yield from parse_events(response)
        finally:
            connection.close()

    def close(self):
        connection = getattr(self._local, "connection", None)
        if connection:
            connection.close()
            self._local.connection = None

    def _connection(self):
        if getattr(self._local, "connection", None) is None:
            self._local.connection = self._open(self.timeout_s)
        return self._local.connection

    def _open(self, timeout_s):
        if self._tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout_s, context=self._tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)


def parse_events(lines):
    """Server-sent events from an iterable of byte lines; comments are dropped, data is parsed if it is JSON."""
    fields = {}
    for raw in lines:
        line = raw.decode().rstrip("\r\n")
        if line == "":
            if "data" in fields or "event" in fields:
                yield Event(fields.get("id", ""), fields.get("event", "message"), parse_data(fields.get("data", "")))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value


def parse_data(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def media(data, kind=None):
    """Bytes of a file as an input's JSON."""
    return {"b64": base64.b64encode(data).decode(), **({"type": kind} if kind else {})}
