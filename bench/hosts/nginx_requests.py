#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The requests of bench/hosts/nginx.sh, one a line.

    nginx_requests.py typical WIDTH HEIGHT     256 different ones of about 2.4 kB, of the size and make of what large
                                               exchanges send, for a banner of that size
    nginx_requests.py recorded FILE            those of FILE that have 1 to 4 KB
"""
import json
import sys

RECORDED_BYTES = (1000, 4096)


def typical(i, width, height):
    size = {"w": width, "h": height}
    tail = f"{i:08x}-5f3a-4c1e-9b2d-{i:012x}"
    return {
        "id": f"{i * 2654435761 % 2**32:08x}-5f3a-4c1e-9b2d-{i:012x}",
        "imp": [{
            "id": "1",
            "banner": {**size, "pos": i % 4, "battr": [1, 2, 3, 5, 8, 13],
                       "topframe": 1, "api": [3, 5, 6],
                       # where nobody reads them: the account's creatives name no content type
                       "ext": {"mimes": ["image/jpeg", "image/png", "image/gif", "text/html"]},
                       "format": [size]},
            "instl": 0, "tagid": f"placement-{i % 50}", "bidfloor": i % 100 / 100, "bidfloorcur": "CNY", "secure": 1,
            "exp": 300,
            "pmp": {"private_auction": 0,
                    "deals": [{"id": f"deal-{i % 20}", "bidfloor": 4.5, "bidfloorcur": "CNY", "at": 1}]},
        }],
        "site": {
            "id": f"site-{i % 300}", "name": "News of the day", "domain": f"news{i % 300}.example",
            "cat": ["IAB12", "IAB12-3"], "sectioncat": ["IAB12"], "pagecat": ["IAB12-3"],
            "page": f"https://news{i % 300}.example/world/2026/article-{i}.html?utm_source=feed",
            "ref": "https://search.example/",
            "publisher": {"id": f"pub-{i % 40}", "name": "A publisher", "domain": "publisher.example"},
            "content": {"title": "What happened today", "language": "en", "keywords": "news,world,economy", "len": 640},
        },
        "device": {
            "ua": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
                  "Safari/537.36",
            "sua": {"browsers": [{"brand": "Chromium", "version": ["126"]},
                                 {"brand": "Google Chrome", "version": ["126"]}],
                    "platform": {"brand": "Windows", "version": ["10"]}, "mobile": 0},
            "ip": f"192.0.2.{i % 250}", "language": "en", "devicetype": 2, "os": "Windows", "osv": "10", "h": 1080,
            "w": 1920, "js": 1, "connectiontype": 2, "dnt": 0, "lmt": 0,
            "geo": {"lat": 39.9, "lon": 116.4, "country": "CHN", "region": str(1 + i % 30), "type": 2,
                    "utcoffset": 480},
        },
        "user": {
            "id": f"u-{i * 7919:016x}", "buyeruid": f"b-{i * 104729:016x}",
            "data": [{"id": "dmp", "name": "segments",
                      "segment": [{"id": str(10000 + (i * 31 + s * 7) % 997), "name": f"interest-{s}",
                                   "value": str(s % 3)} for s in range(1, 13)]}],
        },
        "at": 1, "tmax": 120, "wseat": [], "cur": ["CNY"],
        "bcat": [f"IAB{1 + s}-{1 + (i + s) % 9}" for s in range(1, 13)],
        "badv": ["blocked-a.example", "blocked-b.example"],
        "source": {"fd": 0, "tid": tail,
                   "ext": {"schain": {"ver": "1.0", "complete": 1,
                                      "nodes": [{"asi": "exchange.example", "sid": str(i % 40), "hp": 1}]}}},
        "regs": {"coppa": 0, "gdpr": 0, "us_privacy": "1---"},
    }


def main():
    if sys.argv[1:2] == ["typical"] and len(sys.argv) == 4:
        for i in range(1, 257):
            print(json.dumps(typical(i, int(sys.argv[2]), int(sys.argv[3])), separators=(",", ":")))
    elif sys.argv[1:2] == ["recorded"] and len(sys.argv) == 3:
        with open(sys.argv[2], encoding="utf-8") as file:
            for line in file:
                if RECORDED_BYTES[0] <= len(line.rstrip("\n").encode()) <= RECORDED_BYTES[1]:
                    sys.stdout.write(line)
    else:
        sys.exit(__doc__)


main()
