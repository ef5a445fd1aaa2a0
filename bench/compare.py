#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of two programs that ran in pairs: compare.py FOLDER ROUNDS, with old_1.json, new_1.json, ... in it."""
import json
import os
import re
import statistics
import sys

UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
HEAD = ("benchmark", "time", "old ns", "new ns", "new/old", "spread", "")
ROW = "{:<28}{:<22}{:>13}{:>13}{:>9}{:>15}  {}"


def times(run):
    """{name: ns} of one benchmark: its counters of nanoseconds and the time that it set itself, else CPU time."""
    found = {key: value for key, value in run.items() if key.endswith("_ns") and isinstance(value, (int, float))}
    manual = "/manual_time" in run["name"]
    if manual or not found:
        key = "real_time" if manual else "cpu_time"
        ns = run[key] * UNITS[run["time_unit"]]
        # decide sets the time that a counter of it says as well
        if not any(abs(ns - value) <= 1e-6 * abs(value) for value in found.values()):
            found[key] = ns
    return found


def load(path):
    """{(benchmark, time): ns}"""
    with open(path, encoding="utf-8") as file:
        runs = json.load(file)["benchmarks"]
    found = {}
    for run in runs:
        if run["run_type"] == "iteration" and not run.get("error_occurred"):
            name = re.sub(r"/(iterations|repeats|manual_time).*", "", run["name"])
            found.update({(name, key): ns for key, ns in times(run).items()})
    return found


def ratios(pairs):
    """new/old of each pair; none where a time is not above 0, as what a step adds may be."""
    return [new / old for old, new in pairs] if all(old > 0 and new > 0 for old, new in pairs) else []


def mark(values, rounds):
    """What not every round has measured, and what one round alone has, is not judged."""
    if 0 < len(values) < rounds:
        return f"of {len(values)} pairs"
    if len(values) < 2 or min(values) <= 1 <= max(values):
        return ""
    return "faster" if max(values) < 1 else "SLOWER"


def number(ns):
    return f"{ns:,.1f}" if abs(ns) < 1000 else f"{ns:,.0f}"


def row(name, key, pairs, rounds):
    values = ratios(pairs)
    cells = [f"{statistics.median(values):.3f}", f"{min(values):.3f}-{max(values):.3f}"] if values else ["-", "-"]
    return ROW.format(name, key, number(statistics.median(old for old, _ in pairs)),
                      number(statistics.median(new for _, new in pairs)), *cells, mark(values, rounds)).rstrip()


def names(sides):
    """Every (benchmark, time) of any round, in the order of the programs."""
    return list(dict.fromkeys(key for side in sides for found in side for key in found))


def print_lone(title, keys):
    if keys:
        print(f"\n{title}, not compared:")
        for name, key in keys:
            print(f"  {name} {key}")


def main():
    folder, rounds = sys.argv[1], int(sys.argv[2])
    old, new = ([load(os.path.join(folder, f"{side}_{i}.json")) for i in range(1, rounds + 1)]
                for side in ("old", "new"))
    print(f"\nMedians of {rounds} pairs of runs, new/old of each pair: median and spread. Marked where all pairs agree,\n"
          f"which by chance alone 1 row of {2 ** (rounds - 1)} would be.\n")
    print(ROW.format(*HEAD).rstrip())
    lone = {"old": [], "new": []}
    for key in names((old, new)):
        pairs = [(a[key], b[key]) for a, b in zip(old, new) if key in a and key in b]
        if pairs:
            print(row(*key, pairs, rounds))
        else:
            lone["old" if any(key in found for found in old) else "new"].append(key)
    print_lone("Only the old program has", lone["old"])
    print_lone("Only the new program has", lone["new"])


if __name__ == "__main__":
    main()
