#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Frames by hand on v0: what must be answered is, what must not is not; prints how many of each kind it sent.

    frames.py              the cases
    frames.py flood SECONDS  malformed datagrams as fast as they go; prints how many
"""
import socket
import struct
import sys
import time

OURS, FROM = "10.9.0.2", "10.9.0.1"
PORT, OWN_PORT = 7788, 40001
DATA = b'{"id":"f","imp":[{"id":"1","banner":{"w":300,"h":250}}],"cur":["CNY"]}'
sent = {}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(payload, proto=17, options=b"", frag=0x4000, version=4, length=None, source=FROM, dest=OURS, bad=0):
    header = struct.pack("!BBHHHBBH4s4s", version << 4 | (5 + len(options) // 4), 0,
                         20 + len(options) + len(payload) if length is None else length, 7, frag, 64, proto, 0,
                         socket.inet_aton(source), socket.inet_aton(dest)) + options
    return header[:10] + struct.pack("!H", checksum(header) ^ bad) + header[12:] + payload


def udp(data, port=PORT, own=OWN_PORT, length=None, check=None, source=FROM):
    length = 8 + len(data) if length is None else length
    pseudo = socket.inet_aton(source) + socket.inet_aton(OURS) + struct.pack("!BBH", 0, 17, length)
    head = struct.pack("!HHH", own, port, length)
    if check == "partial":
        value = ~checksum(pseudo) & 0xffff
    elif check is None:
        value = checksum(pseudo + head + b"\0\0" + data) or 0xffff
    else:
        value = check
    return head + struct.pack("!H", value) + data


def icmp(kind, bad=0):
    body = struct.pack("!BBHHH", kind, 0, 0, 9, 1) + b"payload of an echo"
    return body[:2] + struct.pack("!H", checksum(body) ^ bad) + body[4:]


class Link:
    def __init__(self):
        # else the kernel tells the bidder that nobody here waits for its answers
        self.port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port.bind((FROM, OWN_PORT))
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(("v0", 0))
        self.socket.settimeout(2)
        self.mac = self.socket.getsockname()[4]
        self.ours = self.resolve()

    def resolve(self):
        """Asks by ARP, by hand; what comes back must be an ARP answer from our address."""
        ask = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, self.mac, socket.inet_aton(FROM), b"\0" * 6,
                          socket.inet_aton(OURS))
        self.socket.send(b"\xff" * 6 + self.mac + b"\x08\x06" + ask)
        while True:
            frame = self.socket.recv(2048)
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2" and frame[28:32] == socket.inet_aton(OURS):
                assert frame[:6] == self.mac and frame[22:28] == frame[6:12]
                return frame[6:12]

    def send(self, packet, kind=None, to=None, source=None, ethertype=0x0800):
        self.socket.send((to or self.ours) + (source or self.mac) + struct.pack("!H", ethertype) + packet)
        if kind:
            sent[kind] = sent.get(kind, 0) + 1

    def answer(self, wanted, seconds=2):
        """The next IPv4 frame from the bidder that `wanted` takes, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame = self.socket.recv(2048)
            except TimeoutError:
                return None
            if frame[6:12] == self.ours and frame[12:14] == b"\x08\x00" and wanted(frame):
                return frame
        return None


def is_udp(frame):
    return frame[23] == 17 and struct.unpack("!H", frame[36:38])[0] == OWN_PORT


def cases(link):
    link.send(ip(icmp(8), proto=1))
    echo = link.answer(lambda frame: frame[23] == 1)
    assert echo and echo[34] == 0 and checksum(echo[34:60]) == 0 and echo[42:60] == b"payload of an echo", echo
    link.send(ip(udp(DATA)))
    bid = link.answer(is_udp)
    assert bid and bid[42:50] == b'{"id":"f' and b'"price":' in bid
    link.send(ip(udp(b"/win?t=none")))
    assert link.answer(is_udp)[42:45] == b"400"

    good = udp(DATA)
    for _ in range(3):
        link.send(ip(good, options=b"\x94\x04\0\0"), "ip_options")
        link.send(ip(good, options=b"\x01" * 40), "ip_options")
        # net_af_packet has the kernel put fragments together: these wait there for their other parts
        link.send(ip(good, frag=0x2000))
        link.send(ip(good, frag=0x0001))
        link.send(ip(good, bad=1), "ip_checksum")
        link.send(ip(udp(DATA, check=0x1234)), "udp_checksum")
        link.send(ip(udp(DATA, check="partial")), "udp_partial")
        link.send(ip(good, version=6), "ip_header")
        link.send(b"\x44" + ip(good)[1:], "ip_header")
        link.send(ip(good, length=2000), "short")
        link.send(ip(good, length=10), "short")
        link.send(ip(udp(DATA, length=7)), "short")
        link.send(ip(udp(DATA, length=500)), "short")
        link.send(b"\x45", "short")
        link.send(ip(b"\0" * 4), "short")
        link.send(ip(udp(DATA, port=53)), "other_port")
        link.send(ip(good, dest="10.9.0.9"), "other_station")
        link.send(ip(good), "other_station", to=b"\2\2\2\2\2\2")
        link.send(ip(b"\0" * 20, proto=6), "other_protocol")
        link.send(b"\0" * 60, "other_protocol", ethertype=0x86dd)
        link.send(ip(icmp(13), proto=1), "other_icmp")
        link.send(ip(icmp(0), proto=1), "other_icmp")
        link.send(ip(icmp(8, bad=1), proto=1), "icmp_checksum")
        link.send(ip(udp(DATA, source="224.0.0.1"), source="224.0.0.1"), "source")
        link.send(ip(udp(DATA, source=OURS), source=OURS), "source")
        link.send(ip(udp(DATA, source="10.8.0.1"), source="10.8.0.1"), "source")
        link.send(ip(udp(DATA, own=0)), "source")
        link.send(ip(udp(DATA, own=PORT)), "source")
        link.send(ip(good), "source", source=b"\3\2\2\2\2\2")
        for data in (b"", b"GET /", b"\xc1", b"\x93\1\2\3", bytes(1400)):
            link.send(ip(udp(data)), None)
            sent["unknown_format"] = sent.get("unknown_format", 0) + 1
    stray = link.answer(is_udp, 0.5)
    assert stray is None, stray
    link.send(ip(good))
    assert link.answer(is_udp)
    for kind, count in sorted(sent.items()):
        print(kind, count)


def flood(link, seconds):
    packets = [ip(udp(data)) for data in (b"{", b"\x82\0\1", b"/win?t=x", DATA[:-1])]
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        link.send(packets[count % 4])
        count += 1
        if count % 20 == 0:
            time.sleep(0.002)
    print(count)


if sys.argv[1:2] == ["flood"]:
    flood(Link(), float(sys.argv[2]))
else:
    cases(Link())
