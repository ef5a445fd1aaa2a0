#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pcap.py write FILE N: bid requests as packets; pcap.py check IN OUT: each has its answer, in order."""
import struct
import sys

HEAD = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
DEVICE_MAC = bytes.fromhex("02706361700" + "0")  # "\2pcap" and the device's number, by DPDK's driver


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(number):
    data = b'{"id":"p%d","imp":[{"id":"1","banner":{"w":%d,"h":250}}],"cur":["CNY"]}' % (number, 300 + number % 2)
    udp = struct.pack("!HHHH", 40000 + number % 100, 7788, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 9, 0, 1]),
                     bytes([10, 9, 0, 2]))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return DEVICE_MAC + b"\2\0\0\0\0\1" + b"\x08\x00" + ip + udp


def write(path, count):
    with open(path, "wb") as out:
        out.write(HEAD)
        for number in range(count):
            data = packet(number)
            out.write(struct.pack("<IIII", number, 0, len(data), len(data)) + data)


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    at, packets = 24, []
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        packets.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return packets


def check(asked_path, answered_path):
    asked, answered, bids = read(asked_path), [p for p in read(answered_path) if p[12:14] == b"\x08\x00"], 0
    assert len(asked) == len(answered), (len(asked), len(answered))
    for number, (ask, answer) in enumerate(zip(asked, answered)):
        assert answer[:6] == ask[6:12] and answer[30:34] == ask[26:30] and answer[36:38] == ask[34:36]
        size = struct.unpack("!H", answer[38:40])[0]
        pseudo = answer[26:34] + struct.pack("!BBH", 0, 17, size)
        assert checksum(answer[14:34]) == 0 and checksum(pseudo + answer[34:34 + size]) == 0
        text = answer[42:34 + size]
        assert text.startswith(b'{"id":"p%d"' % number), text
        bids += b'"price":' in text
    print(f"{len(answered)} answers, {bids} bids")


if sys.argv[1] == "write":
    write(sys.argv[2], int(sys.argv[3]))
else:
    check(sys.argv[2], sys.argv[3])
