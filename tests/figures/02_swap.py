#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Swap figures of issue 02: generations of 100 MB every 100 ms from a publisher process to a watcher, with a
reader at full speed: from the commit to the first decision with it, what the stager does beforehand, and the
reader's latencies beside those of the same run without swaps; with huge pages and without."""
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
ROUNDS = os.environ.get("ROUNDS", "5")
HOW = f"make figures N=02 (bench/decision/swap.cc, {ROUNDS} rounds, median)"
FIRST_GOAL_US = 300
RATIO_GOAL = 1.1


def figure(name, value, unit, goal=None, holds=None, how=HOW):
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "holds": holds,
                      "how": how}), flush=True)


def measure():
    subprocess.run(["make", "--no-print-directory", "build/release/bench/swap"], cwd=ROOT, check=True,
                   stdout=sys.stderr)
    out = os.path.join(ROOT, "build", "bench", "swap.json")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run(["build/release/bench/swap", f"--benchmark_repetitions={ROUNDS}",
                    f"--benchmark_out={out}", "--benchmark_out_format=json"],
                   cwd=ROOT, check=True, stdout=sys.stderr)
    with open(out, encoding="utf-8") as f:
        rows = json.load(f)["benchmarks"]
    return [row for row in rows if row["run_type"] == "iteration"]


def spread(runs, name, scale=1.0, digits=1):
    values = [run[name] / scale for run in runs]
    return (round(statistics.median(values), digits),
            f"{HOW}; {min(values):.{digits}f} to {max(values):.{digits}f}")


def main():
    rows = measure()
    for pages, words in (("huge", "huge pages"), ("4k", "4K pages")):
        runs = [row for row in rows if row["name"].startswith(f"swap/{pages}/")]
        value, how = spread(runs, "first_p50_ns", 1e3)
        goal = pages == "huge"
        figure(f"100 MB, {words}: commit to first use, median", value, "us",
               f"<= {FIRST_GOAL_US}" if goal else None, value <= FIRST_GOAL_US if goal else None, how)
        for name, what, unit, scale in (("first_min_ns", "commit to first use, least", "us", 1e3),
                                        ("first_p99_ns", "commit to first use, p99", "us", 1e3),
                                        ("adopt_p50_ns", "of it from the message to the swap", "us", 1e3),
                                        ("map_ns", "staging beforehand: map and touch", "ms", 1e6),
                                        ("verify_ns", "staging beforehand: verify", "ms", 1e6),
                                        ("unmap_ns", "unmap the old one", "ms", 1e6),
                                        ("swaps_per_s", "swaps", "1/s", 1.0)):
            value, how = spread(runs, name, scale)
            figure(f"100 MB, {words}: {what}", value, unit, how=how)
        for name, what, hold in (("p99_ratio", "p99", False), ("p999_ratio", "p99.9", True)):
            value, how = spread(runs, name, 1.0, 2)
            figure(f"100 MB every 100 ms, {words}: readers' {what} against no swap", value, "x",
                   f"<= {RATIO_GOAL}" if hold else None, value <= RATIO_GOAL if hold else None, how)
        value, how = spread(runs, "huge_mapped", 0.01, 0)
        figure(f"100 MB, {words}: mapped in pages of 2 MiB", value, "%", how=how)


main()
