#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that nobody wants, all at once, for some seconds.

    hostile.py PORT SECONDS FILE

FILE holds a bid request. Prints "connected N" when all are at work; then for each kind "KIND OPENED ENDED", ENDED being
those that the server ended, and "sent_bytes N".

    silent       says nothing at all
    head         a header byte by byte, ten a second
    half_head    half a header, then nothing
    half_body    half of the body that was announced, then nothing
    left         half of the body, then its sending side is closed
    body         a body of 200 kB, ten bytes at a time, ten times a second
    oversized    announces a gigabyte and sends as fast as it can
    endless      chunks without an end, as fast as it can
    deaf         asks again and again and never reads an answer
"""
import socket
import sys
import time

HEAD = b"POST /bid?x=2 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
COUNTS = {"silent": 60, "head": 60, "half_head": 60, "half_body": 60, "left": 20, "body": 60, "oversized": 4,
          "endless": 4, "deaf": 20}
FLOOD = b"x" * 65536
CHUNK = b"10000\r\n" + FLOOD + b"\r\n"


class Client:
    def __init__(self, port, kind, request):
        self.kind, self.ended, self.at = kind, False, 0
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        length = b"Content-Length: %d\r\n\r\n"
        half = HEAD + length % len(request) + request[: len(request) // 2]
        self.first = {"silent": b"", "head": b"", "half_head": HEAD, "half_body": half, "left": half,
                      "body": HEAD + length % 200000, "oversized": HEAD + length % 2**30,
                      "endless": HEAD + b"Transfer-Encoding: chunked\r\n\r\n", "deaf": b""}[kind]
        self.slow = {"head": HEAD + b"X: " + b"y" * 4000, "body": b" " * 200000}.get(kind, b"")
        self.step = 1 if kind == "head" else 10
        self.flood = {"oversized": FLOOD, "endless": CHUNK,
                      "deaf": (HEAD + length % len(request) + request) * 16}.get(kind, b"")
        self.rest = b""

    def put(self, data):
        """Sends what goes; returns the number of bytes."""
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.ended = True
            return 0

    def start(self):
        n = self.put(self.first) if self.first else 0
        if self.kind == "left":
            self.socket.shutdown(socket.SHUT_WR)
        return n

    def trickle(self):
        n = self.put(self.slow[self.at:self.at + self.step]) if self.slow and not self.ended else 0
        self.at += n
        return n

    def pour(self):
        if not self.rest:
            self.rest = self.flood
        n = self.put(self.rest) if not self.ended else 0
        self.rest = self.rest[n:]
        return n

    def look(self):
        """Reads what has come; the deaf do not. An end is noted by all."""
        if self.ended:
            return
        try:
            flags = socket.MSG_PEEK if self.kind == "deaf" else 0
            self.ended = self.socket.recv(65536, flags) == b""
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True


def main():
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    with open(sys.argv[3], "rb") as file:
        request = file.read()
    clients = [Client(port, kind, request) for kind, n in COUNTS.items() for _ in range(n)]
    sent = sum(client.start() for client in clients)
    print(f"connected {len(clients)}", flush=True)
    pouring = [client for client in clients if client.flood]
    end = time.monotonic() + seconds
    tick = 0.0
    while time.monotonic() < end:
        if time.monotonic() >= tick:
            tick = time.monotonic() + 0.1
            sent += sum(client.trickle() for client in clients)
            for client in clients:
                client.look()
        poured = sum(client.pour() for client in pouring)
        sent += poured
        time.sleep(0.002 if poured else 0.01)
    for kind in COUNTS:
        of = [client for client in clients if client.kind == kind]
        print(kind, len(of), sum(client.ended for client in of))
    print("sent_bytes", sent)


main()
