#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks DPDK's telemetry socket of a process for our counters: telemetry.py PID NAME=VALUE..."""
import json
import os
import socket
import sys


def main():
    pid, wanted = sys.argv[1], dict(word.split("=") for word in sys.argv[2:])
    for base in ("/var/run", os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "/tmp"):
        path = f"{base}/dpdk/qbid-{pid}/dpdk_telemetry.v2"
        if os.path.exists(path):
            break
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.settimeout(5)
    link.connect(path)
    most = json.loads(link.recv(1024))["max_output_len"]

    def ask(command):
        link.send(command.encode())
        return json.loads(link.recv(most))[command]

    counters, frames, info = ask("/qbid/counters"), ask("/qbid/frames"), ask("/qbid/info")
    print(counters, frames, info)
    sums = {name: sum(lcore[name] for lcore in counters.values()) for name in wanted}
    assert sums == {name: int(value) for name, value in wanted.items()}, (sums, wanted)
    assert info["lcores"] == len(counters) == len(frames) and info["udp_port"] == 7788
    assert all(sum(f.values()) == c["rx_frames"] for f, c in zip(frames.values(), counters.values()))


main()
