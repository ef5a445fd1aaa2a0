#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Median and spread of each benchmark of a program that has no table of its own."""
import json
import os
import statistics
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        data = json.load(file)
    rounds = {}
    for run in data["benchmarks"]:
        if run["run_type"] == "iteration":
            rounds.setdefault(run["run_name"], []).append(run)
    name = os.path.basename(sys.argv[1]).removesuffix(".json")
    count = max((len(runs) for runs in rounds.values()), default=0)
    print(f"{name}: median of {count} interleaved rounds, thread CPU time; load average "
          f"{data['context']['load_avg'][0]:.1f} at the start\n")
    print("{:<32}{:>12}{:>18}".format("", "each", "spread"))
    for run_name, runs in rounds.items():
        times, unit = [run["cpu_time"] for run in runs], runs[0]["time_unit"]
        print("{:<32}{:>12}{:>18}".format(run_name, f"{statistics.median(times):.4g} {unit}",
                                          f"{min(times):.4g}-{max(times):.4g}"))


if __name__ == "__main__":
    main()
