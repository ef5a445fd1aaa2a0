#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table that `make run` ends with: before and after the learned generations."""
import json
import sys

run = sys.argv[1]


def load(name):
    with open(f"{run}/{name}.json") as f:
        return json.load(f)


before, learn, after, base = load("before"), load("learn"), load("after"), load("baselines")
budget = int(base["budget_nanos"])


def cny(nanos):
    return f"{int(nanos) / 1e9:.4f}"


def ecpc(r):
    return f"{int(r['spend_nanos']) / 1e9 / r['clicks']:.5f}" if r["clicks"] else "-"


def latency(r, p):
    return f"{r['latency_us'][p]:.0f} us"


rows = [("auctions answered", lambda r: f"{r['answered']} of {r['auctions']}"),
        ("bids", lambda r: str(r["bids"])),
        ("wins", lambda r: f"{r['wins']} ({100 * r['win_share']:.1f} %)"),
        ("spend, CNY", lambda r: cny(r["spend_nanos"])),
        ("of its budget", None),
        ("clicks", lambda r: str(r["clicks"])),
        ("eCPC, CNY", ecpc),
        ("CPM, CNY", lambda r: f"{float(r['cpm_cny'] or 0):.3f}"),
        ("generations seen", lambda r: str(r["generations"]["distinct"])),
        ("latency p50", lambda r: latency(r, "p50")),
        ("latency p99", lambda r: latency(r, "p99")),
        ("latency p99.9", lambda r: latency(r, "p999")),
        ("requests lost or late", lambda r: str(r["lost"] + r["timeouts"] + r["non_2xx"]))]
print(f"{'':24}{'before':>20}{'learning':>20}{'after':>20}")
for name, fn in rows:
    if fn is None:
        cells = [f"{100 * int(before['spend_nanos']) / budget:.1f} %", "",
                 f"{100 * int(after['spend_nanos']) / budget:.1f} %"]
    else:
        cells = [fn(before), fn(learn), fn(after)]
    print(f"{name:24}" + "".join(f"{c:>20}" for c in cells))
print()
for b in base["baselines"]:
    print(f"same auctions and budget, {b['name']:<44}{b['clicks']:>6} clicks")
if before["clicks"] and after["clicks"]:
    change = after["clicks"] / before["clicks"] - 1
    print(f"clicks after against before, at the same budget: {100 * change:+.1f} %")
lost = sum(r["lost"] + r["timeouts"] + r["non_2xx"] for r in (before, learn, after))
print(f"requests lost: {lost}")
sys.exit(1 if lost else 0)
