"""What malformed and monstrous requests cost the controller, beside what they cost to send: abuse.

Each kind is held against an honest request of its own size: by the byte, any small request costs far more than a large one.
"""

import json
import pathlib
import socket
import threading

from process.path import JOBS, NOOP_JOB, noop_cluster

MIB = 1 << 20
POST = b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
AT_LEAST_BYTES = 16 * MIB  # that a kind sends, so that the figures are of it and not of the rest


def abuse(programs):
    """memory grown a byte sent, and processor time a byte beside that of an honest job of the same size, of each kind of abuse"""
    figures, honest_s, worst_memory, worst_time = {}, {}, 0, 0
    for kind in (honest, honest_small):
        memory, honest_s[kind] = measure(programs, kind)
        figures |= {f"{kind.__name__}_memory_ratio": memory, f"{kind.__name__}_ns_per_byte": 1e9 * honest_s[kind]}
    for kind in KINDS:
        memory, s_per_byte = measure(programs, kind)
        ratio = s_per_byte / honest_s[honest_small if kind is tiny_headers_within else honest]
        figures |= {f"{kind.__name__}_memory_ratio": memory, f"{kind.__name__}_time_ratio": ratio}
        # One document may take 256 MiB once parsed, and all together no more: a flood of them counts.
        worst_memory = max(worst_memory, 0 if kind in (wide_json, many_members) else memory)
        worst_time = max(worst_time, ratio)
    return {"worst_memory_ratio": worst_memory, "worst_time_ratio": worst_time, **figures}


def measure(programs, kind):
    """(bytes that a new controller's peak memory grows by the first, its processor seconds), each by the bytes that were sent"""
    with noop_cluster(programs, agents=0) as cluster:
        process = cluster.controller
        for _ in range(100):
            cluster.client.post(JOBS, NOOP_JOB)  # what is paid once
        pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak starts anew
        before = peak_bytes(process)
        sent = kind(cluster.api)
        memory = (peak_bytes(process) - before) / sent
        cpu_s, sent = cpu_of(process), 0
        while sent < AT_LEAST_BYTES:
            sent += kind(cluster.api)
        s_per_byte = (cpu_of(process) - cpu_s) / sent
        assert cluster.client.call("POST", JOBS, NOOP_JOB).status == 202, f"after {kind.__name__} an honest job is not taken"
        return memory, s_per_byte


def cpu_of(process):
    """Processor time of its threads in seconds, finer than the ticks of /proc/PID/stat."""
    threads = pathlib.Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def peak_bytes(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


class Sender:
    """A connection that sends until the controller takes no more, and knows how much went out."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket, self.sent = socket.create_connection((host, int(port)), timeout=10), 0

    def send(self, data):
        """False: the controller has closed."""
        view = memoryview(data)
        try:
            while view:
                count = self.socket.send(view[:65536])
                self.sent += count
                view = view[count:]
        except OSError:
            return False
        return True

    def answer(self):
        """The status of the next answer; 0 if there is none."""
        try:
            text = self.socket.recv(65536)
        except OSError:
            return 0
        return int(text[9:12]) if text.startswith(b"HTTP/1.1 ") else 0

    def finish(self, *expected):
        status = self.answer()
        self.socket.close()
        assert status in expected, f"answered {status}, not one of {expected}"
        return self.sent


def one(address, data, *expected):
    sender = Sender(address)
    sender.send(data)
    return sender.finish(*expected, 0)  # 0: it closed while we were still sending, and that overtook its answer


def honest(address):
    """A tensor as decimals, 1 MiB of them."""
    numbers = [i / 1000 for i in range(MIB // 7)]
    body = json.dumps({"model": "noop", "inputs": {"x": {"dtype": "f32", "shape": [len(numbers)], "data": numbers}}}).encode()
    return with_body(address, body, 202)


def chunk_extension(address):
    return one(address, CHUNKED + b"1;x=" + b"e" * MIB, 413)


def chunk_extensions(address):
    """Each within the buffer."""
    return one(address, CHUNKED + (b"1;x=" + b"e" * 60_000 + b"\r\n \r\n") * 100 + b"0\r\n\r\n", 413, 400)


def tiny_chunks(address):
    return one(address, CHUNKED + b"1\r\n \r\n" * (MIB // 6) + b"0\r\n\r\n", 400)


def trailer(address):
    return one(address, CHUNKED + b"0\r\nX: " + b"t" * MIB, 413)


def tiny_headers(address):
    return one(address, b"GET /livez HTTP/1.1\r\n" + b"a:\r\n" * (MIB // 4), 431, 400)


def tiny_headers_within(address):
    """As many as the limit allows, in requests that are answered."""
    return small_requests(address, b"a:\r\n" * 99)


def honest_small(address):
    """As large as those, with one field."""
    return small_requests(address, b"User-Agent: " + b"t" * (4 * 99 - 14) + b"\r\n")


def small_requests(address, fields):
    """A mebibyte of them, one after another on a connection."""
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n"
    sender = Sender(address)
    for _ in range(MIB // len(request)):
        sender.send(request)
        assert sender.answer() == 200
    sender.socket.close()
    return sender.sent


def deep_json(address):
    return with_body(address, b"[" * MIB, 400)


def deep_objects(address):
    return with_body(address, b'{"a":' * (MIB // 5), 400)


def wide_json(address, *more):
    """Numbers of two bytes each."""
    return with_body(address, b'{"model":"noop","inputs":{"x":{"dtype":"f32","data":[0' + b",0" * (2 * MIB) + b"]}}}", 400, 202, 413, *more)


def wide_json_flood(address):
    """Forty of them at once."""
    sent = []
    threads = [threading.Thread(target=lambda: sent.append(wide_json(address, 503))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == len(threads), "a flooding connection had another answer than it should"
    return sum(sent)


def many_members(address):
    return with_body(address, b'{"model":"noop","labels":{' + b",".join(b'"%x":""' % i for i in range(MIB // 10)) + b"}}", 400, 413)


def with_body(address, body, *expected):
    return one(address, POST + b"Content-Length: %d\r\n\r\n" % len(body) + body, *expected)


def promised_too_large(address):
    return one(address, POST + b"Content-Length: 99999999999\r\n\r\n" + b" " * MIB, 413)


def chunked_too_large(address):
    sender = Sender(address)
    sender.send(CHUNKED)
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    while sender.sent < 80 * MIB and sender.send(chunk):
        pass
    return sender.finish(413, 0)


def pipelined_unread(address):
    """Requests whose answers nobody reads: until the controller takes no more of them."""
    requests = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 40_000
    senders = []
    for _ in range(8):
        sender = Sender(address)
        sender.socket.settimeout(0.3)
        sender.send(requests)
        senders.append(sender)
    for sender in senders:
        sender.socket.close()
    return sum(sender.sent for sender in senders)


KINDS = [chunk_extension, chunk_extensions, tiny_chunks, trailer, tiny_headers, tiny_headers_within, deep_json, deep_objects, wide_json,
         wide_json_flood, many_members, promised_too_large, chunked_too_large, pipelined_unread]
