#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The one table of the decision benchmark, from the JSON of its program."""
import json
import re
import statistics
import sys

DESIGNS = [
    ("qbid", "qbid: decision, event, RCU"),
    ("swap", "  while a swap every 100 ms"),
    ("batch8", "  8 requests a call"),
    ("bare", "  without event and RCU"),
    ("named", "  and candidates named by the host"),
    ("cold", "  with nothing in the caches"),
    ("ahead", "  the same, asked ahead"),
    ("formula", "formula: multipliers a candidate"),
    ("naive", "naive: structs, hash a candidate"),
]
KINDS = [
    ("uniform", "qbid: contexts uniform, not Zipf"),
    ("small", "qbid: table in 4 KiB pages"),
    ("pair", "qbid: two workers, one of them"),
]
KS = (1, 8, 32, 128)
HEAD = ("", "K", "ns/decision", "spread", "M/s", "naive/it", "spread", "p50", "p99", "p99.9")
ROW = "{:<36}{:>4}{:>12}{:>15}{:>7}{:>9}{:>12}{:>7}{:>7}{:>7}"


def load(path):
    """{benchmark: [its run in each round]}"""
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    rounds = {}
    for run in data["benchmarks"]:
        if run["run_type"] == "iteration":
            rounds.setdefault(re.sub(r"/(iterations|repeats|manual_time).*", "", run["name"]), []).append(run)
    return data["context"], rounds


def column(runs, key):
    return [run[key] for run in runs if key in run]


def number(values, form="{:.0f}"):
    return form.format(statistics.median(values)) if values else "-"


def spread(values, form="{:.0f}-{:.0f}"):
    return form.format(min(values), max(values)) if values else "-"


def decision_row(runs, design, text, k):
    ns = column(runs, f"{design}_ns")
    ratios = [run["naive_ns"] / run[f"{design}_ns"] for run in runs if f"{design}_ns" in run]
    latency = [number(column(runs, f"{design}_{q}_ns")) for q in ("p50", "p99", "p999")]
    return ROW.format(text, k, number(ns), spread(ns), number([1e3 / x for x in ns], "{:.2f}"),
                      number(ratios, "{:.1f}"), spread(ratios, "{:.1f}-{:.1f}"), *latency)


def main():
    context, rounds = load(sys.argv[1])
    decisions = {k: rounds[f"decide/{k}"] for k in KS if f"decide/{k}" in rounds}
    count = max((len(runs) for runs in rounds.values()), default=0)
    print(f"The decision: 10,000 line items, 65,536 contexts (Zipf 0.99), {context['num_cpus']} processors at "
          f"load {context['load_avg'][0]:.1f}.\nMedian of {count} rounds in which the designs take turns by the "
          "millisecond: ns of thread CPU time, latency between fences.\nBoth layouts chose the same line item "
          f"in all of the {context['compared']} requests compared.\n")
    print(ROW.format(*HEAD))
    for design, text in DESIGNS:
        for k, runs in decisions.items():
            print(decision_row(runs, design, text, k))
    for kind, text in KINDS:
        for k in KS:
            if f"{kind}/{k}" in rounds:
                print(decision_row(rounds[f"{kind}/{k}"], "qbid", text, k))
                print(decision_row(rounds[f"{kind}/{k}"], "batch8", "  8 requests a call", k))
    every = [run for runs in decisions.values() for run in runs]
    if every:
        harness = column(every, "harness_ns")
        print(ROW.format("making the request, in all rows", "", number(harness, "{:.1f}"),
                         spread(harness, "{:.1f}-{:.1f}"), *[""] * 6))
    for name in sorted((n for n in rounds if n.startswith("limit/")),
                       key=lambda n: statistics.median(column(rounds[n], "cpu_time"))):
        ns = column(rounds[name], "cpu_time")
        print(ROW.format("dependent load: " + name[6:], "", number(ns, "{:.1f}"),
                         spread(ns, "{:.1f}-{:.1f}"), *[""] * 6))
    slower = [run["swap_p999_ns"] / run["qbid_p999_ns"] for run in every
              if {"swap_p999_ns", "qbid_p999_ns"} <= run.keys()]
    print(f"\n{sum(column(every, 'swaps')):.0f} generations of 100 MB mapped, checked and adopted; p99.9 with "
          f"swaps / without: {number(slower, '{:.2f}')} (median of {len(slower)}); "
          f"{sum(column(every, 'drops')):.0f} events dropped by the ring.")


if __name__ == "__main__":
    main()
