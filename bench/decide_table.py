#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The one table of the decision benchmark, from the JSON of its program."""
import json
import re
import statistics
import sys

DESIGNS = [
    ("qbid", "qbid: decision, event, RCU"),
    ("qbid_swap", "  and a swap every 100 ms"),
    ("batch8", "  and 8 requests a call"),
    ("bare", "  the decision alone"),
    ("naive", "naive: structs, hash a candidate"),
]
HEAD = ("", "K", "ns/decision", "spread", "M/s", "naive/it", "p50", "p99", "p99.9")
ROW = "{:<33}{:>4}{:>13}{:>14}{:>7}{:>10}{:>8}{:>8}{:>8}"


def load(path):
    """{benchmark: {measure: [value of each round]}}"""
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    rounds = {}
    for run in data["benchmarks"]:
        if run["run_type"] != "iteration":
            continue
        name = re.sub(r"/(iterations|repeats):\d+", "", run["name"])
        measures = rounds.setdefault(name, {})
        for key in ("cpu_time", "p50_ns", "p99_ns", "p999_ns", "swaps", "drops", "preempted_share"):
            if key in run:
                measures.setdefault(key, []).append(run[key])
    return data["context"], rounds


def median(rounds, name, measure):
    values = rounds.get(name, {}).get(measure)
    return statistics.median(values) if values else None


def number(value, form="{:.0f}"):
    return "-" if value is None else form.format(value)


def spread(rounds, name):
    values = rounds.get(name, {}).get("cpu_time")
    return "{:.0f}-{:.0f}".format(min(values), max(values)) if values else "-"


def decision_row(rounds, design, text, k):
    name, naive = f"decide/{design}/{k}", median(rounds, f"decide/naive/{k}", "cpu_time")
    ns = median(rounds, name, "cpu_time")
    if ns is None:
        return None
    latency = [median(rounds, f"latency/{design}/{k}", m) for m in ("p50_ns", "p99_ns", "p999_ns")]
    return ROW.format(text, k, number(ns), spread(rounds, name), number(1e3 / ns, "{:.2f}"),
                      number(naive / ns if naive else None, "{:.1f}"), *map(number, latency))


def main():
    context, rounds = load(sys.argv[1])
    count = max((len(m["cpu_time"]) for m in rounds.values()), default=0)
    print(f"The decision: 10,000 line items, 65,536 contexts (Zipf 0.99), median of {count} interleaved "
          f"rounds;\nns of thread CPU time, latency between fences; load average "
          f"{context['load_avg'][0]:.1f} at the start.")
    print(f"Both layouts chose the same line item in {context['compared']} of {context['compared']} "
          "requests compared.\n")
    print(ROW.format(*HEAD))
    for design, text in DESIGNS:
        for k in (1, 8, 32, 128):
            row = decision_row(rounds, design, text, k)
            if row:
                print(row)
    harness = [median(rounds, f"decide/harness/{k}", "cpu_time") for k in (1, 8, 32, 128)]
    if all(harness):
        print(ROW.format("making the request (in all rows)", "", number(max(harness), "{:.1f}"),
                         "", "", "", "", "", ""))
    for name in sorted((n for n in rounds if n.startswith("limit/")),
                       key=lambda n: median(rounds, n, "cpu_time")):
        print(ROW.format(f"dependent load: {name[6:]}", "",
                         number(median(rounds, name, "cpu_time"), "{:.1f}"), spread(rounds, name),
                         "", "", "", "", ""))
    swaps = sum(sum(m.get("swaps", [])) for m in rounds.values())
    drops = sum(sum(m.get("drops", [])) for m in rounds.values())
    print(f"\n{swaps:.0f} generations of 100 MB adopted during the runs with swaps; "
          f"{drops:.0f} events dropped by the ring in all runs.")


if __name__ == "__main__":
    main()
