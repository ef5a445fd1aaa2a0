#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of bench/hosts/nginx.sh, and build/bench/nginx.json.

    nginx_table.py WORK OUT.json SECONDS RATE NGINX_VERSION

WORK/rounds has a line for each run, in the order of the rounds: "way connections key value ..." of wrk, or
"way pace key value ..." and "way spin key value ..." of tests/e2e/nginx/pace.
"""
import json
import os
import statistics
import sys

WAYS = {"return_204": "return 204", "fixed": "fixed bid", "look": "and each byte", "nobid": "module, no bid", "bid": "module, bid",
        "recorded_204": "return 204", "recorded_fixed": "fixed bid", "recorded": "module"}
BASE = {"return_204": "return_204", "fixed": "return_204", "look": "return_204", "nobid": "return_204", "bid": "return_204",
        "recorded_204": "recorded_204", "recorded_fixed": "recorded_204", "recorded": "recorded_204"}


def read(path):
    runs = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            way, how, *rest = line.split()
            run = {key: float(value) for key, value in zip(rest[::2], rest[1::2])}
            recorded = way.startswith("recorded")  # some are malformed: 400
            if run.get("errors") or run.get("lost") or how in ("pace", "spin") and run["other"] and not recorded:
                sys.exit(f"bench/hosts/nginx.sh: errors in {line}")
            if how == "spin":
                run["requests"] = run["answers"]
            if how != "pace":
                run["per_s"] = run["requests"] / run["duration_us"] * 1e6
                run["cpu_us"] = run["cpu_ns"] / 1e3 / run["requests"]
                run["busy"] = run["cpu_ns"] / 1e3 / run["duration_us"]
                run["bid_share"] = run["bids"] / run["requests"]
            runs.setdefault((way, how), []).append(run)
    return runs


def figures(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def sizes(work):
    of = {}
    for name in ("typical", "recorded"):
        path = os.path.join(work, name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                of[name] = statistics.median(len(line.rstrip(b"\n")) for line in file)
    return of


def entry_of(way, runs):
    busy, base = runs[way, "32"], runs[BASE[way], "32"]
    entry = {key: figures([run[key] for run in busy])
             for key in ("per_s", "cpu_us", "busy", "bid_share", "p50_us", "p99_us")}
    entry["ratio"] = figures([run["per_s"] / other["per_s"] for run, other in zip(busy, base)])
    peer = "recorded_fixed" if way.startswith("recorded") else "fixed"
    if (peer, "32") in runs:
        entry["fixed_ratio"] = figures([run["per_s"] / other["per_s"] for run, other in zip(busy, runs[peer, "32"])])
    if way == "bid":
        entry["look_ratio"] = figures([run["per_s"] / other["per_s"] for run, other in zip(busy, runs["look", "32"])])
    spun, spun_base = runs[way, "spin"], runs[BASE[way], "spin"]
    entry["spin"] = {key: figures([run[key] for run in spun]) for key in ("per_s", "cpu_us", "busy")}
    entry["spin"]["ratio"] = figures([run["per_s"] / other["per_s"] for run, other in zip(spun, spun_base)])
    entry["spin"]["fixed_ratio"] = figures([run["per_s"] / other["per_s"] for run, other in zip(spun, runs[peer, "spin"])])
    for of, how in ((entry, "32"), (entry["spin"], "spin")):
        of["cpu_ratio"] = figures([other["cpu_us"] / run["cpu_us"]
                                   for run, other in zip(runs[way, how], runs[BASE[way], how])])
    if (way, "1") in runs:
        entry["alone"] = {key: figures([run[key] for run in runs[way, "1"]]) for key in ("per_s", "p50_us", "p99_us")}
    if (way, "pace") in runs:
        paced, base = runs[way, "pace"], runs["return_204", "pace"]
        entry["paced"] = {key: figures([run[key] for run in paced]) for key in ("p50_us", "p99_us", "unsent")}
        for key in ("p50_us", "p99_us"):
            entry["paced"][f"added_{key}"] = figures([run[key] - other[key] for run, other in zip(paced, base)])
    return entry


def main():
    work, out, seconds, rate, version = sys.argv[1:]
    runs = read(os.path.join(work, "rounds"))
    result = {"rounds": len(runs["bid", "32"]), "seconds": int(seconds), "rate": int(rate), "nginx": version,
              "bytes": sizes(work), "ways": {}}
    print(f"{version.split(': ')[-1]}, 1 worker, keep-alive; {result['rounds']} rounds of {seconds} s; median (least - "
          f"most); 32 connections as fast as answers come: wrk, and a load that never sleeps; and {rate}/s")
    print(f"{'':15} {'wrk: req/s':>24} {'of return 204':>14} {'of fixed bid':>13} {'CPU us':>7} {'of 204':>7} {'busy':>5} "
          f"{'bids':>5} {'p50 us':>7} {'p99 us':>7}   {'awake: req/s':>12} {'of 204':>7} {'of fixed':>8} {'CPU us':>7} "
          f"{'of 204':>7} {'busy':>5}   {'paced: p50 us':>13} {'p99 us':>7} {'added':>6} {'added':>6}")
    for way, name in WAYS.items():
        if (way, "32") not in runs:
            continue
        if way in ("return_204", "recorded_204"):
            kind = "recorded" if way == "recorded_204" else "typical"
            print(f"{kind} requests, median {result['bytes'][kind]:.0f} bytes")
        entry = result["ways"][way] = entry_of(way, runs)
        spread = "{median:.0f} ({least:.0f} - {most:.0f})".format(**entry["per_s"])
        spin = {key: value["median"] for key, value in entry["spin"].items()}
        line = (f"{name:15} {spread:>24} {entry['ratio']['median']:14.2f} {entry['fixed_ratio']['median']:13.2f} "
                f"{entry['cpu_us']['median']:7.1f} {entry['cpu_ratio']['median']:7.2f} {entry['busy']['median']:5.2f} "
                f"{entry['bid_share']['median']:5.2f} {entry['p50_us']['median']:7.0f} {entry['p99_us']['median']:7.0f}   "
                f"{spin['per_s']:12.0f} {spin['ratio']:7.2f} {spin['fixed_ratio']:8.2f} {spin['cpu_us']:7.1f} "
                f"{spin['cpu_ratio']:7.2f} {spin['busy']:5.2f}")
        if "paced" in entry:
            p = entry["paced"]
            line += (f"   {p['p50_us']['median']:13.0f} {p['p99_us']['median']:7.0f} "
                     f"{p['added_p50_us']['median']:6.0f} {p['added_p99_us']['median']:6.0f}")
        print(line)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


main()
